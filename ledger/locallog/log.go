package locallog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"firstcome/engine"
)

// ErrClosed is returned by every method of a log that has been closed.
var ErrClosed = errors.New("the log is closed")

// Config of a log.
type Config struct {
	Path       string                // the file, required; its directory is made when absent
	Partitions int32                 // required; fixed when the file is made, another number is refused
	MaxQueued  int                   // appends under way at most, then ErrLogFull; 0 means 20,000
	Logger     *slog.Logger          // required
	Metrics    prometheus.Registerer // nil: not measured
}

// Log is a log in one file. Its methods may be called at once.
type Log struct {
	cfg     Config
	file    *file
	ends    *endsFile
	topic   engine.Topic
	metrics *metrics

	// stop is closed by Close: followers return.
	stop chan struct{}
	// tails counts running Follow calls.
	tails sync.WaitGroup

	// mu guards everything below, and is held for memory work only.
	mu         sync.Mutex
	parts      []partition
	queue      []entry // not yet taken by the committer
	underWay   int     // queued or being committed
	bytes      int     // of values under way
	committing bool    // a committer goroutine runs
	idle       chan struct{}
	broken     error // set once: nothing more is appended
	closed     bool
}

// partition is what is known of one partition. Only the committer moves end.
type partition struct {
	start, end int64
	lastAt     int64 // time stamps never go back
	recent     recent
	wakes      map[chan struct{}]struct{} // one per follower, capacity 1

	// Records that were in the file when it was opened are read again: found is
	// where they end, looked how far that has come, see lookback.go.
	found, looked int64
	lookedAt      time.Time
	damage        error // what it met at looked
}

// Open opens the log, and makes it when the file is absent. It starts nothing:
// a goroutine commits only while there is something to commit. ctx bounds the
// opening. An error that wraps ErrLogLost says that records are missing.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	if cfg.Partitions < 1 {
		return nil, fmt.Errorf("open log %s: %d partitions, at least 1 is needed", cfg.Path, cfg.Partitions)
	}
	if cfg.MaxQueued <= 0 {
		cfg.MaxQueued = 20_000
	}
	f, id, err := openFile(ctx, cfg.Path, cfg.Partitions)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", cfg.Path, err)
	}
	l := &Log{cfg: cfg, file: f, topic: engine.Topic{ID: id, Partitions: cfg.Partitions}, stop: make(chan struct{}), metrics: newMetrics(cfg.Metrics)}
	if err := l.load(ctx); err != nil {
		f.close()
		return nil, fmt.Errorf("open log %s: %w", cfg.Path, err)
	}
	return l, nil
}

// load reads where each partition stands and holds it against the ends file.
func (l *Log) load(ctx context.Context) error {
	l.parts = make([]partition, l.cfg.Partitions)
	ends := make([]int64, len(l.parts))
	for p := range l.parts {
		part := &l.parts[p]
		var err error
		if part.start, part.end, part.lastAt, err = l.file.bounds(ctx, int32(p)); err != nil {
			return err
		}
		part.recent = recent{base: part.end}
		part.looked, part.found = part.start, part.end
		part.wakes = map[chan struct{}]struct{}{}
		ends[p] = part.end
	}
	var err error
	l.ends, err = openEnds(endsPath(l.cfg.Path), l.topic.ID, ends, l.cfg.Logger)
	return err
}

// Describe returns the topic and the bounds of its partitions.
func (l *Log) Describe(context.Context) (engine.Topic, []int64, []int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return engine.Topic{}, nil, nil, ErrClosed
	}
	starts, ends := make([]int64, len(l.parts)), make([]int64, len(l.parts))
	for p := range l.parts {
		starts[p], ends[p] = l.parts[p].start, l.parts[p].end
	}
	return l.topic, starts, ends, nil
}

// Close refuses new appends, commits those under way until ctx ends (the rest
// is answered with an error), ends every Follow and releases the file. A
// follower whose Deliver does not return is waited for until ctx ends.
func (l *Log) Close(ctx context.Context) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	l.closed = true
	idle := l.idle
	l.mu.Unlock()

	var late error
	if idle != nil {
		select {
		case <-idle:
		case <-ctx.Done():
			late = fmt.Errorf("close log %s: appends were given up: %w", l.cfg.Path, ctx.Err())
			l.fail(ErrClosed)
			<-idle // one commit at most
		}
	}
	close(l.stop)
	return errors.Join(late, l.awaitTails(ctx), l.ends.close(), l.file.close())
}

// awaitTails waits until no Follow runs, or ctx ends.
func (l *Log) awaitTails(ctx context.Context) error {
	gone := make(chan struct{})
	go func() {
		l.tails.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close log %s: a follower still delivers: %w", l.cfg.Path, ctx.Err())
	}
}
