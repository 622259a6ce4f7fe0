package engine

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	agreeWithin = 2 * time.Second // two sources that differ by less agree
	agreeEvery  = 5 * time.Second
	askWithin   = 500 * time.Millisecond
	askTimes    = 5
	ownError    = time.Millisecond       // what a clock may be off without being wrong
	carryOn     = time.Hour              // without anybody to ask; then it is said again, louder
	agreeFirst  = 500 * time.Millisecond // between two tries, until there is a first agreement
	alone       = 10 * time.Second       // without anybody to ask at the start: then the own clock must do
)

// clock tells the agreed time: this process' monotonic time plus an offset that
// two of {own, Redis, Postgres} agree on. One clock that jumps moves nothing.
type clock struct {
	log     *slog.Logger
	sources []TimeSource
	wall    func() time.Time // this machine's own clock, which may jump
	base    time.Time        // with its monotonic reading
	offset  atomic.Int64     // ns to add to base's wall time
	mu      sync.Mutex       // one agreement at a time
	agreed  time.Time        // guarded by mu: when the last agreement was reached
	warned  bool             // guarded by mu
	trusted atomic.Bool      // there was an agreement, or nobody to agree with
}

func newClock(sources []TimeSource, wall func() time.Time, log *slog.Logger) *clock {
	if wall == nil {
		wall = time.Now
	}
	now := time.Now()
	c := &clock{log: log, sources: sources, wall: wall, base: now, agreed: now}
	c.offset.Store(int64(c.own()))
	return c
}

// own is how far this machine's clock has moved away from its monotonic time.
func (c *clock) own() time.Duration {
	return c.wall().Round(0).Sub(c.base.Round(0)) - time.Since(c.base)
}

func (c *clock) now() time.Time {
	return c.base.Add(time.Since(c.base) + time.Duration(c.offset.Load())).UTC().Round(0)
}

func (c *clock) run(ctx context.Context) {
	for {
		c.agree(ctx)
		wait := agreeEvery
		if !c.trusted.Load() {
			wait = agreeFirst
		}
		next := time.NewTimer(wait)
		select {
		case <-next.C:
		case <-ctx.Done():
			next.Stop()
			return
		}
	}
}

// reading is what one source says: how far the agreed time is from this
// process' own, give or take.
type reading struct {
	offset, error time.Duration
}

// agree asks everybody and takes over the time of the first source that
// another one confirms. The own wall clock is the last to be asked, so that
// nodes that reach the same Redis agree with one another too. A reading that
// fits the present time within its own error changes nothing: a slow answer on
// a busy machine must not move the opening.
func (c *clock) agree(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	readings := make([]reading, 0, len(c.sources)+1)
	for _, s := range c.sources {
		if r, ok := c.ask(ctx, s); ok {
			readings = append(readings, r)
		}
	}
	readings = append(readings, reading{offset: c.own(), error: ownError})
	if r, ok := c.confirmed(readings); ok {
		if moved := r.offset - time.Duration(c.offset.Load()); moved.Abs() > r.error {
			c.offset.Store(int64(r.offset))
		}
		c.agreed, c.warned = time.Now(), false
		c.trusted.Store(true)
		return
	}
	if len(readings) == 1 && time.Since(c.base) > alone {
		c.trusted.Store(true)
	}
	if since := time.Since(c.agreed); since > carryOn && !c.warned && ctx.Err() == nil {
		c.warned = true
		c.log.Error("nobody has confirmed this node's time for an hour; it goes on by itself", "since", since.Round(time.Minute))
	}
}

// confirmed returns the first reading that another one, or with no other source
// the present time, agrees with.
func (c *clock) confirmed(readings []reading) (reading, bool) {
	if len(c.sources) == 0 {
		readings = append(readings, reading{offset: time.Duration(c.offset.Load())})
	}
	for i, a := range readings {
		for j, b := range readings {
			if i != j && (a.offset-b.offset).Abs() < agreeWithin {
				return a, true
			}
		}
	}
	return reading{}, false
}

// ask reads one source a few times and keeps the answer that came fastest: the
// source read its clock somewhere within the round trip.
func (c *clock) ask(ctx context.Context, s TimeSource) (best reading, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	for range askTimes {
		start := time.Now()
		t, err := s.Now(ctx)
		if err != nil {
			return best, ok
		}
		trip := time.Since(start)
		if !ok || trip/2+ownError < best.error {
			best, ok = reading{t.Round(0).Add(-trip/2).Sub(c.base.Round(0)) - start.Sub(c.base), trip/2 + ownError}, true
		}
	}
	return best, ok
}
