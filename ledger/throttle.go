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
	// A turn is what may be written at once: the rows of 25 ms, so that no second
	// has more than 5 % beyond the rate. A database whose commits take longer gets
	// the rows of a commit's time, up to longestTurn: smaller turns would keep it
	// below the rate.
	shortestTurn = 25 * time.Millisecond
	longestTurn  = 250 * time.Millisecond
	maxRows      = 1000 // of one turn
	// crowded is the rate from which several batches may be under way at once.
	// Below it one is: else all that waited in a stall would be written after it.
	crowded   = 20_000
	ratePoll  = 500 * time.Millisecond
	rateAsk   = 2 * time.Second
	drainOpen = 365 * 24 * time.Hour // the longest drain time that is told
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
	slot    chan struct{} // held by the batch under way, below crowded
	start   int64         // the configured rate, while the book names none
	now     atomic.Int64  // rows a second
	mu      sync.Mutex    // guards took; one change of the limiter at a time
	took    time.Duration // of a commit, smoothed
}

// NewThrottle returns a throttle that begins with the configured rate.
func NewThrottle(rowsPerSecond int64, book engine.Booked, rates Rates, asked Asked, log *slog.Logger) *Throttle {
	t := &Throttle{book: book, rates: rates, asked: asked, log: log, start: rowsPerSecond, limiter: rate.NewLimiter(1, 1), slot: make(chan struct{}, 1)}
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
	t.limiter.SetBurst(turn(rowsPerSecond, t.took))
}

// turn is how many rows may be written at once at a rate and a commit's time.
func turn(rowsPerSecond int64, took time.Duration) int {
	length := min(max(shortestTurn, took*5/4), longestTurn) // a quarter more: it must not lag
	return int(min(max(1, float64(rowsPerSecond)*length.Seconds()), maxRows))
}

// turn is how many rows may be written at once now.
func (t *Throttle) turn() int { return t.limiter.Burst() }

// begin waits until a batch may be written. end tells that it was.
func (t *Throttle) begin(ctx context.Context, rows int) (end func(), err error) {
	end = func() {}
	if rows > 0 && t.now.Load() < crowded {
		select {
		case t.slot <- struct{}{}:
			end = func() { <-t.slot }
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err := t.wait(ctx, rows); err != nil {
		end()
		return nil, err
	}
	free, start := end, time.Now()
	return func() { free(); t.learn(time.Since(start)) }, nil
}

// learn smooths a commit's time over about five, so that one stall is no rule.
func (t *Throttle) learn(took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took += (min(took, longestTurn) - t.took) / 5
	t.limiter.SetBurst(turn(t.now.Load(), t.took))
}

// wait waits until rows may be written. A record that made more rows than one
// turn has waits for several.
func (t *Throttle) wait(ctx context.Context, rows int) error {
	for rows > 0 {
		n := min(rows, t.turn())
		if err := t.limiter.WaitN(ctx, n); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if t.turn() >= n {
				return fmt.Errorf("wait for the ledger's turn: %w", err) // the caller's deadline comes first
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

// Rate is how many rows a second this process may write now.
func (t *Throttle) Rate() int64 { return t.now.Load() }

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
