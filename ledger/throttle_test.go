package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type none struct{}

func (none) Cursors(context.Context, int32) (next, rows []int64, err error) { return nil, nil, nil }
func (none) Rate(context.Context) (int64, error)                            { return 0, nil }
func (none) SetRate(context.Context, int64) error                           { return nil }
func (none) Rows() []int64                                                  { return nil }

// written is when how many rows were committed.
type written struct {
	at   time.Duration
	rows int
}

// drain writes with several partitions, as part.flush does, for a while; one
// commit takes a time that varies.
func drain(t *Throttle, partitions int, commit func() time.Duration, run time.Duration) (out []written) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(run, cancel)
	for range partitions {
		wg.Go(func() {
			for {
				rows := t.turn()
				done, err := t.begin(ctx, rows)
				if err != nil {
					return
				}
				time.Sleep(commit())
				mu.Lock()
				out = append(out, written{time.Since(start), rows})
				mu.Unlock()
				done()
			}
		})
	}
	wg.Wait()
	return out
}

// window finds the fullest and the emptiest second, wherever it begins, once the
// throttle knows how long a commit takes.
func window(all []written, run time.Duration) (most, least int) {
	least = 1 << 60
	for from := 3 * time.Second; from+time.Second < run; from += time.Millisecond {
		n := 0
		for _, w := range all {
			if w.at >= from && w.at < from+time.Second {
				n += w.rows
			}
		}
		most, least = max(most, n), min(least, n)
	}
	return most, least
}

// Rows of each second stay within 5 % of the limit, on any second that one may
// choose, while there is a backlog and the database takes what it is given.
func TestEachSecondStaysWithinFivePercent(t *testing.T) {
	for _, rate := range []int64{200, 1000, 5000} {
		for _, partitions := range []int{1, 16} {
			for name, commit := range map[string]func() time.Duration{
				"at once":      func() time.Duration { return time.Millisecond },
				"slow":         func() time.Duration { return time.Duration(rand.IntN(22)) * time.Millisecond },
				"steady":       func() time.Duration { return 24 * time.Millisecond },
				"a tired disk": func() time.Duration { return 60 * time.Millisecond },
			} {
				t.Run(fmt.Sprintf("%d rows, %d partitions, %s", rate, partitions, name), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						throttle := NewThrottle(rate, none{}, none{}, none{}, slog.New(slog.DiscardHandler))
						const run = 8 * time.Second
						most, least := window(drain(throttle, partitions, commit, run), run)
						slack := 0
						if name == "a tired disk" { // one commit is 6 % of a second
							slack = int(rate) * 7 / 100
						}
						if limit := int(rate); most > limit*105/100+slack || least < limit*95/100-slack {
							t.Errorf("the fullest second has %d rows, the emptiest %d, the limit is %d", most, least, limit)
						}
					})
				})
			}
		}
	}
}

// A database that stalls is not flooded afterwards with what waited meanwhile.
func TestAStallIsNotMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := NewThrottle(200, none{}, none{}, none{}, slog.New(slog.DiscardHandler))
		start := time.Now()
		commit := func() time.Duration {
			if into := time.Since(start) % (2 * time.Second); into < 400*time.Millisecond {
				return 400*time.Millisecond - into
			}
			return 2 * time.Millisecond
		}
		const run = 8 * time.Second
		if most, _ := window(drain(throttle, 16, commit, run), run); most > 215 {
			t.Errorf("the fullest second has %d rows, the limit is 200 and a turn", most)
		}
	})
}
