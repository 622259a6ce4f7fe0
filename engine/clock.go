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
	carryOn     = time.Hour // without anybody to ask; then it is said again, louder
)

// clock tells the agreed time: this process' monotonic time plus an offset that
// two of {own, Redis, Postgres} agree on. One clock that jumps moves nothing.
type clock struct {
	log     *slog.Logger
	sources []TimeSource
	base    time.Time    // with its monotonic reading
	offset  atomic.Int64 // ns to add to base's wall time
	mu      sync.Mutex   // one agreement at a time
	agreed  time.Time    // guarded by mu: when the last agreement was reached
	warned  bool         // guarded by mu
}

func newClock(sources []TimeSource, log *slog.Logger) *clock {
	now := time.Now()
	return &clock{log: log, sources: sources, base: now, agreed: now}
}

func (c *clock) now() time.Time {
	return c.base.Add(time.Since(c.base) + time.Duration(c.offset.Load())).UTC().Round(0)
}

func (c *clock) run(ctx context.Context) {
	tick := time.NewTicker(agreeEvery)
	defer tick.Stop()
	for {
		c.agree(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// agree asks everybody and takes over the time of the first source that
// another one confirms. The own wall clock is the last to be asked, so that
// nodes that reach the same Redis agree with one another too.
func (c *clock) agree(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	offsets := make([]time.Duration, 0, len(c.sources)+1)
	for _, s := range c.sources {
		if o, ok := c.ask(ctx, s); ok {
			offsets = append(offsets, o)
		}
	}
	own := time.Now().Round(0).Sub(c.base.Round(0)) - time.Since(c.base)
	offsets = append(offsets, own)
	if offset, ok := c.confirmed(offsets); ok {
		c.offset.Store(int64(offset))
		c.agreed, c.warned = time.Now(), false
		return
	}
	if since := time.Since(c.agreed); since > carryOn && !c.warned && ctx.Err() == nil {
		c.warned = true
		c.log.Error("nobody has confirmed this node's time for an hour; it goes on by itself", "since", since.Round(time.Minute))
	}
}

// confirmed returns the first offset that another one, or with no other source
// the present one, agrees with.
func (c *clock) confirmed(offsets []time.Duration) (time.Duration, bool) {
	if len(c.sources) == 0 {
		offsets = append(offsets, time.Duration(c.offset.Load()))
	}
	for i, a := range offsets {
		for j, b := range offsets {
			if i != j && (a-b).Abs() < agreeWithin {
				return a, true
			}
		}
	}
	return 0, false
}

// ask reads one source's offset, half the round trip being the way back.
func (c *clock) ask(ctx context.Context, s TimeSource) (time.Duration, bool) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	start := time.Now()
	t, err := s.Now(ctx)
	if err != nil {
		return 0, false
	}
	trip := time.Since(start)
	return t.Round(0).Add(-trip/2).Sub(c.base.Round(0)) - start.Sub(c.base), true
}
