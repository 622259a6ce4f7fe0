package logtest

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firstcome/engine"
)

// echo wakes who waits for a record, which carries the waiter's number.
type echo struct{ waiters []chan struct{} }

func (e *echo) Deliver(b engine.Batch) error {
	for _, r := range b.Records {
		e.waiters[binary.BigEndian.Uint64(r.Value)] <- struct{}{}
	}
	return nil
}

func (e *echo) Lost(int32, error) {}

// Bench measures what a claim asks of a log: append 150 bytes and read them
// back, with 1, 32 and 256 claims at once. It reports claims a second, p50 and p99.
func Bench(b *testing.B, fresh func(testing.TB) Log) {
	for _, atOnce := range []int{1, 32, 256} {
		b.Run(fmt.Sprintf("at-once=%d", atOnce), func(b *testing.B) {
			log := fresh(b)
			defer shut(b, log)
			e := &echo{waiters: make([]chan struct{}, atOnce)}
			for i := range e.waiters {
				e.waiters[i] = make(chan struct{}, 1)
			}
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				log.Follow(ctx, all(0), e)
			}()
			claimAll(b, log, e, max(100, atOnce)) // warm
			b.ResetTimer()
			took := claimAll(b, log, e, b.N)
			b.StopTimer()
			cancel()
			<-ended
			slices.Sort(took)
			b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "claims/s")
			b.ReportMetric(float64(took[len(took)/2])/1e6, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100])/1e6, "p99-ms")
		})
	}
}

// claimAll makes n claims, as many at once as there are waiters, and returns
// how long each took.
func claimAll(b *testing.B, log engine.Log, e *echo, n int) []time.Duration {
	took := make([]time.Duration, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range e.waiters {
		wg.Go(func() {
			value := make([]byte, 150)
			binary.BigEndian.PutUint64(value, uint64(w))
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				begin := time.Now()
				if err := log.Append(int32(i%Partitions), "campaign", value, func(error) {}); err != nil {
					b.Error(err)
					return
				}
				<-e.waiters[w]
				took[i] = time.Since(begin)
			}
		})
	}
	wg.Wait()
	return took
}
