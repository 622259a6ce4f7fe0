package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"firstcome/engine"
	"firstcome/engine/fold"
)

const (
	linger      = 50 * time.Millisecond // a batch waits so long for company
	queued      = 4                     // batches of the log that wait per partition; beyond it the log waits
	maxRecords  = 1000                  // records of one batch
	standBy     = time.Second           // between two looks at whether the writing is free
	writerLock  = 5 * time.Second
	writerName  = "ledger:writer"
	stillFor    = 3 * time.Second // a cursor that rests so long has no writer
	againFirst  = 50 * time.Millisecond
	againMost   = 2 * time.Second
	appendLimit = 30 * time.Second
	loadLimit   = 2 * time.Minute  // a partition of some million places
	askLimit    = 10 * time.Second // one question to log or book
)

// Config of a writer. All fields are required but Locker and Metrics.
type Config struct {
	Log        engine.Log
	Book       Book
	Sealer     *engine.Sealer
	Throttle   *Throttle
	Partitions int32
	Locker     engine.Locker // nil: the cursor alone keeps two writers apart, at the cost of work
	Logger     *slog.Logger
	Metrics    prometheus.Registerer
}

// Writer follows the log and writes the book, at the throttle's rate, from a
// fold of its own. One process writes, held by a lock that saves work; what
// keeps the book right is the cursor's compare-and-set.
type Writer struct {
	cfg     Config
	metrics *metrics

	mu      sync.Mutex
	stopped map[int32]error // guarded by mu: partitions whose writing has stopped for good
}

// NewWriter returns a writer; it starts nothing.
func NewWriter(cfg Config) *Writer {
	return &Writer{cfg: cfg, metrics: newMetrics(cfg.Metrics), stopped: map[int32]error{}}
}

// Stopped tells which partitions are not written any more, and why: a person
// must look. The claims go on without them.
func (w *Writer) Stopped() map[int32]error {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make(map[int32]error, len(w.stopped))
	for p, err := range w.stopped {
		out[p] = err
	}
	return out
}

func (w *Writer) stop(partition int32, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped[partition] == nil {
		w.stopped[partition] = err
		w.metrics.stopped.Set(float64(len(w.stopped)))
		w.cfg.Logger.Error("the ledger of a partition has stopped: a person must look", "room", "ledger", "partition", partition, "err", err)
	}
}

// Run writes until ctx ends. It returns only then.
func (w *Writer) Run(ctx context.Context) error {
	var seen watch
	told := ""
	for ctx.Err() == nil {
		lock, ok := w.turn(ctx, &seen)
		if !ok {
			pause(ctx, standBy)
			continue
		}
		err := w.hold(ctx, lock)
		if err != nil && ctx.Err() == nil && err.Error() != told { // an outage is told once
			told = err.Error()
			w.cfg.Logger.Info("the ledger's writer begins anew", "room", "ledger", "err", err)
		}
		pause(ctx, standBy+rand.N(standBy)) // whoever is ahead goes on meanwhile; also when nothing is left to follow
	}
	return nil
}

// watch remembers how the cursors moved while somebody else may be writing.
type watch struct {
	next []int64
	at   time.Time
}

// turn decides whether this process writes now. Without a lock to ask it
// writes when the cursors have not moved for a while, or nobody has looked yet.
func (w *Writer) turn(ctx context.Context, seen *watch) (engine.Lock, bool) {
	if w.cfg.Locker != nil {
		lockCtx, cancel := context.WithTimeout(ctx, time.Second)
		lock, err := w.cfg.Locker.TryLock(lockCtx, writerName, writerLock)
		cancel()
		switch {
		case err == nil:
			return lock, true
		case errors.Is(err, engine.ErrTaken):
			return nil, false
		}
	}
	next, err := w.cursors(ctx)
	if err != nil {
		return nil, false
	}
	first := seen.next == nil
	if first || !slices.Equal(next, seen.next) {
		seen.next, seen.at = next, time.Now()
	}
	return nil, first || time.Since(seen.at) > stillFor
}

// cursors asks how far the book has come, with a deadline of its own.
func (w *Writer) cursors(ctx context.Context) ([]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	next, _, err := w.cfg.Book.Cursors(ctx, w.cfg.Partitions)
	return next, err
}

// hold writes while the lock is extended, or without one.
func (w *Writer) hold(ctx context.Context, lock engine.Lock) error {
	group, ctx := errgroup.WithContext(ctx)
	done := make(chan struct{})
	if lock != nil {
		group.Go(func() error { w.extend(ctx, lock, done); return nil })
	}
	group.Go(func() error { defer close(done); return w.write(ctx) })
	return group.Wait()
}

// extend keeps the lock, and gives it back at the end. Losing it is no error:
// the cursor keeps two writers apart.
func (w *Writer) extend(ctx context.Context, lock engine.Lock, done <-chan struct{}) {
	tick := time.NewTicker(writerLock / 4)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := lock.Extend(ctx); err != nil && ctx.Err() == nil {
				w.metrics.locksLost.Inc()
			}
		case <-done:
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = lock.Unlock(last) // else it expires
			return
		}
	}
}

// write loads every partition and follows the log until ctx ends or another
// writer is found ahead.
func (w *Writer) write(ctx context.Context) error {
	topic, _, _, err := w.describe(ctx)
	if err != nil {
		return err
	}
	sink := &sink{writer: w, parts: make([]*part, w.cfg.Partitions)}
	for i := range sink.parts {
		if w.Stopped()[int32(i)] == nil {
			if sink.parts[i], err = w.load(ctx, int32(i), topic); err != nil {
				return err
			}
		}
	}
	// Only now, since another writer may be ahead: what the book has must be in the log.
	_, starts, ends, err := w.describe(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	sink.ctx = ctx
	from := make([]int64, len(sink.parts))
	for i, p := range sink.parts {
		from[i] = -1
		if p != nil && w.within(p, starts[i], ends[i]) {
			from[i] = p.state.Next()
			group.Go(func() error { return p.run(ctx) })
		}
	}
	group.Go(func() error { return w.cfg.Log.Follow(ctx, from, sink) })
	return group.Wait()
}

// describe asks the log, with a deadline of its own.
func (w *Writer) describe(ctx context.Context) (topic engine.Topic, starts, ends []int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	if topic, starts, ends, err = w.cfg.Log.Describe(ctx); err != nil {
		err = fmt.Errorf("describe the log: %w", err)
	}
	return topic, starts, ends, err
}

// load takes a partition's state from the book. Nil when it must not be written.
func (w *Writer) load(ctx context.Context, partition int32, topic engine.Topic) (*part, error) {
	state := fold.New(partition)
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	snapshot, of, err := w.cfg.Book.Load(ctx, partition)
	switch {
	case errors.Is(err, engine.ErrNoSnapshot):
	case errors.As(err, new(*RuleError)):
		w.stop(partition, err)
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("load partition %d: %w", partition, err)
	case of != topic.ID:
		w.stop(partition, fmt.Errorf("%w: the book is of log %s, this is log %s", engine.ErrLogLost, of, topic.ID))
		return nil, nil
	default:
		if state, err = fold.Restore(snapshot); err != nil {
			w.stop(partition, err)
			return nil, nil
		}
	}
	p := &part{writer: w, id: partition, state: state, in: make(chan []engine.LogRecord, queued), r: newReducer(w.cfg.Sealer, partition, topic.ID)}
	p.r.begin(state.Next())
	return p, nil
}

// within reports whether the log still has what the book goes on from.
func (w *Writer) within(p *part, start, end int64) bool {
	next := p.state.Next()
	if start > next || end < next {
		w.stop(p.id, fmt.Errorf("%w: the log has %d to %d, the cursor is at %d", engine.ErrLogLost, start, end, next))
		return false
	}
	return true
}

// sink hands the log's batches to the partitions' own goroutines.
type sink struct {
	writer *Writer
	parts  []*part
	ctx    context.Context // of the following that it serves
}

// Deliver blocks while the partition has enough to do: so the log slows down.
func (s *sink) Deliver(b engine.Batch) error {
	if len(b.Records) == 0 {
		return nil
	}
	select {
	case s.parts[b.Partition].in <- b.Records:
		return nil
	case <-s.ctx.Done():
		return errClosed
	}
}

// Patience says that the book may be told late: its batches wait as long anyway.
func (s *sink) Patience() time.Duration { return linger }

// Lost stops the writing of a partition.
func (s *sink) Lost(partition int32, err error) { s.writer.stop(partition, err) }

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
