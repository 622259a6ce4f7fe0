package load

import (
	"context"
	"sync"
	"time"
)

// Arrival is one request of an open loop.
type Arrival struct {
	Number int       // 0, 1, 2 ...
	Due    time.Time // when it should be sent; its latency counts from here
}

// Open sends total requests at a constant rate per second, whatever becomes of
// them. handle is called once per arrival, from one of the given number of
// workers; when all are busy, arrivals wait in line, however long the line
// grows, and the wait is part of their latency. handle's worker number tells
// which connection it may use. Open returns when all are handled, or with ctx.
func Open(ctx context.Context, rate float64, total, workers int, handle func(worker int, a Arrival)) error {
	line := make(chan Arrival, total) // never blocks the clock
	var crew sync.WaitGroup
	for worker := range workers {
		crew.Go(func() {
			for a := range line {
				handle(worker, a)
			}
		})
	}
	err := pace(ctx, rate, total, line)
	close(line)
	crew.Wait()
	return err
}

// pace puts arrivals in line when they are due. A late timer sends what is
// overdue at once and does not move the later ones.
func pace(ctx context.Context, rate float64, total int, line chan<- Arrival) error {
	begin := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := range total {
		due := begin.Add(time.Duration(float64(n) * float64(time.Second) / rate))
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-timer.C:
			}
		}
		line <- Arrival{n, due}
	}
	return nil
}
