package stack

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var errStillOld = errors.New("the sentinels still name the dead master")

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestRedisFreezesDiesAndComesBackOnItsPort(t *testing.T) {
	NeedRedis(t)
	ctx := within(t, time.Minute)
	s, err := StartRedis(ctx, RedisOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := s.Client(0)
	defer c.Close()
	if err := c.Set(ctx, "a", 1, 0).Err(); err != nil {
		t.Fatal(err)
	}

	s.Pause()
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if err := c.Ping(short).Err(); err == nil {
		t.Error("a frozen server answered")
	}
	s.Resume()
	if err := c.Ping(ctx).Err(); err != nil {
		t.Errorf("it does not answer after the frost: %v", err)
	}

	s.Kill()
	if s.Running() {
		t.Error("it runs after its death")
	}
	if err := s.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Exists(ctx, "a").Result(); err != nil || n != 0 {
		t.Errorf("after a restart: %d keys, %v; want an empty memory", n, err)
	}
}

func TestSentinelsPromoteAReplicaWhenTheMasterDies(t *testing.T) {
	NeedRedis(t)
	ctx := within(t, time.Minute)
	g, err := StartSentinels(ctx, SentinelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	old, err := g.Master(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if old != g.Servers[0] {
		t.Errorf("the first server should be the master")
	}
	old.Kill()
	err = g.Sentinels[0].Ready(ctx, func(ctx context.Context) error {
		master, err := g.Master(ctx)
		if err == nil && master == old {
			return errStillOld
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPostgresKeepsWhatItCommittedThroughAKill(t *testing.T) {
	NeedPostgres(t)
	ctx := within(t, time.Minute)
	s, err := StartPostgres(ctx, PostgresOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dsn, err := s.CreateDatabase(ctx, "kept")
	if err != nil {
		t.Fatal(err)
	}
	query := func(sql string) (n int, err error) {
		c, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return 0, err
		}
		defer c.Close(ctx)
		return n, c.QueryRow(ctx, sql).Scan(&n)
	}
	if n, err := query("WITH _ AS (SELECT 1) SELECT 1"); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "CREATE TABLE t AS SELECT generate_series(1, 1000) AS n"); err != nil {
		t.Fatal(err)
	}
	s.Kill() // with the backend of c alive
	if err := s.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if n, err := query("SELECT count(*) FROM t"); err != nil || n != 1000 {
		t.Errorf("%d rows, %v; want 1000", n, err)
	}
}

func TestKafkaKeepsRecordsThroughARestart(t *testing.T) {
	NeedKafka(t)
	for name, brokers := range map[string]int{"one broker": 1, "three brokers": 3} {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 2*time.Minute)
			began := time.Now()
			k, err := StartKafka(ctx, KafkaOptions{Brokers: brokers})
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			t.Logf("started in %v", time.Since(began).Round(time.Millisecond))
			produce(ctx, t, k, "before")
			began = time.Now()
			if err := k.Restart(ctx); err != nil {
				t.Fatal(err)
			}
			t.Logf("restarted in %v", time.Since(began).Round(time.Millisecond))
			produce(ctx, t, k, "after")
			if brokers == 3 {
				k.Brokers[0].Kill()
				produce(ctx, t, k, "with one broker dead")
			}
		})
	}
}

func produce(ctx context.Context, t *testing.T, k *KafkaCluster, value string) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(k.Addrs()...), kgo.DefaultProduceTopic("t"),
		kgo.MetadataMinAge(50*time.Millisecond), kgo.DialTimeout(500*time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	admin := kadm.NewClient(c)
	if resp, err := admin.CreateTopic(ctx, 1, int16(k.Replication()), nil, "t"); err != nil && resp.ErrMessage == "" {
		t.Fatal(err)
	}
	if err := c.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr(); err != nil {
		t.Fatalf("produce %q: %v", value, err)
	}
}

func TestSharedServersGiveEachTestItsOwnRoom(t *testing.T) {
	t.Run("redis", func(t *testing.T) {
		a, b := Redis(t), Redis(t)
		if a.Port != b.Port || a.Database == b.Database {
			t.Errorf("%s and %s: want one server and two databases", a.URL(), b.URL())
		}
	})
	t.Run("postgres", func(t *testing.T) {
		if a, b := Postgres(t), Postgres(t); a == b {
			t.Errorf("twice the same database: %s", a)
		}
	})
	t.Run("kafka", func(t *testing.T) {
		a, topicA := Kafka(t)
		b, topicB := Kafka(t)
		if a != b || topicA == topicB {
			t.Errorf("%s and %s: want one cluster and two topics", topicA, topicB)
		}
	})
}
