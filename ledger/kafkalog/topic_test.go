package kafkalog

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"firstcome/bench/stack"
)

func TestEveryWrongSettingIsNamedAtOnce(t *testing.T) {
	cluster, topic := stack.Kafka(t)
	cfg := config(t, cluster.Addrs(), 1)
	cfg.Topic = topic
	client, err := cfg.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = kadm.NewClient(client).CreateTopic(t.Context(), 3, 1, map[string]*string{
		"retention.ms": kadm.StringPtr("604800000"), "retention.bytes": kadm.StringPtr("1000000"), "cleanup.policy": kadm.StringPtr("compact"),
		"unclean.leader.election.enable": kadm.StringPtr("true"), "max.message.bytes": kadm.StringPtr("1000"), "min.insync.replicas": kadm.StringPtr("1"),
	}, topic)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Replication = 3
	_, err = Open(t.Context(), cfg)
	var wrong *SettingsError
	if !errors.As(err, &wrong) || wrong.Topic != topic {
		t.Fatalf("got %v, want a SettingsError", err)
	}
	for _, part := range []string{
		"partitions is 3 and must be 4", "replication is 1 and must be at least 3", "retention.ms is 604800000 and must be -1",
		"retention.bytes is 1000000 and must be -1", "cleanup.policy is compact and must be delete",
		"unclean.leader.election.enable is true and must be false", "min.insync.replicas is 1 and must be at least 2",
		"max.message.bytes is 1000 and must be at least 1000012",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

func TestNodesThatCreateTheTopicAtOnceAllSucceed(t *testing.T) {
	t.Run("fake", func(t *testing.T) { testCreateAtOnce(t, config(t, fake(t, 3).ListenAddrs(), 3)) })
	t.Run("real", func(t *testing.T) {
		cluster, topic := stack.Kafka(t)
		cfg := config(t, cluster.Addrs(), int16(cluster.Replication()))
		cfg.Topic = topic
		testCreateAtOnce(t, cfg)
	})
}

func testCreateAtOnce(t *testing.T, cfg Config) {
	const nodes = 4
	ids := make([]string, nodes)
	var wg sync.WaitGroup
	for i := range nodes {
		wg.Go(func() {
			log, err := Open(t.Context(), cfg)
			if err != nil {
				t.Error(err)
				return
			}
			defer shut(log)
			topic, _, ends, err := log.Describe(t.Context())
			if err != nil || len(ends) != int(cfg.Partitions) {
				t.Errorf("%v, %v", ends, err)
			}
			ids[i] = topic.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Errorf("the nodes see the topics %q", ids)
		}
	}
	if created, err := EnsureTopic(t.Context(), cfg); created || err != nil {
		t.Errorf("the topic was made again: %t, %v", created, err)
	}
}

func TestAConfigurationThatCannotWorkIsRefused(t *testing.T) {
	for _, cfg := range []Config{
		{Topic: "t", Partitions: 1, Replication: 1},
		{Brokers: []string{"127.0.0.1:1"}, Partitions: 1, Replication: 1},
		{Brokers: []string{"127.0.0.1:1"}, Topic: "t", Replication: 1},
		{Brokers: []string{"127.0.0.1:1"}, Topic: "t", Partitions: 1},
	} {
		if _, err := Open(t.Context(), cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

func TestBrokersOutOfReachEndTheStart(t *testing.T) {
	cfg := config(t, []string{"127.0.0.1:1"}, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := Open(ctx, cfg); err == nil || ctx.Err() != nil {
		t.Errorf("got %v, %v", err, ctx.Err())
	}
}
