package ledger

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// edges is a log of which only its first and last offset are known, and one
// record that it delivers.
type edges struct {
	engine.Log
	start, end int64
	followed   chan int64
	record     []byte // at the offset from which it is followed; nil: none
}

func (e edges) Describe(context.Context) (engine.Topic, []int64, []int64, error) {
	return engine.Topic{ID: "log", Partitions: 1}, []int64{e.start}, []int64{e.end}, nil
}

func (e edges) Follow(ctx context.Context, from []int64, sink engine.Sink) error {
	e.followed <- from[0]
	if e.record != nil {
		_ = sink.Deliver(engine.Batch{Records: []engine.LogRecord{{Offset: from[0], Value: e.record}}, End: from[0] + 1})
	}
	<-ctx.Done()
	return ctx.Err()
}

// at is a book whose cursor stands somewhere, and that answers every batch with
// the same error.
type at struct {
	Book
	snapshot fold.Snapshot
	refuse   error
	asked    *atomic.Int64 // batches
}

func (a at) Append(context.Context, *Batch) error {
	a.asked.Add(1)
	return a.refuse
}

func (a at) Cursors(context.Context, int32) (next, rows []int64, err error) {
	return []int64{a.snapshot.Next}, []int64{0}, nil
}

func (a at) Load(context.Context, int32) (fold.Snapshot, string, error) {
	return a.snapshot, "log", nil
}

// TestALogThatHasLostRecordsIsNotWritten: what the book has must be in the log,
// and what comes next too; else somebody must look before a row is written.
func TestALogThatHasLostRecordsIsNotWritten(t *testing.T) {
	snapshot := three(t)
	for name, tt := range map[string]struct {
		start, end int64
		lost       bool
	}{
		"whole":              {0, 5, false},
		"nothing new":        {0, 3, false},
		"trimmed up to here": {3, 5, false},
		"without its end":    {0, 2, true},
		"without what comes": {4, 5, true},
	} {
		t.Run(name, func(t *testing.T) {
			log := edges{start: tt.start, end: tt.end, followed: make(chan int64, 1)}
			w := NewWriter(Config{Log: log, Book: at{snapshot: snapshot}, Partitions: 1, Logger: slog.New(slog.DiscardHandler)})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- w.write(ctx) }()
			from := <-log.followed
			cancel()
			<-ended
			switch lost := errors.Is(w.Stopped()[0], engine.ErrLogLost); {
			case lost != tt.lost:
				t.Errorf("stopped: %v", w.Stopped()[0])
			case lost != (from == -1):
				t.Errorf("it follows from %d", from)
			}
		})
	}
}

// three is the state after three records, with nothing in it.
func three(t *testing.T) fold.Snapshot {
	t.Helper()
	state := fold.New(0)
	for offset, r := range []fold.Record{{Kind: fold.KindGenesis, Partitions: 1}, {Kind: fold.KindNoop}, {Kind: fold.KindNoop}} {
		if _, err := state.Apply(int64(offset), 0, encoded(t, &r)); err != nil {
			t.Fatal(err)
		}
	}
	return state.Snapshot()
}

func encoded(t *testing.T, r *fold.Record) []byte {
	t.Helper()
	value, err := fold.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestWhatTheBookRefuses: a row that breaks a rule stops its partition at once
// and for good, and says which rule; a cursor that is elsewhere ends the turn;
// anything else is tried again.
func TestWhatTheBookRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		refuse  error
		stopped bool
		once    bool
	}{
		"a broken rule":   {&RuleError{Rule: "places_rank", Detail: "rank 1 is taken"}, true, true},
		"a moved cursor":  {ErrBehind, false, true},
		"a lost database": {errors.New("connection refused"), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				quiet := slog.New(slog.DiscardHandler)
				book := at{snapshot: three(t), refuse: tt.refuse, asked: new(atomic.Int64)}
				log := edges{end: 4, followed: make(chan int64, 1), record: encoded(t, &fold.Record{Kind: fold.KindNoop})}
				w := NewWriter(Config{Log: log, Book: book, Partitions: 1, Logger: quiet, Throttle: NewThrottle(1000, none{}, none{}, none{}, quiet)})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				err := w.write(ctx)
				var rule *RuleError
				if stopped := errors.As(w.Stopped()[0], &rule); stopped != tt.stopped {
					t.Errorf("stopped: %v", w.Stopped()[0])
				}
				if once := book.asked.Load() == 1; once != tt.once {
					t.Errorf("it was tried %d times, the last error is %v", book.asked.Load(), err)
				}
			})
		})
	}
}
