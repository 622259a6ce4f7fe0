package kafkalog

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"firstcome/engine"
)

// minMessageBytes is what the producer's largest batch needs.
const minMessageBytes = 1_000_012

// Setting is one setting of a topic that breaks a promise of the log.
type Setting struct {
	Name string
	Is   string
	Want string // what would be right, as a phrase: "16", "at least 2"
}

// SettingsError lists everything that is wrong with a topic.
type SettingsError struct {
	Topic string
	Wrong []Setting
}

// Error names every wrong setting and what would be right.
func (e *SettingsError) Error() string {
	parts := make([]string, len(e.Wrong))
	for i, s := range e.Wrong {
		parts[i] = fmt.Sprintf("%s is %s and must be %s", s.Name, s.Is, s.Want)
	}
	return fmt.Sprintf("kafka topic %s must not be used: %s", e.Topic, strings.Join(parts, "; "))
}

// formatID writes a topic's uuid as Kafka's own tools do. It is new whenever the
// topic is made.
func formatID(id [16]byte) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// minInSync is the number of replicas that must hold a record before it is
// acknowledged: one may die and nothing is lost.
func minInSync(replication int16) int {
	if replication == 1 {
		return 1
	}
	return 2
}

// EnsureTopic makes the topic with the right settings when it is absent, and
// says whether it did. Several nodes may do so at once. LogAppendTime makes the
// leader's clock, one per partition, stamp the records: with the nodes' clocks
// a single wrong one would push a whole partition's time ahead for ever.
func EnsureTopic(ctx context.Context, cfg Config) (created bool, err error) {
	if err := cfg.check(); err != nil {
		return false, err
	}
	client, err := cfg.connect()
	if err != nil {
		return false, err
	}
	defer client.Close()
	if _, err := askMetadata(ctx, client, cfg.Topic); !errors.Is(err, kerr.UnknownTopicOrPartition) {
		if err != nil && !kerr.IsRetriable(err) {
			return false, fmt.Errorf("look for topic %s: %w", cfg.Topic, err)
		}
		return false, nil // there; VerifyTopic waits for its leaders
	}
	settings := map[string]*string{
		"min.insync.replicas":            kadm.StringPtr(strconv.Itoa(minInSync(cfg.Replication))),
		"retention.ms":                   kadm.StringPtr("-1"),
		"retention.bytes":                kadm.StringPtr("-1"),
		"cleanup.policy":                 kadm.StringPtr("delete"),
		"unclean.leader.election.enable": kadm.StringPtr("false"),
		"message.timestamp.type":         kadm.StringPtr("LogAppendTime"),
		"max.message.bytes":              kadm.StringPtr("1048588"),
	}
	resp, err := kadm.NewClient(client).CreateTopic(ctx, cfg.Partitions, cfg.Replication, settings, cfg.Topic)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return false, nil // another node was faster, or a reply was lost
	}
	if err != nil {
		return false, fmt.Errorf("create topic %s with %d partitions and %d replicas: %w %s", cfg.Topic, cfg.Partitions, cfg.Replication, err, resp.ErrMessage)
	}
	return true, nil
}

// VerifyTopic holds the topic's settings against what the log promises. A
// *SettingsError lists everything that is wrong, at once. A topic that is just
// being made is waited for, 5 s at most.
func VerifyTopic(ctx context.Context, cfg Config) (engine.Topic, error) {
	if err := cfg.check(); err != nil {
		return engine.Topic{}, err
	}
	id, err := verify(ctx, cfg)
	if err != nil {
		return engine.Topic{}, err
	}
	return engine.Topic{ID: formatID(id), Partitions: cfg.Partitions}, nil
}

// verify is VerifyTopic; it returns the topic's id as Kafka keeps it.
func verify(ctx context.Context, cfg Config) (id [16]byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	client, err := cfg.connect()
	if err != nil {
		return id, err
	}
	defer client.Close()
	for {
		meta, err := askMetadata(ctx, client, cfg.Topic)
		var settings map[string]string
		if err == nil {
			settings, err = describeSettings(ctx, client, cfg.Topic)
		}
		if err == nil {
			if wrong := wrongSettings(cfg, meta, settings); len(wrong) > 0 {
				return id, &SettingsError{Topic: cfg.Topic, Wrong: wrong}
			}
			if kind := settings["message.timestamp.type"]; kind != "LogAppendTime" {
				cfg.Logger.Warn("records are stamped by the nodes' clocks, LogAppendTime would be better", "room", "ledger", "topic", cfg.Topic, "message.timestamp.type", kind)
			}
			return meta.TopicID, nil
		}
		if !kerr.IsRetriable(err) {
			return id, fmt.Errorf("verify topic %s: %w", cfg.Topic, err)
		}
		select {
		case <-ctx.Done():
			return id, fmt.Errorf("verify topic %s: %w: %w", cfg.Topic, ctx.Err(), err)
		case <-time.After(backoff):
		}
	}
}

// rule is what a setting must be.
type rule struct {
	name, want string
	ok         func(is string) bool
}

func exactly(name, want string) rule {
	return rule{name, want, func(is string) bool { return is == want }}
}

func atLeast(name string, least int) rule {
	return rule{name, fmt.Sprintf("at least %d", least), func(is string) bool {
		n, err := strconv.Atoi(is)
		return err == nil && n >= least
	}}
}

// rules are the settings without which a committed record may be lost or an
// append may not fit.
func rules(cfg Config) []rule {
	return []rule{
		exactly("partitions", strconv.Itoa(int(cfg.Partitions))),
		atLeast("replication", int(cfg.Replication)),
		exactly("retention.ms", "-1"),
		exactly("retention.bytes", "-1"),
		exactly("cleanup.policy", "delete"),
		exactly("unclean.leader.election.enable", "false"),
		atLeast("min.insync.replicas", minInSync(cfg.Replication)),
		atLeast("max.message.bytes", minMessageBytes),
	}
}

// wrongSettings returns what is wrong. A setting that the broker does not tell
// is not judged.
func wrongSettings(cfg Config, meta kmsg.MetadataResponseTopic, settings map[string]string) []Setting {
	replicas := math.MaxInt
	for _, p := range meta.Partitions {
		replicas = min(replicas, len(p.Replicas))
	}
	settings["partitions"] = strconv.Itoa(len(meta.Partitions))
	settings["replication"] = strconv.Itoa(replicas)
	var wrong []Setting
	for _, r := range rules(cfg) {
		if is, told := settings[r.name]; told && !r.ok(is) {
			wrong = append(wrong, Setting{Name: r.name, Is: is, Want: r.want})
		}
	}
	return wrong
}

// describeSettings returns the topic's settings as they are in effect.
func describeSettings(ctx context.Context, client *kgo.Client, topic string) (map[string]string, error) {
	all, err := kadm.NewClient(client).DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return nil, err
	}
	settings := map[string]string{}
	_, err = all.On(topic, func(r *kadm.ResourceConfig) error {
		for _, c := range r.Configs {
			settings[c.Key] = c.MaybeValue()
		}
		return r.Err
	})
	return settings, err
}

// askMetadata returns what a broker knows of the topic: its id, and for each
// partition the leader. An error of the topic as a whole is an error here;
// errors of partitions are in the answer.
func askMetadata(ctx context.Context, client *kgo.Client, topic string) (kmsg.MetadataResponseTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return kmsg.MetadataResponseTopic{}, err
	}
	for _, t := range resp.Topics {
		if t.Topic != nil && *t.Topic == topic {
			return t, kerr.ErrorForCode(t.ErrorCode)
		}
	}
	return kmsg.MetadataResponseTopic{}, kerr.UnknownTopicOrPartition
}
