package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

const tallyEvery = 250 * time.Millisecond

// Tallies are late numbers: counted in this process and flushed to the
// [Counter] in batches. They inform; nothing decides by them.
type tallies struct {
	attempts atomic.Int64
	outcomes [Superseded + 1]atomic.Int64     // by outcome; 0: errors
	pace     atomic.Pointer[pace]             // nil: nobody claimed of late
	known    atomic.Pointer[map[string]int64] // what the counter said last, if a board asked; never changed in place
}

// tally counts one answered claim. A claim on an unknown campaign is not
// counted: names that anybody may invent would fill the memory.
func (p *partition) tally(campaign string, o Outcome, err error, took time.Duration) {
	if errors.Is(err, ErrNotFound) {
		return
	}
	p.mu.RLock()
	d := p.desks[campaign]
	p.mu.RUnlock()
	if d == nil {
		return
	}
	if err != nil {
		o = 0
	}
	d.tallies.attempts.Add(1)
	d.tallies.outcomes[o].Add(1)
	d.tallies.observe(p.node.second(), took)
}

func (t *tallies) observe(second int64, took time.Duration) {
	p := t.pace.Load()
	if p == nil {
		t.pace.CompareAndSwap(nil, new(pace))
		if p = t.pace.Load(); p == nil {
			return // given up in this very moment
		}
	}
	p.observe(second, took)
}

// drain takes the counts since the last flush; nil when there are none.
func (t *tallies) drain() map[string]int64 {
	n := t.attempts.Swap(0)
	if n == 0 {
		return nil
	}
	counts := map[string]int64{"attempts": n}
	for o := range t.outcomes {
		if k := t.outcomes[o].Swap(0); k != 0 {
			counts[tallyName(o)] = k
		}
	}
	return counts
}

// restore puts counts back that were not flushed.
func (t *tallies) restore(counts map[string]int64) {
	t.attempts.Add(counts["attempts"])
	for o := range t.outcomes {
		t.outcomes[o].Add(counts[tallyName(o)])
	}
}

func tallyName(o int) string {
	if o == 0 {
		return "errors"
	}
	return Outcome(o).String()
}

// runTallies flushes until ctx ends, and once more after it.
func (e *Engine) runTallies(ctx context.Context) {
	if e.ports.Counter == nil {
		return
	}
	tick := time.NewTicker(tallyEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			e.flushTallies(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			e.flushTallies(last)
			return
		}
	}
}

// flushTallies adds what was counted to the counter. After an error the counts
// stay here: they may then be counted twice, which a late number may be.
func (e *Engine) flushTallies(ctx context.Context) {
	batch, from := map[string]map[string]int64{}, map[string]*desk{}
	for _, p := range e.node.parts {
		p.mu.RLock()
		for id, d := range p.desks {
			if counts := d.tallies.drain(); counts != nil {
				batch[id], from[id] = counts, d
			} else if pace := d.tallies.pace.Load(); pace != nil && pace.idle(e.node.second()) {
				d.tallies.pace.Store(nil)
			}
		}
		p.mu.RUnlock()
	}
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tallyEvery)
	defer cancel()
	if err := e.ports.Counter.Add(ctx, batch); err != nil {
		for id, counts := range batch {
			from[id].tallies.restore(counts)
		}
	}
}

// Counts returns a campaign's tallies (attempts, outcomes by name): late
// numbers from all nodes' flushes. They inform; nothing decides by them.
func (e *Engine) Counts(ctx context.Context, id string) (map[string]int64, error) {
	if _, err := e.Campaign(id); err != nil {
		return nil, err
	}
	if e.ports.Counter == nil {
		return map[string]int64{}, nil
	}
	return e.ports.Counter.Counts(ctx, id)
}
