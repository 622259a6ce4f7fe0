package kafkalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"firstcome/engine"
)

const (
	maxRecord = 512 << 10 // bytes of one record; below every broker's default limit
	maxBytes  = 64 << 20  // bytes of records under way; beyond it ErrLogFull
)

// Append queues a record; see engine.Log. value may be used again as soon as
// Append returns. When Append returns an error done is not called. Without an
// error done is called when the brokers have answered, which during an outage
// takes as long as the outage: franz-go never gives a record up while it may
// have been written.
func (l *Log) Append(partition int32, key string, value []byte, done func(error)) error {
	if partition < 0 || partition >= l.cfg.Partitions {
		return fmt.Errorf("append to partition %d: the log has %d", partition, l.cfg.Partitions)
	}
	if len(value) > maxRecord {
		return fmt.Errorf("append %d bytes: a record has at most %d", len(value), maxRecord)
	}
	size := int64(len(value))
	if !l.reserve(size) {
		l.metrics.full.Inc()
		return engine.ErrLogFull
	}
	// Under the lock, so that Close's flush sees every record that was taken.
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		l.release(size)
		return ErrClosed
	}
	since := time.Now()
	rec := &kgo.Record{Topic: l.cfg.Topic, Partition: partition, Key: []byte(key), Value: bytes.Clone(value)}
	l.producer.TryProduce(context.Background(), rec, func(_ *kgo.Record, err error) {
		l.release(size)
		if errors.Is(err, kgo.ErrMaxBuffered) {
			err = engine.ErrLogFull
		}
		l.metrics.appended(time.Since(since), err)
		if err != nil {
			err = fmt.Errorf("append to partition %d of %s: %w", partition, l.cfg.Topic, err)
		}
		done(err)
	})
	return nil
}

// reserve takes room for one more append, or says that there is none.
func (l *Log) reserve(size int64) bool {
	n, b := l.underWay.Add(1), l.bytes.Add(size)
	if n > int64(l.cfg.MaxBuffered) || b > maxBytes {
		l.release(size)
		return false
	}
	l.metrics.depth.Set(float64(n))
	return true
}

func (l *Log) release(size int64) {
	l.bytes.Add(-size)
	l.metrics.depth.Set(float64(l.underWay.Add(-1)))
}
