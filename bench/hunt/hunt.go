package hunt

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"firstcome/bench/sim"
)

// chunk is how many seeds one process plays.
const chunk = 50

// Tally is what a hunt has seen so far.
type Tally struct {
	Seeds, Asked, Records, Places int
	Virtual, Took                 time.Duration
	Failed                        []sim.Line // by the order in which they came
}

// Hunter plays many seeds.
type Hunter struct {
	Program *Program
	// Most is how many failing seeds end the hunt; 0: 1.
	Most int
	// Progress, when set, is called after each seed, one call at a time.
	Progress func(Tally)

	mu    sync.Mutex
	tally Tally // guarded by mu
}

// Run plays the seeds from first on, as many processes at once as there are
// processors, until all are played or enough have failed.
func (h *Hunter) Run(ctx context.Context, first uint64, n int) (Tally, error) {
	begun := time.Now()
	ctx, enough := context.WithCancelCause(ctx)
	defer enough(nil)
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for at := 0; at < n && all.Err() == nil; at += chunk {
		group.Go(func() error {
			return h.play(all, first+uint64(at), min(chunk, n-at), func(l sim.Line) {
				if h.take(l, begun) {
					enough(errEnough)
				}
			})
		})
	}
	err := group.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if errors.Is(context.Cause(ctx), errEnough) {
		err = nil
	}
	return h.tally, err
}

var errEnough = errors.New("enough seeds have failed")

// play plays a chunk; after a death the rest goes on in another process.
func (h *Hunter) play(ctx context.Context, first uint64, n int, each func(sim.Line)) error {
	for end := first + uint64(n); first < end; {
		next := first
		err := h.Program.Seeds(ctx, first, int(end-first), func(l sim.Line) {
			next = l.Seed + 1
			each(l)
		})
		if err == nil || !errors.Is(err, errDied) {
			return err
		}
		first = next
	}
	return nil
}

// take counts an outcome and reports whether that is enough.
func (h *Hunter) take(l sim.Line, begun time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := &h.tally
	t.Seeds++
	t.Asked, t.Records, t.Places, t.Virtual, t.Took = t.Asked+l.Asked, t.Records+l.Records, t.Places+l.Places, t.Virtual+l.Lasted, time.Since(begun)
	if len(l.Violations) > 0 {
		t.Failed = append(t.Failed, l)
	}
	if h.Progress != nil {
		h.Progress(*t)
	}
	return len(t.Failed) >= max(1, h.Most)
}
