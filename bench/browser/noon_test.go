package browser

import (
	"fmt"
	"testing"

	"firstcome/bench/stack"
)

// The board while people claim: its charts have something to show, and in the end
// its numbers are those of the books.
func TestTheBoardAtNoon(t *testing.T) {
	t.Parallel()
	h, id := embedded(t), stack.Unique("noon")
	h.open(t, id, "Spring concert", map[string]any{"cap": 150, "waitlist_cap": 40})
	names := make([]string, 240)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%03d", id, i)
	}
	tokens := h.tokens(t, "", names...)
	b := on(laptop).sits(t)
	b.arrives(h, "minji", "owner")
	b.open(h.admins() + "/#/c/" + id)
	b.has("chart-decisions")
	for _, many := range []int{8, 46, 38, 30, 24, 20, 16, 14, 12, 10, 8, 6, 4, 2, 2} {
		tick := b.says("clock")
		for _, token := range tokens[:many] {
			ask(t, "POST", h.members()+"/v1/campaigns/"+id+"/claims", token, `{"if_full":"waitlist"}`)
		}
		tokens = tokens[many:]
		b.until(patience, "the next second", fmt.Sprintf(`%s.innerText !== %q`, first("clock"), tick))
	}
	b.counts("board-granted", 150)
	b.counts("board-waiting", 40)
	b.portrait("board")
	h.counts(t, id, 150, 40)
}
