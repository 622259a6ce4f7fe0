package engine

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"firstcome/engine/fold"
)

// A flight that ends with a grant may be late to say so. Who comes meanwhile,
// and has seen that the place has ended again, must not be told of it.
func TestAGrantThatHasEndedIsNotToldToThoseWhoCameLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(5))}, a)
		p := a.node.partition(c.ID)
		key := flightKey{campaign: c.ID, user: a.sealer.User("m")}
		late := &flight{key: key, p: p, desk: p.desks[c.ID], gone: make(chan struct{}), placed: make(chan struct{}), done: make(chan struct{})}
		late.requests = []*request{{until: time.Now().Add(time.Minute)}}
		p.flights.byKey[key] = late
		got := make(chan Decision, 1)
		go func() {
			d, err := a.Claim(r.ctx, call(c.ID, "m"))
			if err != nil {
				t.Error(err)
			}
			got <- d
		}()
		synctest.Wait()
		late.finish(result{decision: Decision{Outcome: Granted, Claim: Claim{Rank: 77}}, nr: 1, next: p.next.Load() - 1})
		if d := <-got; d.Outcome != Granted || d.Claim.Rank != 1 {
			t.Errorf("told %v, rank %d", d.Outcome, d.Claim.Rank)
		}
	})
}

// After a freeze a flight may run before its requests notice that their time is
// over: it must not send for them.
func TestNothingIsSentForRequestsWhoseTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(5))}, a)
		p := a.node.partition(c.ID)
		closed := make(chan struct{})
		close(closed)
		soon := time.Now().Add(time.Second)
		f := &flight{key: flightKey{campaign: c.ID, user: fold.User{1}}, p: p, desk: p.desks[c.ID], gone: make(chan struct{}), done: make(chan struct{})}
		for what, tt := range map[string]struct {
			request *request
			sent    bool
		}{
			"in time":              {&request{until: soon}, true},
			"whose time is over":   {&request{until: time.Now()}, false},
			"whose caller is gone": {&request{until: soon, gone: closed}, false},
		} {
			f.requests = []*request{tt.request}
			if _, _, err := f.send(p.next.Load(), false); errors.Is(err, errGone) == tt.sent {
				t.Errorf("a request %s: %v", what, err)
			}
		}
	})
}

// behind is a log in which, by the time that an append returns, others have
// written, and have told members so, who come here.
type behind struct {
	*memLog
	then func()
}

func (l *behind) Append(p int32, key string, value []byte, done func(error)) error {
	err := l.memLog.Append(p, key, value, done)
	if then := l.then; then != nil {
		l.then = nil
		then()
	}
	return err
}

// A barrier must not be passed by a record that was in the log before the
// request came, though its writer has not gone on since.
func TestABarrierIsNotPassedByAnEarlierRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		log := &behind{memLog: r.log}
		a := r.nodeWith(Ports{Log: log, Gate: r.gate})
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(5))}, a)
		p := a.node.partition(c.ID)
		r.log.set(func(l *memLog) { l.cut = true })
		time.Sleep(50 * time.Millisecond)
		passed, nr := make(chan error, 1), uint64(0)
		log.then = func() {
			nr = p.appends.nr // the caller holds its lock
			go func() { passed <- p.pass(r.ctx) }()
			for joined := false; !joined; runtime.Gosched() {
				p.barrier.mu.Lock()
				joined = p.barrier.open != nil
				p.barrier.mu.Unlock()
			}
		}
		if err := p.append(&fold.Record{Kind: fold.KindNoop}, &own{}); err != nil {
			t.Fatal(err)
		}
		p.barrier.passed(nr) // as if that record were read back
		select {
		case err := <-passed:
			t.Fatalf("passed by an earlier record: %v", err)
		default:
		}
		r.log.set(func(l *memLog) { l.cut = false })
		if err := <-passed; err != nil {
			t.Error(err)
		}
	})
}

// While the log takes nothing, those who wait at the barrier are not forgotten.
func TestABarrierSurvivesAFullLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(5))}, a)
		p := a.node.partition(c.ID)
		r.log.set(func(l *memLog) { l.full = true })
		passed := make(chan error, 3)
		for range cap(passed) {
			go func() { passed <- p.pass(r.ctx) }()
			time.Sleep(15 * time.Millisecond)
			_, _ = a.Claim(r.ctx, call(c.ID, "m")) // is overloaded, and takes the crossing along
		}
		r.log.set(func(l *memLog) { l.full = false })
		for range cap(passed) {
			if err := <-passed; err != nil {
				t.Error(err)
			}
		}
	})
}

// Who comes to a partition at the moment at which it stops is told so at once.
func TestWhoComesToAStoppedPartitionDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(5))}, a)
		p := a.node.partition(c.ID)
		p.halt(ErrLogLost)
		ctx, cancel := context.WithTimeout(r.ctx, time.Second)
		defer cancel()
		began := time.Now()
		if err := p.pass(ctx); !errors.Is(err, ErrStopped) {
			t.Errorf("the barrier: %v", err)
		}
		l := p.look(c.ID, fold.User{1}, false)
		_, _, err := a.fly(ctx, p, l, &ClaimCall{Campaign: c.ID}, fold.User{1}, nil, nil)
		if !errors.Is(err, ErrStopped) {
			t.Errorf("a claim: %v", err)
		}
		if took := time.Since(began); took > 10*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}
