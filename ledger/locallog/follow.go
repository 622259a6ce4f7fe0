package locallog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"firstcome/engine"
)

const (
	// pulse is how often an idle partition's followers are told so. Answers
	// from memory may be 100 ms old; this leaves room for a busy machine.
	pulse = 25 * time.Millisecond
	// maxDeliver is the number of records of one batch at most; reading that
	// many from the file holds up a commit for a few milliseconds.
	maxDeliver = 1024
)

// Follow delivers committed records; see engine.Log. Each partition has its own
// goroutine that asks for the next batch when its Deliver has returned, so a
// slow sink slows nobody else and nothing piles up. Follow returns nil when ctx
// ends, ErrClosed when the log is closed, and the reasons when no partition is
// left. It waits for a Deliver under way.
func (l *Log) Follow(ctx context.Context, from []int64, sink engine.Sink) error {
	if len(from) != int(l.cfg.Partitions) {
		return fmt.Errorf("follow log %s: %d offsets for %d partitions", l.cfg.Path, len(from), l.cfg.Partitions)
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	l.tails.Add(1)
	l.mu.Unlock()
	defer l.tails.Done()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tails := l.newTails(from, sink)
	defer l.forget(tails)

	var wg sync.WaitGroup
	errs := make([]error, len(tails))
	for i, t := range tails {
		wg.Go(func() { errs[i] = t.run(ctx) })
	}
	ended := make(chan struct{})
	go func() {
		wg.Wait()
		close(ended)
	}()
	closed := l.beat(ctx, tails, ended)
	cancel()
	<-ended
	if closed {
		return ErrClosed
	}
	return errors.Join(errs...)
}

// newTails makes one tail for each wanted partition.
func (l *Log) newTails(from []int64, sink engine.Sink) []*tail {
	l.mu.Lock()
	defer l.mu.Unlock()
	var tails []*tail
	for p, next := range from {
		if next < 0 {
			continue
		}
		t := &tail{log: l, partition: int32(p), next: next, sink: sink, wake: make(chan struct{}, 1)}
		t.wake <- struct{}{} // the first look
		l.parts[p].wakes[t.wake] = struct{}{}
		tails = append(tails, t)
	}
	return tails
}

// forget takes the tails out of the partitions.
func (l *Log) forget(tails []*tail) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range tails {
		delete(l.parts[t.partition].wakes, t.wake)
	}
}

// beat wakes every tail once per pulse until ctx ends, the log is closed (true)
// or all tails have ended.
func (l *Log) beat(ctx context.Context, tails []*tail, ended <-chan struct{}) (closed bool) {
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-l.stop:
			return true
		case <-ended:
			return false
		case <-tick.C:
			for _, t := range tails {
				select {
				case t.wake <- struct{}{}:
				default:
				}
			}
		}
	}
}

// tail follows one partition for one sink. Its goroutine owns next.
type tail struct {
	log       *Log
	partition int32
	next      int64
	sink      engine.Sink
	wake      chan struct{}
}

// run delivers until ctx ends (nil), which it also does when the log is closed,
// or the partition cannot be followed.
func (t *tail) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.wake:
		}
		for more := true; more && ctx.Err() == nil; {
			batch, err := t.log.read(ctx, t.partition, t.next)
			switch {
			case errors.Is(err, ErrClosed) || (err != nil && ctx.Err() != nil):
				<-ctx.Done()
				return nil
			case err != nil:
				t.sink.Lost(t.partition, err)
				return err
			}
			if err := t.sink.Deliver(batch); err != nil {
				return fmt.Errorf("deliver partition %d from offset %d: %w", t.partition, t.next, err)
			}
			t.next += int64(len(batch.Records))
			more = t.next < batch.End
		}
		t.log.lookBack(ctx, t.partition)
	}
}

// read returns what follows an offset: from memory when it is recent, else from
// the file. The time is taken before the end is read, so every append that was
// acknowledged by then lies before the end.
func (l *Log) read(ctx context.Context, partition int32, next int64) (engine.Batch, error) {
	batch := engine.Batch{Partition: partition, At: time.Now()}
	l.mu.Lock()
	part := &l.parts[partition]
	start, end, broken, closed := part.start, part.end, l.broken, l.closed
	damage := part.damage
	if next <= part.looked {
		damage = nil // this follower meets it by itself
	}
	batch.End = end
	recs, inMemory := part.recent.from(next, maxDeliver)
	l.mu.Unlock()

	batch.Records = recs
	switch {
	case damage != nil:
		batch.Records = nil
		return batch, damage
	case next < start || next > end:
		return batch, lostf(l.cfg.Path, partition, "offset %d is wanted, the log holds %d to %d", next, start, end)
	case len(recs) > 0:
		return batch, nil
	case broken != nil && inMemory:
		if closed {
			return batch, ErrClosed
		}
		return batch, fmt.Errorf("%w: %w", engine.ErrLogLost, broken)
	case inMemory:
		return batch, nil
	}
	var err error
	batch.Records, err = l.file.read(ctx, partition, next, min(end, next+maxDeliver))
	return batch, err
}

// lostf makes an ErrLogLost that names the file and the partition.
func lostf(path string, partition int32, format string, args ...any) error {
	return fmt.Errorf("%w: %s, partition %d: %s", engine.ErrLogLost, path, partition, fmt.Sprintf(format, args...))
}
