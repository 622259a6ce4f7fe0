package browser

import (
	"testing"
	"time"

	"firstcome/bench/stack"
)

// ready brings a member to the open page of a new campaign, over a line of their
// own.
func ready(t *testing.T, h *house, who somebody) (b *tab, id string) {
	t.Helper()
	id = stack.Unique("doubt")
	h.open(t, id, "Never in doubt", map[string]any{"cap": 3})
	b = who.sits(t)
	b.open(b.through(h.members()) + "/c/" + id)
	b.signsIn(stack.Unique("member"))
	b.still("claim-button")
	return b, id
}

// certain is the end of every doubt: the rank on the page, one grant in the books.
func certain(t *testing.T, h *house, b *tab, id string) {
	t.Helper()
	b.counts("rank", 1)
	b.lacks("deciding")
	h.counts(t, id, 1, 0)
}

func TestADoubleTapIsOneGrant(t *testing.T) {
	t.Parallel()
	h := embedded(t)
	b, id := ready(t, h, on(phone))
	b.doubleTap("claim-button")
	certain(t, h, b, id)
}

// The claim arrives and its answer is lost: the page asks again by itself.
func TestTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	h := embedded(t)
	b, id := ready(t, h, on(phone).asKorean())
	b.line.become(mute)
	b.tap("claim-button")
	b.has("deciding")
	h.counts(t, id, 1, 0)
	b.line.become(cut)
	b.has("deciding")
	b.line.become(whole)
	certain(t, h, b, id)
}

// The network is gone before the tap and comes back after it.
func TestTheNetworkIsLostDuringTheTap(t *testing.T) {
	t.Parallel()
	h := embedded(t)
	b, id := ready(t, h, on(phone))
	b.offline()
	b.tap("claim-button")
	b.has("deciding")
	h.counts(t, id, 0, 0)
	b.online()
	certain(t, h, b, id)
}

// The member reloads while nobody knows yet.
func TestAReloadInTheMiddleOfDeciding(t *testing.T) {
	t.Parallel()
	h := embedded(t)
	b, id := ready(t, h, on(phone))
	b.line.become(mute)
	b.tap("claim-button")
	b.has("deciding")
	h.counts(t, id, 1, 0)
	b.line.become(cut)
	b.line.become(whole)
	b.reload()
	certain(t, h, b, id)
}

// The server dies in mid-stream while a claim is on its way, and comes back with
// its files.
func TestTheServerDiesInMidStream(t *testing.T) {
	t.Parallel()
	h := own(t, nil)
	b, id := ready(t, h, on(phone))
	twin := b.twin()
	twin.line = b.line
	twin.open("http://" + b.line.listener.Addr().String() + "/c/" + id)
	twin.has("claim-button")
	b.line.become(mute)
	b.tap("claim-button")
	b.has("deciding")
	h.counts(t, id, 1, 0)
	h.Nodes[0].Kill()
	b.line.become(whole)
	b.has("deciding")
	if err := h.Nodes[0].Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	certain(t, h, b, id)
	twin.counts("rank", 1)
	h.claim(t, id, "another", "")
	b.countsWithin(5*time.Second, "remaining", 1)
	twin.countsWithin(5*time.Second, "remaining", 1)
}

// A slow network shows the page, and the answer, all the same.
func TestASlowNetwork(t *testing.T) {
	t.Parallel()
	h, id := embedded(t), stack.Unique("slow")
	h.open(t, id, "Slow", map[string]any{"cap": 3})
	b := on(phone).sits(t)
	b.slowNetwork()
	begun := time.Now()
	b.open(h.page(id))
	b.has("sign-in-name")
	t.Logf("a slow phone sees the page after %v", time.Since(begun).Round(100*time.Millisecond))
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("a slow phone sees the page after %v", took)
	}
	b.signsIn(stack.Unique("member"))
	b.tap("claim-button")
	certain(t, h, b, id)
}
