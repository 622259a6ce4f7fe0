package fault

import (
	"sync/atomic"
	"time"
)

// pulse tells how late this machine is by itself: what a claim waits for because
// other programs have the processors is no fault of the engine.
type pulse struct{ most atomic.Int64 }

// beat measures until stop is closed.
func (p *pulse) beat(stop <-chan struct{}) {
	const each = 5 * time.Millisecond
	tick := time.NewTicker(each)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		now := time.Now()
		if late := int64(now.Sub(last) - each); late > p.most.Load() {
			p.most.Store(late)
		}
		last = now
	}
}

// latest is the worst since the last reset.
func (p *pulse) latest() time.Duration { return time.Duration(p.most.Load()) }

func (p *pulse) reset() { p.most.Store(0) }
