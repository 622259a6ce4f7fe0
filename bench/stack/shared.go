package stack

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// shared are the servers that this process' tests use together, started when
// the first test asks.
var shared struct {
	redis    once[*RedisServer]
	sentinel once[*SentinelGroup]
	postgres once[*PostgresServer]
	kafka    once[*KafkaCluster]
	number   atomic.Int64 // makes names different within the process
}

// once keeps one server, or the error of its start: it is not tried again.
type once[T interface{ Close() }] struct {
	mu      sync.Mutex // held while it starts: the others wait for it
	started bool
	server  T
	err     error
}

func (o *once[T]) get(t testing.TB, start func(context.Context) (T, error)) T {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.started {
		o.started = true
		ctx, cancel := context.WithTimeout(context.Background(), 2*startTime)
		defer cancel()
		o.server, o.err = start(ctx)
	}
	if o.err != nil {
		t.Fatal(o.err)
	}
	return o.server
}

func (o *once[T]) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.started && o.err == nil {
		o.server.Close()
	}
	o.started = false
}

// Unique returns a name that no other test uses: letters, digits, hyphens.
func Unique(what string) string {
	return fmt.Sprintf("%s-%d-%d", what, os.Getpid(), shared.number.Add(1))
}

// RedisSpace is one test's own database of the shared Redis server.
type RedisSpace struct {
	*RedisServer
	Database int
}

// URL is the address as firstcome takes it, with the database in it.
func (s RedisSpace) URL() string { return s.RedisServer.URL(s.Database) }

// Redis returns an empty database of a Redis server that the tests of this
// process share, or skips the test: see NeedRedis. FLUSHALL, a pause or a kill
// would hit the neighbours; use StartRedis for such tests.
func Redis(t testing.TB) RedisSpace {
	t.Helper()
	NeedRedis(t)
	s := shared.redis.get(t, func(ctx context.Context) (*RedisServer, error) {
		return StartRedis(ctx, RedisOptions{})
	})
	space := RedisSpace{s, int(shared.number.Add(1) % redisDatabases)}
	c := s.Client(space.Database)
	defer c.Close()
	if err := c.FlushDB(context.Background()).Err(); err != nil {
		t.Fatalf("empty a redis database: %v", err)
	}
	return space
}

// Sentinels returns the shared group of a master, two replicas and three
// sentinels, or skips the test. Who kills one starts a group of its own.
func Sentinels(t testing.TB) *SentinelGroup {
	t.Helper()
	NeedRedis(t)
	return shared.sentinel.get(t, func(ctx context.Context) (*SentinelGroup, error) {
		return StartSentinels(ctx, SentinelOptions{})
	})
}

// Postgres returns the DSN of an empty database of a PostgreSQL server that
// the tests of this process share, or skips the test: see NeedPostgres. The
// database is dropped when the test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	NeedPostgres(t)
	s := shared.postgres.get(t, func(ctx context.Context) (*PostgresServer, error) {
		return StartPostgres(ctx, PostgresOptions{})
	})
	name := fmt.Sprintf("test_%d", shared.number.Add(1))
	dsn, err := s.CreateDatabase(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.DropDatabase(ctx, name); err != nil {
			t.Error(err)
		}
	})
	return dsn
}

// Kafka returns a cluster of one broker that the tests of this process share,
// and the name of a topic that does not exist yet, or skips the test: see
// NeedKafka.
func Kafka(t testing.TB) (cluster *KafkaCluster, topic string) {
	t.Helper()
	NeedKafka(t)
	c := shared.kafka.get(t, func(ctx context.Context) (*KafkaCluster, error) {
		return StartKafka(ctx, KafkaOptions{Brokers: 1})
	})
	return c, Unique("firstcome.test")
}

// CloseShared ends the shared servers. Main calls it; a test that asks for one
// later starts it anew.
func CloseShared() {
	shared.redis.close()
	shared.sentinel.close()
	shared.postgres.close()
	shared.kafka.close()
}

// Runner is a testing.M, or what stands in for it.
type Runner interface{ Run() int }

// Main wraps a package's tests: the shared servers end when the last test has.
func Main(m Runner) Runner { return withShared{m} }

type withShared struct{ tests Runner }

func (w withShared) Run() int {
	defer CloseShared()
	return w.tests.Run()
}
