package locallog

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"firstcome/engine"
)

const (
	maxRecord = 1 << 20  // bytes of one record; a longer one is refused
	maxBytes  = 64 << 20 // bytes of records under way; beyond it ErrLogFull
	maxCommit = 4096     // records of one transaction; the rest waits for the next
)

// entry is an append under way.
type entry struct {
	partition int32
	value     []byte
	done      func(error)
	since     time.Time
	rec       engine.LogRecord // given by the committer
}

// Append queues a record; see engine.Log. value may be used again as soon as
// Append returns. key is not kept: the file has no room for it. After a failed
// commit every Append is refused with the reason. When Append returns an error
// done is not called.
func (l *Log) Append(partition int32, _ string, value []byte, done func(error)) error {
	if partition < 0 || partition >= l.cfg.Partitions {
		return fmt.Errorf("append to partition %d: the log has %d", partition, l.cfg.Partitions)
	}
	if len(value) > maxRecord {
		return fmt.Errorf("append %d bytes: a record has at most %d", len(value), maxRecord)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return ErrClosed
	case l.broken != nil:
		return l.broken
	case l.underWay >= l.cfg.MaxQueued || l.bytes+len(value) > maxBytes:
		l.metrics.full.Inc()
		return engine.ErrLogFull
	}
	l.queue = append(l.queue, entry{partition: partition, value: bytes.Clone(value), done: done, since: time.Now()})
	l.underWay++
	l.bytes += len(value)
	l.metrics.depth.Set(float64(l.underWay))
	if !l.committing {
		l.committing, l.idle = true, make(chan struct{})
		go l.commit(l.idle)
	}
	return nil
}

// commit writes what is queued, one transaction after the other, until nothing
// is. Whatever arrives during a transaction shares the next one. It is the only
// goroutine that writes; at most one runs.
func (l *Log) commit(idle chan struct{}) {
	defer close(idle)
	for {
		batch, broken := l.take()
		if len(batch) == 0 {
			return
		}
		if broken == nil {
			broken = l.write(batch)
		}
		l.settle(batch, broken)
	}
}

// take removes the next batch from the queue; none: the committer ends.
func (l *Log) take() ([]entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.queue), maxCommit)
	batch := l.queue[:n:n]
	l.queue = l.queue[n:]
	if n == 0 {
		l.queue, l.committing, l.idle = nil, false, nil
	}
	return batch, l.broken
}

// write gives each record its offset and time and commits them. Only the
// committer changes what it reads of the partitions, so it needs no lock.
func (l *Log) write(batch []entry) error {
	l.metrics.wait.Observe(time.Since(batch[0].since).Seconds())
	begin := time.Now()
	now := begin.UnixMilli()
	ends := make([]int64, len(l.parts))
	for p := range l.parts {
		ends[p] = l.parts[p].end
	}
	for i := range batch {
		e := &batch[i]
		e.rec = engine.LogRecord{Offset: ends[e.partition], At: max(now, l.parts[e.partition].lastAt), Value: e.value}
		ends[e.partition]++
	}
	if err := l.file.insert(batch); err != nil {
		return l.fail(fmt.Errorf("commit %d records: %w", len(batch), err))
	}
	if err := l.ends.write(ends); err != nil {
		return l.fail(err)
	}
	l.metrics.flush.Observe(time.Since(begin).Seconds())
	l.metrics.batch.Observe(float64(len(batch)))
	return nil
}

// fail makes the log refuse everything from now on and wakes its followers, who
// are told. It returns the error that everybody sees; the first one stays.
func (l *Log) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		l.broken = err
		if !errors.Is(err, ErrClosed) {
			l.broken = fmt.Errorf("log %s cannot be written any more, restart to read what it holds: %w", l.cfg.Path, err)
			l.cfg.Logger.Error("the log stops", "room", "ledger", "err", l.broken)
		}
		for p := range l.parts {
			l.parts[p].wake()
		}
	}
	return l.broken
}

// settle shows committed records to the followers, then answers the callers.
func (l *Log) settle(batch []entry, err error) {
	l.mu.Lock()
	for i := range batch {
		e := &batch[i]
		l.underWay--
		l.bytes -= len(e.value)
		if err == nil {
			part := &l.parts[e.partition]
			part.recent.add(e.rec)
			part.end, part.lastAt = e.rec.Offset+1, e.rec.At
			part.wake()
		}
	}
	l.metrics.depth.Set(float64(l.underWay))
	l.mu.Unlock()
	for i := range batch {
		batch[i].done(err)
	}
	l.metrics.count(len(batch), err)
}

// wake tells the partition's followers to look. The caller holds mu.
func (p *partition) wake() {
	for c := range p.wakes {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
