package redisgate

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// held is a batcher whose pipelines wait for the test.
type held struct {
	*batcher
	sent chan int      // size of each pipeline, when it leaves
	gate chan struct{} // one for each pipeline that may come back
}

func newHeld() *held {
	h := &held{sent: make(chan int), gate: make(chan struct{})}
	h.batcher = &batcher{metrics: newMetrics(), send: func(_ context.Context, calls []*redis.Cmd) {
		h.sent <- len(calls)
		<-h.gate
	}}
	return h
}

func newSingle() *single {
	return &single{cmd: redis.NewCmd(context.Background(), "ping"), answered: make(chan struct{})}
}

func TestCallsGatherWhilePipelinesAreUnderWay(t *testing.T) {
	h := newHeld()
	var orders []*single
	add := func() {
		o := newSingle()
		orders = append(orders, o)
		if err := h.add(o); err != nil {
			t.Fatal(err)
		}
	}
	for range flights {
		add()
		if n := <-h.sent; n != 1 {
			t.Fatalf("the first call left with %d", n)
		}
	}
	for range batchLimit + 5 {
		add()
	}
	orders[flights].left.Store(true) // its caller is gone: it must not be sent
	h.gate <- struct{}{}
	if n := <-h.sent; n != batchLimit-1 {
		t.Fatalf("%d calls left together, not %d", n, batchLimit-1)
	}
	for range flights {
		h.gate <- struct{}{}
	}
	if n := <-h.sent; n != 5 {
		t.Fatalf("%d calls left at last, not 5", n)
	}
	h.gate <- struct{}{}
	for i, o := range orders {
		if i != flights {
			<-o.answered
		}
	}
}

func TestFullQueueIsSaidAtOnce(t *testing.T) {
	h := newHeld()
	for range flights {
		if err := h.add(newSingle()); err != nil {
			t.Fatal(err)
		}
		<-h.sent
	}
	for i := range gatherLimit {
		if err := h.add(newSingle()); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	if err := h.add(newSingle()); !errors.Is(err, ErrBusy) {
		t.Fatalf("beyond the bound: %v", err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for range gatherLimit / batchLimit {
			<-h.sent
		}
	})
	group.Go(func() {
		for range gatherLimit/batchLimit + flights {
			h.gate <- struct{}{}
		}
	})
	group.Wait()
	h.close()
	if err := h.add(newSingle()); !errors.Is(err, ErrClosed) {
		t.Fatalf("after close: %v", err)
	}
}

func TestCloseAnswersEveryCaller(t *testing.T) {
	h := newHeld()
	var orders []*single
	for i := range flights + 100 {
		orders = append(orders, newSingle())
		if err := h.add(orders[i]); err != nil {
			t.Fatal(err)
		}
		if i < flights {
			<-h.sent
		}
	}
	closed := make(chan struct{})
	go func() {
		h.close()
		close(closed)
	}()
	for i, o := range orders[flights:] {
		if <-o.answered; !errors.Is(o.cmd.Err(), ErrClosed) {
			t.Fatalf("waiting call %d: %v", i, o.cmd.Err())
		}
	}
	for range flights {
		h.gate <- struct{}{}
	}
	<-closed
}
