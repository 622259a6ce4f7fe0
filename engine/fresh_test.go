package engine

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// slowLog is a log of which this node reads one record at a time, as the test lets it.
type slowLog struct {
	*memLog
	slow atomic.Bool
	pass chan struct{} // one record each; closed: all
}

func (l *slowLog) Follow(ctx context.Context, from []int64, sink Sink) error {
	return l.memLog.Follow(ctx, from, &slowSink{sink, l, ctx})
}

type slowSink struct {
	Sink
	log *slowLog
	ctx context.Context // of the following that it serves
}

func (s *slowSink) Deliver(b Batch) error {
	if !s.log.slow.Load() {
		return s.Sink.Deliver(b)
	}
	for _, rec := range b.Records {
		select {
		case <-s.log.pass:
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
		one := b
		one.Records = []LogRecord{rec}
		if err := s.Sink.Deliver(one); err != nil {
			return err
		}
	}
	return nil
}

// TestANewStateIsWaitedFor: a place was ended on another node a moment ago. Who
// asks for an exact answer, or brings the offset of that answer, does not get
// the older one that this node still could give.
func TestANewStateIsWaitedFor(t *testing.T) {
	for name, read := range map[string]func(ended LogOffset) Read{
		"exact":                     func(LogOffset) Read { return Read{Exact: true} },
		"after the member's answer": func(ended LogOffset) Read { return Read{After: ended} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				log := &slowLog{memLog: r.log, pass: make(chan struct{})}
				late, other := r.nodeWith(Ports{Log: log, Gate: r.gate, Locker: r.locker}), r.node()
				c := r.open(Campaign{ID: "noon"}, late, other)
				m := Member{Subject: "m"}
				if d, err := late.Claim(r.ctx, call(c.ID, "m")); err != nil || d.Outcome != Granted {
					t.Fatal(d.Outcome, err)
				}
				log.slow.Store(true)
				claimed := make(chan error, 1)
				go func() { _, err := late.Claim(r.ctx, call(c.ID, "n")); claimed <- err }() // a record of its own before
				synctest.Wait()
				ended, err := other.Cancel(r.ctx, c.ID, m, Read{})
				if err != nil {
					t.Fatal(err)
				}
				got := make(chan Claim, 1)
				go func() {
					mine, err := late.Mine(r.ctx, c.ID, m, read(ended.Offset))
					if err != nil {
						t.Error(err)
					}
					got <- mine
				}()
				time.Sleep(2 * noopEvery) // virtual: its own record is sent
				log.pass <- struct{}{}
				synctest.Wait()
				select {
				case mine := <-got:
					t.Fatalf("%s, which it was before", mine.State)
				default:
				}
				close(log.pass)
				if mine := <-got; mine.State != "cancelled" {
					t.Errorf("it is %s", mine.State)
				}
				if err := <-claimed; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
