package kafkalog

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"firstcome/bench/stack"
	"firstcome/ledger/logtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(stack.Main(m)) }

// fake starts a cluster inside the process.
func fake(t *testing.T, brokers int) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(brokers))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// config is a log of logtest.Partitions partitions in a topic named after the test.
func config(t testing.TB, addrs []string, replication int16) Config {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", r) {
			return r
		}
		return '-'
	}, t.Name())
	return Config{
		Brokers: addrs, Topic: "t." + name, Partitions: logtest.Partitions, Replication: replication,
		Logger: slog.New(slog.DiscardHandler),
	}
}

// mustOpen opens a log and closes it at the test's end.
func mustOpen(t *testing.T, cfg Config) *Log {
	t.Helper()
	log, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(log) })
	return log
}

func shut(log *Log) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return log.Close(ctx)
}

// opener opens the log that the contract is tried on.
func opener(cfg Config) logtest.Opener {
	return func(t testing.TB, maxQueued int) logtest.Log {
		cfg.MaxBuffered = maxQueued
		log, err := Open(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return log
	}
}

func TestContractOnTheFake(t *testing.T) {
	logtest.Run(t, func(t *testing.T) logtest.Opener { return opener(config(t, fake(t, 3).ListenAddrs(), 3)) })
}

func TestContractOnKafka(t *testing.T) {
	cluster, _ := stack.Kafka(t)
	logtest.Run(t, func(t *testing.T) logtest.Opener {
		cfg := config(t, cluster.Addrs(), int16(cluster.Replication()))
		cfg.Topic = stack.Unique("logtest")
		return opener(cfg)
	})
}

func BenchmarkClaim(b *testing.B) {
	cluster, _ := stack.Kafka(b)
	logtest.Bench(b, func(b testing.TB) logtest.Log {
		cfg := config(b, cluster.Addrs(), int16(cluster.Replication()))
		cfg.Topic = stack.Unique("bench")
		return opener(cfg)(b, 0)
	})
}
