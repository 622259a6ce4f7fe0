package browser

import (
	"fmt"
	"testing"
	"time"

	"firstcome/bench/stack"
)

// lot is a campaign's card on the page of a show.
func lot(id string) string { return `[data-test="campaign"][data-id="` + id + `"]` }

// live is the button of one campaign on that page.
func live(id string) string { return within(lot(id), "claim-button") }

// points is what the server says of the points of a member.
func (h *house) points(t testing.TB, name string) int {
	t.Helper()
	return ask(t, "GET", h.members()+"/v1/me/points", h.tokens(t, "", name)[0], "").number("total")
}

// A viewer claims points in one campaign of a show after another, sees the places
// go while others claim, and is told one total, without reloading.
func TestAShow(t *testing.T) {
	for name, who := range map[string]somebody{"phone in Korean": on(phone).asKorean(), "keyboard only": on(laptop).withKeyboardOnly()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			aShow(t, embedded(t), who)
		})
	}
}

func aShow(t *testing.T, h *house, who somebody) {
	show, viewer := stack.Unique("show"), stack.Unique("viewer")
	next := func(n int) string {
		id := fmt.Sprintf("%s-%d", show, n)
		h.open(t, id, fmt.Sprintf("Round %d", n), map[string]any{"kind": "reward", "cap": 20, "points": 50})
		return id
	}
	first := next(1)
	b := who.sits(t)
	b.open(h.members() + "/live?prefix=" + show)
	b.signsIn(viewer)
	eval[bool](b, `(window.untouched = true)`)
	for n := 1; n <= 4; n++ {
		id := first
		if n > 1 {
			id = next(n)
		}
		b.counts(within(lot(id), "remaining"), 20)
		h.crowd(t, id, id, 3, "")
		b.countsWithin(3*time.Second, within(lot(id), "remaining"), 17)
		b.doubleTap(live(id))
		b.countsWithin(3*time.Second, "points-total", 50*n)
		b.counts(within(lot(id), "remaining"), 16)
		h.admin(t, "POST", "/campaigns/"+id+"/closure", "")
	}
	if !eval[bool](b, `window.untouched === true`) {
		t.Error("the page was loaded again")
	}
	b.reload()
	b.counts("points-total", 200)
	if got := h.points(t, viewer); got != 200 {
		t.Errorf("the books have %d points, want 200", got)
	}
}

// Without streams the pages ask now and then, and their numbers are still right.
func TestWithoutStreams(t *testing.T) {
	t.Parallel()
	h, show := embedded(t), stack.Unique("deaf")
	id := show + "-1"
	h.open(t, id, "Deaf", map[string]any{"kind": "reward", "cap": 20, "points": 10})
	b := on(phone).sits(t)
	b.open(b.through(h.members()) + "/live?prefix=" + show)
	b.signsIn(stack.Unique("viewer"))
	page := b.twin()
	page.open(eval[string](b, `location.origin`) + "/c/" + id)
	page.counts("remaining", 20)
	for _, tab := range []*tab{b, page} {
		tab.without("*://*:*/v1/campaigns/*/events*")
	}
	b.line.become(cut) // the streams that were open end
	b.line.become(whole)
	h.crowd(t, id, id, 4, "")
	b.countsWithin(patience, within(lot(id), "remaining"), 16)
	page.countsWithin(patience, "remaining", 16)
	b.tap(live(id))
	b.counts("points-total", 10)
	b.countsWithin(patience, within(lot(id), "remaining"), 15)
	page.countsWithin(patience, "rank", 5)
}
