package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// slowEar is a log that one node hears nothing of while deaf is full.
type slowEar struct {
	*memLog
	deaf chan struct{} // for one
}

func (s *slowEar) Follow(ctx context.Context, from []int64, sink Sink) error {
	return s.memLog.Follow(ctx, from, hears{sink, s})
}

type hears struct {
	Sink
	ear *slowEar
}

func (h hears) Deliver(b Batch) error {
	h.ear.deaf <- struct{}{}
	defer func() { <-h.ear.deaf }()
	return h.Sink.Deliver(b)
}

// A soft campaign's counter says full; only a current fold may say so to a
// member, who may have a place that this node has not heard of.
func TestASoftCounterDoesNotRefuseWhoHasAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		ear := &slowEar{r.log, make(chan struct{}, 1)}
		b := r.nodeWith(Ports{Log: ear, Gate: r.gate, Locker: r.locker})
		c := r.open(Campaign{ID: "soft", Cap: ptr(int64(5)), CapMode: "soft"}, a, b)
		ear.deaf <- struct{}{}
		if d, err := a.Claim(r.ctx, call(c.ID, "m")); err != nil || d.Outcome != Granted {
			t.Fatalf("%v %v", d.Outcome, err)
		}
		r.gate.mu.Lock()
		r.gate.always = -1
		r.gate.mu.Unlock()
		time.Sleep(10 * Currency) // b's fold is old
		answers := make(chan Decision, 1)
		go func() {
			d, err := b.Claim(r.ctx, call(c.ID, "m"))
			if err != nil {
				t.Error(err)
			}
			answers <- d
		}()
		time.Sleep(10 * Currency)
		select {
		case d := <-answers:
			t.Fatalf("told %v by a node that is a second behind", d.Outcome)
		default:
		}
		<-ear.deaf
		if d := <-answers; d.Outcome != Repeated {
			t.Errorf("told %v in the end", d.Outcome)
		}
		if d, err := b.Claim(r.ctx, call(c.ID, "late")); err != nil || d.Outcome != SoldOut {
			t.Errorf("another member: %v %v", d.Outcome, err)
		}
	})
}
