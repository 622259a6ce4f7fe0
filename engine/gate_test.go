package engine

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// crowded opens more campaigns than one refresh reports, and more than one
// round trip of a flush.
func crowded(t *testing.T, r *rig) (*Engine, []string) {
	t.Helper()
	a := r.node()
	var ids []string
	for i := range flushBatch + 4*refreshBatch {
		ids = append(ids, r.open(Campaign{ID: fmt.Sprintf("small-%d", i), Cap: ptr(int64(1))}, a).ID)
	}
	time.Sleep(time.Second) // all is told
	return a, ids
}

// wiped forgets what the gate knows.
func (g *memGate) wiped() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.used)
	clear(g.room)
	clear(g.leases)
}

func (g *memGate) unknown(ids []string) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range ids {
		if _, known := g.room[id]; !known {
			n++
		}
	}
	return n
}

func TestAWipedGateKnowsEveryQuietCampaignAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		_, ids := crowded(t, r)
		r.gate.wiped()
		time.Sleep(2 * time.Minute)
		if n := r.gate.unknown(ids); n > 0 {
			t.Errorf("the gate still does not know %d of %d campaigns", n, len(ids))
		}
	})
}

func TestAFlushThatFailsForgetsNoCampaign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a, ids := crowded(t, r)
		r.gate.mu.Lock()
		r.gate.down = true
		r.gate.mu.Unlock()
		for _, p := range a.node.parts {
			p.mu.RLock()
			for _, d := range p.desks {
				d.touch()
			}
			p.mu.RUnlock()
		}
		time.Sleep(time.Second) // every flush fails
		r.gate.wiped()
		r.gate.mu.Lock()
		r.gate.down = false
		r.gate.mu.Unlock()
		time.Sleep(900 * time.Millisecond) // before a second refresh
		if n := r.gate.unknown(ids); n > 0 {
			t.Errorf("%d of %d campaigns were not told when the gate came back", n, len(ids))
		}
	})
}
