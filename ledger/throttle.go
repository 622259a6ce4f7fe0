package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"firstcome/engine"
)

const (
	// MaxRate bounds the throttle, rows a second.
	MaxRate = 1_000_000
	// turnsASecond is into how many turns a second's rows are cut: so few rows beyond
	// the rate fit into any second that it is kept within 5 %.
	turnsASecond = 40
	maxRows      = 1000 // of one turn
	ratePoll     = 500 * time.Millisecond
	rateAsk      = 2 * time.Second
	drainOpen    = 365 * 24 * time.Hour // the longest drain time that is told
)

// Asked tells how many rows the folds ask for, by partition. *engine.Engine
// fulfils it.
type Asked interface {
	Rows() []int64
}

// Throttle is how fast the book may be written, rows a second, over all
// partitions of this process. The rate lives in the book, so that a change
// reaches every node's writer within a second.
type Throttle struct {
	book    engine.Booked
	rates   Rates
	asked   Asked
	log     *slog.Logger
	limiter *rate.Limiter
	start   int64        // the configured rate, while the book names none
	now     atomic.Int64 // rows a second
	mu      sync.Mutex   // one change of the limiter at a time
}

// NewThrottle returns a throttle that begins with the configured rate.
func NewThrottle(rowsPerSecond int64, book engine.Booked, rates Rates, asked Asked, log *slog.Logger) *Throttle {
	t := &Throttle{book: book, rates: rates, asked: asked, log: log, start: rowsPerSecond, limiter: rate.NewLimiter(1, 1)}
	t.use(rowsPerSecond)
	return t
}

// use changes the rate of this process.
func (t *Throttle) use(rowsPerSecond int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now.Swap(rowsPerSecond) == rowsPerSecond {
		return
	}
	t.limiter.SetLimit(rate.Limit(rowsPerSecond))
	t.limiter.SetBurst(int(turn(rowsPerSecond)))
}

// turn is how many rows may be written at once at a rate.
func turn(rowsPerSecond int64) int64 { return min(max(1, rowsPerSecond/turnsASecond), maxRows) }

// turn is how many rows may be written at once now.
func (t *Throttle) turn() int { return int(turn(t.now.Load())) }

// wait waits until rows may be written. A record that made more rows than one
// turn has waits for several.
func (t *Throttle) wait(ctx context.Context, rows int) error {
	for rows > 0 {
		n := min(rows, t.turn())
		if err := t.limiter.WaitN(ctx, n); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue // the turn became smaller in between
		}
		rows -= n
	}
	return nil
}

// Run follows the rate in the book until ctx ends.
func (t *Throttle) Run(ctx context.Context) error {
	tick := time.NewTicker(ratePoll)
	defer tick.Stop()
	for {
		t.poll(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// poll takes over the book's rate. A book that does not answer changes nothing.
func (t *Throttle) poll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, rateAsk)
	defer cancel()
	set, err := t.rates.Rate(ctx)
	switch {
	case err != nil:
		return
	case set <= 0 || set > MaxRate:
		set = t.start
	}
	if before := t.now.Load(); before != set {
		t.log.Info("the ledger's rate changes", "room", "ledger", "from", before, "to", set)
		t.use(set)
	}
}

// Set changes the rate for all nodes. *engine.InvalidError when it is not 1 to
// MaxRate.
func (t *Throttle) Set(ctx context.Context, rowsPerSecond int64) error {
	if rowsPerSecond < 1 || rowsPerSecond > MaxRate {
		return &engine.InvalidError{Fields: []engine.FieldError{{Pointer: "/rows_per_second", Detail: fmt.Sprintf("must be from 1 to %d", MaxRate)}}}
	}
	if err := t.rates.SetRate(ctx, rowsPerSecond); err != nil {
		return fmt.Errorf("%w: keep the ledger's rate: %w", engine.ErrUnavailable, err)
	}
	t.use(rowsPerSecond)
	return nil
}

// Status tells the rate, the backlog of all partitions and how long it takes
// to drain at this rate.
func (t *Throttle) Status(ctx context.Context) (engine.Throttle, error) {
	asked := t.asked.Rows()
	_, booked, err := t.book.Cursors(ctx, int32(len(asked)))
	if err != nil {
		return engine.Throttle{}, fmt.Errorf("%w: the ledger's cursors: %w", engine.ErrUnavailable, err)
	}
	out := engine.Throttle{RowsPerSecond: t.now.Load()}
	for i, rows := range booked {
		out.RowsTotal += rows
		out.BacklogRows += max(0, asked[i]-rows)
	}
	out.Drain = min(drainOpen, time.Duration(float64(out.BacklogRows)/float64(out.RowsPerSecond)*float64(time.Second)))
	return out, nil
}
