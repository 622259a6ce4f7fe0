package engine

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A log that is cut off while it is followed stops the partition; an answer to a
// question that was asked before the newest records came does not.
func TestALogThatShrinksWhileItIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(5))}, a)
		p := a.node.partition(c.ID)
		r.log.set(func(l *memLog) { l.cut = true })
		time.Sleep(50 * time.Millisecond)
		r.log.set(func(*memLog) {}) // its follower is idle by now
		old := time.Now().Add(-time.Second)
		if err := a.node.Deliver(Batch{Partition: p.id, End: p.next.Load() - 1, At: old}); err != nil {
			t.Fatalf("an old answer: %v", err)
		}
		if err := a.node.Deliver(Batch{Partition: p.id, End: p.next.Load(), At: time.Now()}); err != nil {
			t.Fatalf("the same end: %v", err)
		}
		err := a.node.Deliver(Batch{Partition: p.id, End: p.next.Load() - 1, At: time.Now()})
		if !errors.Is(err, ErrLogLost) {
			t.Fatalf("a shorter log: %v", err)
		}
		if _, err := a.Claim(r.ctx, call(c.ID, "m")); !errors.Is(err, ErrStopped) {
			t.Errorf("a claim: %v", err)
		}
	})
}
