package booktest

import (
	"context"
	"errors"
	"testing"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/ledger"
)

// node is a fold that stands at the end of the log, and a gate that agrees with it.
type node struct{ log *Log }

func (n node) Totals(id string) (engine.Totals, error) {
	s := n.log.Fold(n.log.Len())
	c := s.Campaign(id)
	if c == nil {
		return engine.Totals{}, engine.ErrNotFound
	}
	return engine.Totals{Granted: c.Granted, Waiting: c.Waiting, Seq: c.Seq, Offset: s.Next(), Digest: c.Digest()}, nil
}

func (n node) Lease(context.Context, engine.Ask) (int64, error) { return 0, engine.ErrGateEmpty }
func (n node) Flush(context.Context, []engine.Report) error     { return nil }
func (n node) Read(_ context.Context, id string) (engine.GateCount, error) {
	t, err := n.Totals(id)
	used := t.Granted + t.Waiting
	return engine.GateCount{Count: used, Used: used, Known: true}, err
}

// cut is a log whose following breaks off half way.
type cut struct{ *Log }

var errCut = errors.New("the broker is away")

func (c cut) Follow(ctx context.Context, from []int64, sink engine.Sink) error {
	_ = sink.Deliver(engine.Batch{Records: c.records[:c.Len()/2]})
	return errCut
}

// growing books further between the audit's first question to the log and its
// reading of the book, as a running ledger does.
type growing struct {
	Book
	grow func()
}

func (g growing) Load(ctx context.Context, p int32) (fold.Snapshot, string, error) {
	g.grow()
	return g.Book.Load(ctx, p)
}

func audits(t *testing.T, open func(t *testing.T) Book) {
	book, w := open(t), newWorld(11)
	for range 400 {
		w.step()
	}
	throttle, _, end := writer(t, w.log, book, 100_000)
	defer end()
	drained(t, w.log, book)
	audit := &ledger.Audit{Fold: node{w.log}, Log: w.log, Gate: node{w.log}, Book: book, Register: book, Throttle: throttle}
	r, err := audit.Run(t.Context())
	if err != nil || len(r.Violations) != 0 || r.Records != w.log.Len() {
		t.Fatalf("a clean book: %+v %v", r, err)
	}
	t.Run("while it is written", func(t *testing.T) {
		moving := *audit
		moving.Book = growing{book, func() {
			for range 20 {
				w.step()
			}
			drained(t, w.log, book)
		}}
		if r, err := moving.Run(t.Context()); err != nil || len(r.Violations) != 0 {
			t.Errorf("%+v %v", r.Violations, err)
		}
	})
	t.Run("a log that breaks off is no clean audit", func(t *testing.T) {
		broken := *audit
		broken.Log = cut{w.log}
		if r, err := broken.Run(t.Context()); !errors.Is(err, errCut) {
			t.Errorf("%+v %v", r, err)
		}
	})
}
