package redisgate

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	batchLimit = 512 // calls of one pipeline
	// flights is how many pipelines may be under way. More make single callers wait
	// less and pipelines smaller; of 1, 2 and 4 this was the fastest in BenchmarkClaim
	// on a real Redis (75k, 100k, 55k claims/s in one sitting).
	flights = 2
)

// order is a call that waits for a pipeline.
type order interface {
	// call is asked once, when the order leaves the queue; nil when nobody waits any more.
	call() *redis.Cmd
	// done is told once that the call has its answer or error.
	done()
}

// batcher brings calls of many goroutines together. It lingers for nothing: a call
// leaves at once when fewer than flights pipelines are under way, else with all others
// that gather until one of them is back. Pipelines are sent in goroutines that end
// when nothing waits, so an idle batcher costs nothing.
type batcher struct {
	send    func(ctx context.Context, calls []*redis.Cmd)
	metrics *metrics

	mu     sync.Mutex // held for a few instructions; guards what follows
	queue  []order    // at most gatherLimit
	flying int        // goroutines in fly, at most flights
	closed bool
	flight sync.WaitGroup
}

// add queues an order. After an error the order will not be sent.
func (b *batcher) add(o order) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return ErrClosed
	case len(b.queue) >= gatherLimit:
		return ErrBusy
	}
	b.queue = append(b.queue, o)
	if b.flying < flights {
		b.flying++
		b.flight.Go(b.fly)
	}
	return nil
}

// close refuses new orders and those that wait, and waits for the pipelines under way.
func (b *batcher) close() {
	b.mu.Lock()
	b.closed = true
	waiting := b.queue
	b.queue = nil
	b.mu.Unlock()
	for _, o := range waiting {
		if call := o.call(); call != nil {
			call.SetErr(ErrClosed)
			o.done()
		}
	}
	b.flight.Wait()
}

// fly sends pipelines until nothing waits.
func (b *batcher) fly() {
	orders := make([]order, 0, batchLimit)
	calls := make([]*redis.Cmd, 0, batchLimit)
	for {
		orders = b.take(orders[:0])
		if len(orders) == 0 {
			return
		}
		calls, kept := calls[:0], orders[:0]
		for _, o := range orders {
			if call := o.call(); call != nil {
				calls, kept = append(calls, call), append(kept, o)
			}
		}
		if len(calls) == 0 {
			continue
		}
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 3*callTimeout)
		b.send(ctx, calls)
		cancel()
		b.metrics.observeBatch(len(calls), start)
		for _, o := range kept {
			o.done()
		}
	}
}

// take removes the oldest orders, and the caller's flight when there are none.
func (b *batcher) take(into []order) []order {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.queue), batchLimit)
	if n == 0 {
		b.flying--
		return into
	}
	into = append(into, b.queue[:n]...)
	rest := copy(b.queue, b.queue[n:])
	clear(b.queue[rest:])
	b.queue = b.queue[:rest]
	b.metrics.setQueue(rest)
	return into
}
