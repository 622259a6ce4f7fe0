package cache

import (
	"testing"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// A count that ends before a milestone has the time of its own last event,
// whether it was cut before the milestone came or is resumed after it.
func TestACountBeforeAMilestoneHasItsOwnTime(t *testing.T) {
	r := &Reel{part: &part{reels: map[string]*Reel{}}}
	for ev, c := range []engine.Change{
		{What: fold.Created, At: 10}, {What: fold.GrantedNow, At: 20}, {What: fold.ClosedNow, At: 30, After: fold.Totals{Status: fold.Closed}},
	} {
		c.Ev = int64(ev + 1)
		r.hear(&c)
	}
	if f := r.past.next(1, r.now); f.kind != count || f.ev != 2 || f.at != 20 {
		t.Errorf("%+v", f)
	}
}
