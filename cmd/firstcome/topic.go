package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"

	"firstcome/ledger/kafkalog"
)

// topicKeys are the keys that name the log's topic.
var topicKeys = []string{"kafka", "kafka-topic", "kafka-partitions", "kafka-replication"}

// topicWait bounds what the verbs of a topic wait for brokers.
const topicWait = 15 * time.Second

func (h *hall) topicCommand() *cobra.Command {
	return parent("topic", "Check or make the log's topic in Kafka",
		`The log is one topic with settings that its promises rest on: kept for ever, never
compacted, two copies of each record before it counts. Every start of a node checks
them; these verbs do it without starting one.`,
		h.topicVerb("check", "Say whether the topic is as it must be", func(ctx context.Context, cfg kafkalog.Config) error {
			topic, err := kafkalog.VerifyTopic(ctx, cfg)
			if err != nil {
				return err
			}
			fmt.Fprintf(h.out, "topic %s (%s) has %d partitions and every setting that the log needs\n", cfg.Topic, topic.ID, topic.Partitions)
			return nil
		}),
		h.topicVerb("create", "Make the topic when it is absent, and check it", func(ctx context.Context, cfg kafkalog.Config) error {
			created, err := kafkalog.EnsureTopic(ctx, cfg)
			if err != nil {
				return err
			}
			if _, err := kafkalog.VerifyTopic(ctx, cfg); err != nil {
				return err
			}
			state := "was there already"
			if created {
				state = "is made"
			}
			fmt.Fprintf(h.out, "topic %s %s, with %d partitions and %d replicas\n", cfg.Topic, state, cfg.Partitions, cfg.Replication)
			return nil
		}),
	)
}

func (h *hall) topicVerb(verb, short string, do func(context.Context, kafkalog.Config) error) *cobra.Command {
	cmd := &cobra.Command{
		Use:     verb,
		Short:   short,
		Example: "  firstcome topic " + verb + " --kafka kafka-1:9092,kafka-2:9092,kafka-3:9092\n  firstcome topic " + verb + " --kafka localhost:9092 --kafka-replication 1",
		Args:    cobra.NoArgs,
	}
	keyFlags(cmd, topicKeys...)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := h.config(cmd, topicKeys...)
		if c.from["kafka"] == "" {
			return usage("kafka is needed: --kafka host:port,... or FIRSTCOME_KAFKA")
		}
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), topicWait)
		defer cancel()
		return kafkaError(do(ctx, kafkaConfig(c, silent())), c)
	}
	return cmd
}

// kafkaError tells a topic that is wrong from brokers that do not answer.
func kafkaError(err error, c *Config) error {
	var wrong *kafkalog.SettingsError
	var refusal *kerr.Error // a broker has answered
	if err == nil || errors.As(err, &wrong) || errors.As(err, &refusal) {
		return err
	}
	return unreachable("kafka at "+strings.Join(c.Kafka, ","), err)
}
