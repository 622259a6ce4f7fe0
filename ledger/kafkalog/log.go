package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"firstcome/engine"
)

// ErrClosed is returned by every method of a log that has been closed.
var ErrClosed = errors.New("the log is closed")

// Config of a log.
type Config struct {
	Brokers     []string              // host:port of some brokers, required
	Topic       string                // required
	Partitions  int32                 // required; fixed when the topic is made, another number is refused
	Replication int16                 // replicas of each partition, required
	MaxBuffered int                   // appends under way at most, then ErrLogFull; 0 means 20,000
	Logger      *slog.Logger          // required
	Metrics     prometheus.Registerer // nil: not measured

	dial func(ctx context.Context, network, host string) (net.Conn, error) // nil: the network; tests put a wire there
}

// backoff is the pause before anything is tried again. It is constant: a
// growing one would add seconds to every fault (kafka.md).
const backoff = 50 * time.Millisecond

// Log is a log in one topic. Its methods may be called at once.
type Log struct {
	cfg      Config
	topic    engine.Topic
	id       [16]byte
	producer *kgo.Client
	metrics  *metrics

	// underWay and bytes count appends without an answer.
	underWay, bytes atomic.Int64

	// stop is closed by Close: followers return.
	stop chan struct{}
	// mu guards closed and the start of new followers.
	mu     sync.Mutex
	closed bool
	// tails counts running Follow calls.
	tails sync.WaitGroup
}

// Open makes the topic when it is absent, verifies its settings and connects.
// A *SettingsError says which settings are wrong. It starts nothing but what
// the client needs for itself; Follow's goroutines end with Follow.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.MaxBuffered <= 0 {
		cfg.MaxBuffered = 20_000
	}
	if _, err := EnsureTopic(ctx, cfg); err != nil {
		return nil, err
	}
	id, err := verify(ctx, cfg)
	if err != nil {
		return nil, err
	}
	producer, err := cfg.connect(cfg.producing()...)
	if err != nil {
		return nil, err
	}
	topic := engine.Topic{ID: formatID(id), Partitions: cfg.Partitions}
	return &Log{cfg: cfg, topic: topic, id: id, producer: producer, metrics: newMetrics(cfg.Metrics), stop: make(chan struct{})}, nil
}

func (c Config) check() error {
	switch {
	case len(c.Brokers) == 0:
		return errors.New("open the log: no Kafka broker is given")
	case c.Topic == "":
		return errors.New("open the log: no Kafka topic is given")
	case c.Partitions < 1 || c.Replication < 1:
		return fmt.Errorf("open the log: %d partitions and %d replicas, at least one of each is needed", c.Partitions, c.Replication)
	}
	return nil
}

// connect makes a client with the settings that every client shares.
func (c Config) connect(more ...kgo.Opt) (*kgo.Client, error) {
	if c.dial != nil {
		more = append(more, kgo.Dialer(c.dial))
	}
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID("firstcome"),
		kgo.DialTimeout(500 * time.Millisecond),
		kgo.RequestTimeoutOverhead(300 * time.Millisecond),
		kgo.MetadataMinAge(backoff),
		kgo.MetadataMaxAge(10 * time.Second),
		kgo.RetryBackoffFn(func(int) time.Duration { return backoff }),
		kgo.DisableClientMetrics(),
	}, more...)...)
	if err != nil {
		return nil, fmt.Errorf("configure the Kafka client: %w", err)
	}
	return client, nil
}

// producing returns the producer's settings. With replicas an append waits for
// the network anyway, so 1 ms of gathering makes bigger batches for little.
func (c Config) producing() []kgo.Opt {
	linger := time.Duration(0)
	if c.Replication > 1 {
		linger = time.Millisecond
	}
	return []kgo.Opt{
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerLinger(linger),
		// With the overhead this is what a node spends on a leader that died silently
		// before it looks for the next one. An append that takes longer is sent again,
		// and kept once: the producer is idempotent.
		kgo.ProduceRequestTimeout(500 * time.Millisecond),
		kgo.UnknownTopicRetries(-1),
		kgo.MaxBufferedRecords(2 * c.MaxBuffered), // never reached: Append has the smaller bound
	}
}

// Describe returns the topic and the bounds of its partitions. It tries until
// ctx ends; ErrLogLost when the topic is another one by now.
func (l *Log) Describe(ctx context.Context) (engine.Topic, []int64, []int64, error) {
	for {
		starts, ends, err := l.bounds(ctx)
		if err == nil || errors.Is(err, engine.ErrLogLost) || l.isClosed() {
			return l.topic, starts, ends, err
		}
		select {
		case <-ctx.Done():
			return engine.Topic{}, nil, nil, fmt.Errorf("describe topic %s: %w: %w", l.cfg.Topic, ctx.Err(), err)
		case <-l.stop:
			return engine.Topic{}, nil, nil, ErrClosed
		case <-time.After(backoff):
		}
	}
}

// bounds asks for the topic's id and its offsets once.
func (l *Log) bounds(ctx context.Context) (starts, ends []int64, err error) {
	if l.isClosed() {
		return nil, nil, ErrClosed
	}
	admin := kadm.NewClient(l.producer)
	meta, err := askMetadata(ctx, l.producer, l.cfg.Topic)
	if err != nil {
		return nil, nil, err
	}
	if meta.TopicID != l.id {
		return nil, nil, l.recreated(meta.TopicID)
	}
	from, err := admin.ListStartOffsets(ctx, l.cfg.Topic)
	if err != nil {
		return nil, nil, err
	}
	to, err := admin.ListEndOffsets(ctx, l.cfg.Topic)
	if err != nil {
		return nil, nil, err
	}
	for p := range l.cfg.Partitions {
		start, ok1 := from.Lookup(l.cfg.Topic, p)
		end, ok2 := to.Lookup(l.cfg.Topic, p)
		if err := errors.Join(start.Err, end.Err); err != nil {
			return nil, nil, fmt.Errorf("partition %d: %w", p, err)
		}
		if !ok1 || !ok2 {
			return nil, nil, fmt.Errorf("partition %d: %w", p, kerr.UnknownTopicOrPartition)
		}
		starts, ends = append(starts, start.Offset), append(ends, end.Offset)
	}
	return starts, ends, nil
}

// recreated is the loss of the whole topic.
func (l *Log) recreated(now [16]byte) error {
	return fmt.Errorf("%w: topic %s was deleted and made again: its id was %s and is %s", engine.ErrLogLost, l.cfg.Topic, l.topic.ID, formatID(now))
}

func (l *Log) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// Close refuses new appends, waits until those under way are answered or ctx
// ends (the rest is then answered with an error and may be in the log all the
// same), and ends every Follow. A follower whose Deliver does not return is
// waited for until ctx ends.
func (l *Log) Close(ctx context.Context) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	l.closed = true
	l.mu.Unlock()

	err := l.producer.Flush(ctx)
	if err != nil {
		err = fmt.Errorf("flush topic %s: %w", l.cfg.Topic, err)
	}
	l.producer.Close()
	close(l.stop)
	gone := make(chan struct{})
	go func() {
		l.tails.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return err
	case <-ctx.Done():
		return errors.Join(err, fmt.Errorf("close topic %s: a follower still delivers: %w", l.cfg.Topic, ctx.Err()))
	}
}
