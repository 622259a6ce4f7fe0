package booktest

import (
	"context"
	"sync"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// Log is a log of one partition in memory, to follow in tests.
type Log struct {
	mu      sync.Mutex
	records []engine.LogRecord
	news    chan struct{}
}

// NewLog returns an empty log that begins with its first record.
func NewLog() *Log {
	l := &Log{news: make(chan struct{})}
	l.Add(&fold.Record{Kind: fold.KindGenesis, Cluster: [16]byte{7}, Partitions: 1})
	return l
}

// Add appends a record.
func (l *Log) Add(r *fold.Record) {
	b, err := fold.Encode(r)
	if err != nil {
		panic(err) // a fault of the test
	}
	l.addBytes(b)
}

// addBytes appends whatever somebody may write into a log.
func (l *Log) addBytes(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := int64(len(l.records))
	l.records = append(l.records, engine.LogRecord{Offset: n, At: 1_700_000_000_000 + n, Value: b})
	close(l.news)
	l.news = make(chan struct{})
}

// Len is the offset after the last record.
func (l *Log) Len() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.records))
}

// Fold folds the records below an offset.
func (l *Log) Fold(to int64) *fold.State {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := fold.New(0)
	for _, rec := range l.records[:to] {
		if _, err := s.Apply(rec.Offset, rec.At, rec.Value); err != nil {
			panic(err) // a fault of the test
		}
	}
	return s
}

// Describe tells the log's extent.
func (l *Log) Describe(context.Context) (engine.Topic, []int64, []int64, error) {
	return engine.Topic{ID: "booktest", Partitions: 1}, []int64{0}, []int64{l.Len()}, nil
}

// Append is not needed here.
func (l *Log) Append(int32, string, []byte, func(error)) error { return engine.ErrLogFull }

// Follow delivers the records until ctx ends or the sink has enough.
func (l *Log) Follow(ctx context.Context, from []int64, sink engine.Sink) error {
	next := from[0]
	for next >= 0 {
		l.mu.Lock()
		news := l.news
		recs := append([]engine.LogRecord(nil), l.records[next:]...)
		l.mu.Unlock()
		next += int64(len(recs))
		if err := sink.Deliver(engine.Batch{Records: recs, End: next, At: time.Now()}); err != nil {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
