package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"firstcome/engine"
)

// lookEvery is how often the topic's id and leaders are asked for when nothing
// is wrong.
const lookEvery = 500 * time.Millisecond

// follower is one call of Follow: a client of its own, a loop per broker that
// fetches, a loop that watches the topic, and a goroutine per partition that
// delivers.
type follower struct {
	log    *Log
	client *kgo.Client
	tails  []*tail // of the wanted partitions
	look   chan struct{}
	pace   time.Duration // least distance of two fetches from a broker

	// mu guards brokers; held for a look-up.
	mu      sync.Mutex
	brokers map[int32]chan struct{} // running fetch loops by broker, and how to wake them
	loops   sync.WaitGroup          // every goroutine but the delivering ones
	metaOut outage                  // owned by the watching loop
}

// Follow delivers committed records; see engine.Log. Each partition is delivered
// from a goroutine of its own behind a queue of at most maxQueued bytes (and one
// answer); a partition whose queue is full is not fetched until it drains, the
// others go on. Follow returns nil when ctx ends, ErrClosed when the log is
// closed, and the reasons when no partition is left. It waits for a Deliver
// under way.
func (l *Log) Follow(ctx context.Context, from []int64, sink engine.Sink) error {
	if len(from) != int(l.cfg.Partitions) {
		return fmt.Errorf("follow topic %s: %d offsets for %d partitions", l.cfg.Topic, len(from), l.cfg.Partitions)
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	l.tails.Add(1)
	l.mu.Unlock()
	defer l.tails.Done()

	client, err := l.cfg.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f := &follower{log: l, client: client, look: make(chan struct{}, 1), brokers: map[int32]chan struct{}{}, pace: fetchPace}
	if patient, ok := sink.(engine.Patient); ok {
		f.pace = patient.Patience()
	}
	for p, next := range from {
		if next >= 0 {
			f.tails = append(f.tails, newTail(f, int32(p), next))
		}
	}
	return f.run(ctx, cancel, sink)
}

// run works until ctx ends or no partition is left.
func (f *follower) run(ctx context.Context, cancel context.CancelCauseFunc, sink engine.Sink) error {
	f.loops.Go(func() { f.watch(ctx) })
	f.loops.Go(func() {
		select {
		case <-f.log.stop:
			cancel(ErrClosed)
		case <-ctx.Done():
		}
	})
	errs := make([]error, len(f.tails))
	var deliveries sync.WaitGroup
	for i, t := range f.tails {
		deliveries.Go(func() { errs[i] = t.deliver(ctx, sink) })
	}
	deliveries.Wait()
	closed := errors.Is(context.Cause(ctx), ErrClosed)
	cancel(nil)
	f.loops.Wait()
	if closed {
		return ErrClosed
	}
	return errors.Join(errs...)
}

// watch keeps the leaders and the topic's id up to date until ctx ends.
func (f *follower) watch(ctx context.Context) {
	for ctx.Err() == nil {
		wait := lookEvery
		if err := f.refresh(ctx); err != nil && ctx.Err() == nil {
			f.metaOut.begin(f.log.cfg.Logger, "the log's brokers do not tell the leaders of its partitions", err, "topic", f.log.cfg.Topic)
			wait = backoff
		} else if err == nil {
			f.metaOut.end(f.log.cfg.Logger, "the log's brokers tell the leaders of its partitions again", "topic", f.log.cfg.Topic)
		}
		select {
		case <-ctx.Done():
		case <-f.look:
			pause(ctx, backoff) // several fetch loops may have asked
		case <-time.After(wait):
		}
	}
}

// refresh asks once. A topic with another id is the loss of every partition; an
// unknown one may be a broker that has just started, so it is asked again.
func (f *follower) refresh(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	asked := time.Now()
	meta, err := askMetadata(bounded, f.client, f.log.cfg.Topic)
	if err != nil {
		return err
	}
	if meta.TopicID != f.log.id {
		lost := f.log.recreated(meta.TopicID)
		for _, t := range f.tails {
			t.lose(fmt.Errorf("partition %d: %w", t.partition, lost))
		}
		return nil
	}
	for _, p := range meta.Partitions {
		for _, t := range f.tails {
			if t.partition == p.Partition && p.Leader >= 0 && t.lead(p.Leader, p.LeaderEpoch, asked) {
				f.wake(ctx, p.Leader)
			}
		}
	}
	return nil
}

// wake makes the fetch loop of a broker look, and starts it when there is none.
// There are as many loops as brokers have ever led a partition.
func (f *follower) wake(ctx context.Context, broker int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.brokers[broker]
	if !ok {
		c = make(chan struct{}, 1)
		f.brokers[broker] = c
		f.loops.Go(func() { f.fetchFrom(ctx, broker, c) })
	}
	poke(c)
}

// poke leaves a token in a channel of capacity 1.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pause waits, or less when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
