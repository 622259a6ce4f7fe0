package engine

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"firstcome/engine/fold"
)

// told keeps what News hears.
type told struct {
	mu      sync.Mutex
	changes []Change
}

func (n *told) Tell(_ int32, changes []Change) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.changes = append(n.changes, changes...)
}

func (n *told) all() []Change {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.changes)
}

// Two nodes tell the same numbered changes without a gap, with the totals that
// each of them led to, also where one record causes several.
func TestNewsAreNumberedAndEqualOnEveryNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		heard := [2]*told{{}, {}}
		var nodes []*Engine
		for i := range heard {
			nodes = append(nodes, r.nodeWith(Ports{Log: r.log, Gate: r.gate, Locker: r.locker, News: heard[i]}))
		}
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(1)), WaitlistCap: 5}, nodes...)
		for i, m := range []string{"a", "b", "c"} {
			ask := call(c.ID, m)
			ask.Waitlist = true
			if _, err := nodes[i%2].Claim(r.ctx, ask); err != nil {
				t.Fatal(err)
			}
		}
		now, err := nodes[0].Campaign(c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := nodes[0].SetCap(r.ctx, c.ID, ptr(int64(3)), now.Version, admin, false); err != nil {
			t.Fatal(err)
		}
		if err := nodes[1].Sync(r.ctx, c.ID, Read{Exact: true}); err != nil {
			t.Fatal(err)
		}
		// A node answers its callers before it tells the news.
		synctest.Wait()
		want := []struct {
			what             fold.Change
			granted, waiting int64
		}{{fold.Created, 0, 0}, {fold.Opened, 0, 0}, {fold.GrantedNow, 1, 0}, {fold.Waitlisted, 1, 1}, {fold.Waitlisted, 1, 2},
			{fold.CapChanged, 1, 2}, {fold.Promoted, 2, 1}, {fold.Promoted, 3, 0}}
		for n, h := range heard {
			changes := h.all()
			if len(changes) != len(want) {
				t.Fatalf("node %d heard %d changes, not %d", n, len(changes), len(want))
			}
			for i, w := range want {
				if got := changes[i]; got.Ev != int64(i+1) || got.What != w.what || got.After.Granted != w.granted || got.After.Waiting != w.waiting {
					t.Errorf("node %d, change %d: %+v", n, i+1, got)
				}
			}
		}
	})
}
