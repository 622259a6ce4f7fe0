package browser

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"firstcome/bench/stack"
)

// bears gives the browser the session of a member whose token somebody else has
// issued.
func (b *tab) bears(token string) {
	b.t.Helper()
	body, _ := json.Marshal(map[string]string{"token": token})
	status := eval[int](b, `fetch("/session", {method: "POST", headers: {"Content-Type": "application/json"}, body: `+quoted(string(body))+`}).then(r => r.status)`)
	if status >= http.StatusMultipleChoices {
		b.fatalf("no session: %d", status)
	}
}

// In a cluster of two nodes a member taps on one, and the other shows it at once;
// when the node of an open page dies, the balancer's next one goes on with it.
func TestAMemberOfACluster(t *testing.T) {
	t.Parallel()
	h, id := cluster(t), stack.Unique("cluster")
	h.open(t, id, "Two nodes", map[string]any{"cap": 3, "waitlist_cap": 3})
	one, two := h.Nodes[0], h.Nodes[1]
	token := h.tokens(t, "", "hong")[0]
	b := on(phone).asKorean().sits(t)
	base := b.through(one.Members)
	b.open(base + "/")
	b.bears(token)
	b.open(base + "/c/" + id)
	b.still("claim-button")
	twin := b.twin() // cookies do not tell ports apart
	twin.open("http://" + two.Members + "/c/" + id)
	twin.has("claim-button")
	b.tap("claim-button")
	b.counts("rank", 1)
	twin.countsWithin(time.Second, "rank", 1)
	b.line.leads(two.Members)
	one.Kill()
	h.Nodes[0], h.Nodes[1] = two, one // the others ask the living node
	h.crowd(t, id, "other", 2, "")
	b.countsWithin(patience, "remaining", 0)
	twin.countsWithin(patience, "remaining", 0)
	b.tap("cancel-button")
	b.tap("confirm-cancel")
	b.has("claim-button")
	twin.countsWithin(patience, "remaining", 1)
	b.tap("claim-button")
	b.counts("rank", 4)
	twin.counts("rank", 4)
	h.counts(t, id, 3, 0)
}
