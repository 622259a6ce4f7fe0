package kafkalog

import (
	"context"
	"fmt"
	"sync"
	"time"

	"firstcome/engine"
)

const (
	// maxQueued is how many bytes of records may wait for a sink before its
	// partition is not fetched any more. With the answer that went over it, a
	// partition holds at most maxQueued + fetchPartition.
	maxQueued = 4 << 20
	// recordCost is what a record costs in memory besides its bytes.
	recordCost = 64
	// tellEvery is how often a sink is told that nothing is new: other
	// partitions' records may make the fetches of a busy broker far more frequent.
	tellEvery = 20 * time.Millisecond
)

// tail follows one partition. A fetch loop puts answers in, deliver takes them out.
type tail struct {
	partition int32
	follower  *follower
	wake      chan struct{} // capacity 1: something to deliver

	// mu guards all below; held for memory work only.
	mu        sync.Mutex
	next      int64 // first offset that is not in the queue and was not
	lastEpoch int32 // leader epoch of the record before it, -1: unknown
	leader    int32
	epoch     int32     // of the leader; never goes back
	proven    bool      // the leader's watermark covers what earlier ones had acknowledged
	doubted   time.Time // the leader must be confirmed by metadata asked for after this
	notBefore time.Time // no fetch until then
	damaged   int       // times that the records at next were unreadable
	refused   bool      // the last answer was an error
	queue     []engine.Batch
	queued    int
	end       int64     // newest knowledge: the partition ends here
	at        time.Time // as of then
	told      time.Time // newest At that was delivered
	lost      error     // told after the queue
	ended     bool      // the sink wants no more
}

func newTail(f *follower, partition int32, next int64) *tail {
	return &tail{follower: f, partition: partition, next: next, wake: make(chan struct{}, 1), lastEpoch: -1, leader: -1, epoch: -1}
}

// lead takes over who leads in which epoch, as told by metadata asked for at
// asked. It reports whether the leader may now be asked.
func (t *tail) lead(leader, epoch int32, asked time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if epoch < t.epoch {
		return false // the broker that told is behind
	}
	if epoch > t.epoch || leader != t.leader {
		t.leader, t.epoch, t.proven, t.notBefore = leader, epoch, false, time.Time{}
	}
	if asked.After(t.doubted) {
		t.doubted = time.Time{}
	}
	return true
}

// ask returns the question that a fetch to the broker has for this partition.
func (t *tail) ask(broker int32, now time.Time) (question, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.leader != broker || t.lost != nil || t.ended || t.queued >= maxQueued || now.Before(t.notBefore) {
		return question{}, false
	}
	return question{tail: t, next: t.next, epoch: t.epoch, lastEpoch: t.lastEpoch, proven: t.proven}, true
}

// current says that nothing has changed since the question was asked. The
// caller holds mu.
func (t *tail) current(q question) bool {
	return t.next == q.next && t.epoch == q.epoch && t.lost == nil && !t.ended
}

// take queues the answer to a question. A late answer's knowledge is not used.
// It reports whether the partition had been refused before.
func (t *tail) take(q question, recs []engine.LogRecord, epoch int32, end int64, sent time.Time, late bool) (back bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.current(q) {
		return false
	}
	back, t.refused = t.refused, false
	knows := t.proven && t.doubted.IsZero() && !late
	if knows {
		t.end, t.at = end, sent
	}
	if len(recs) == 0 {
		if t.at.Sub(t.told) >= tellEvery {
			poke(t.wake)
		}
		return back
	}
	t.damaged = 0
	t.next += int64(len(recs))
	t.lastEpoch = epoch
	batch := engine.Batch{Partition: t.partition, Records: recs}
	if knows {
		batch.End, batch.At = end, sent
	}
	t.queue = append(t.queue, batch)
	t.queued += cost(recs)
	poke(t.wake)
	return back
}

func cost(recs []engine.LogRecord) int {
	n := len(recs) * recordCost
	for _, r := range recs {
		n += len(r.Value)
	}
	return n
}

// prove notes that the leader's watermark may be believed.
func (t *tail) prove(q question) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.epoch == q.epoch {
		t.proven = true
	}
}

// isProven says whether the watermark of an answer may be believed.
func (t *tail) isProven(q question) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.proven && t.current(q)
}

// doubt asks for the leader to be confirmed before anything more is claimed.
func (t *tail) doubt(q question, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.epoch == q.epoch {
		t.doubted = now
	}
}

// retry leaves the partition out of fetches for one pause. It reports whether
// this is the first refusal in a row.
func (t *tail) retry(q question) (first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.current(q) {
		return false
	}
	t.notBefore = time.Now().Add(backoff)
	first, t.refused = !t.refused, true
	return first
}

// unreadable counts damaged answers and gives the partition up after some.
func (t *tail) unreadable(q question, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.current(q) {
		return
	}
	t.notBefore = time.Now().Add(backoff)
	if t.damaged++; t.damaged >= maxUnreadable {
		t.lost = lostf(t.follower.log.cfg.Topic, t.partition, "the records at offset %d cannot be read: %v", t.next, err)
		poke(t.wake)
	}
}

// lose gives the partition up; the first reason stays.
func (t *tail) lose(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lost == nil {
		t.lost = err
		poke(t.wake)
	}
}

// deliver hands everything to the sink until ctx ends (nil), the partition is
// lost or the sink has had enough.
func (t *tail) deliver(ctx context.Context, sink engine.Sink) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.wake:
		}
		for ctx.Err() == nil {
			batch, ok, lost := t.pop(ctx)
			if lost != nil {
				sink.Lost(t.partition, lost)
				return lost
			}
			if !ok {
				break
			}
			if err := sink.Deliver(batch); err != nil {
				t.stop()
				return fmt.Errorf("deliver partition %d: %w", t.partition, err)
			}
		}
	}
}

// pop returns what is to be delivered next: records in order, then the loss,
// then the newest knowledge.
func (t *tail) pop(ctx context.Context) (batch engine.Batch, ok bool, lost error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case len(t.queue) > 0:
		batch = t.queue[0]
		t.queue[0] = engine.Batch{}
		t.queue = t.queue[1:]
		full := t.queued >= maxQueued
		t.queued -= cost(batch.Records)
		if full && t.queued < maxQueued && t.leader >= 0 {
			t.follower.wake(ctx, t.leader)
		}
	case t.lost != nil:
		return batch, false, t.lost
	case t.at.Sub(t.told) >= tellEvery:
		batch = engine.Batch{Partition: t.partition, End: t.end, At: t.at}
	default:
		return batch, false, nil
	}
	if batch.At.After(t.told) {
		t.told = batch.At
	}
	return batch, true, nil
}

// stop lets go of everything: the sink wants no more.
func (t *tail) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended, t.queue, t.queued = true, nil, 0
}
