package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/ledger"
	"firstcome/ledger/kafkalog"
	"firstcome/ledger/postgres"
)

func (h *hall) skipCommand() *cobra.Command {
	cmd := confirms(&cobra.Command{
		Use:   "skip",
		Short: "Pass over a record in Kafka that somebody else wrote",
		Long: `For a partition that stopped at a record of a kind or version that no build of firstcome
writes: another program has the topic's name. (A record of a newer build needs no skip but
that build.) Take the right to write from that program first.

Nothing behind such a record was ever decided, so nothing decided is lost: the ledger's
cursor moves from the record to the end of the partition, and what lies before is deleted,
so that nobody reads it otherwise. End every node first, start them afterwards.`,
		Example: "  firstcome ledger skip --partition 3 --offset 1207 --config /etc/firstcome.yaml --confirm",
		Args:    cobra.NoArgs,
	})
	cmd.Flags().Int32("partition", -1, "of the record, as the stopped node names it")
	cmd.Flags().Int64("offset", -1, "of the record, as the stopped node names it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := h.config(cmd)
		if err != nil {
			return err
		}
		partition, _ := cmd.Flags().GetInt32("partition") // both flags are ours
		offset, _ := cmd.Flags().GetInt64("offset")
		if !c.cluster() || partition < 0 || partition >= c.KafkaPartitions || offset < 0 {
			return usage("a log in Kafka is needed, and --partition and --offset of the record")
		}
		return h.skip(cmd, c, partition, offset)
	}
	return cmd
}

func (h *hall) skip(cmd *cobra.Command, c *Config, partition int32, offset int64) error {
	ctx := cmd.Context()
	log, err := openTopic(ctx, c)
	if err != nil {
		return err
	}
	defer shutLog(ctx, log)
	book, err := postgres.Open(c.Postgres)
	if err != nil {
		return err
	}
	defer book.Close()
	topic, _, ends, err := log.Describe(ctx)
	if err != nil {
		return err
	}
	state, err := standsAt(ctx, book, topic.ID, partition, offset)
	if err != nil {
		return err
	}
	if err := isForeign(ctx, log, partition, offset); err != nil {
		return err
	}
	end := ends[partition]
	if err := confirmed(cmd, fmt.Sprintf("partition %d would go on at %d: records %d to %d are passed over", partition, end, offset, end-1)); err != nil {
		return err
	}
	if err := passOver(ctx, book, topic.ID, state, end); err != nil {
		return err
	}
	if err := log.Trim(ctx, partition, end); err != nil {
		return err
	}
	fmt.Fprintf(h.out, "partition %d goes on at %d; start the nodes\n", partition, end)
	return nil
}

// shutLog closes a log whose appends are answered.
func shutLog(ctx context.Context, log *kafkalog.Log) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
	defer cancel()
	_ = log.Close(last)
}

// standsAt is the ledger's state, which must have come to the record.
func standsAt(ctx context.Context, book ledger.Book, topic string, partition int32, offset int64) (*fold.State, error) {
	snapshot, of, err := book.Load(ctx, partition)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the ledger of partition %d: %w", partition, err)
	case of != topic:
		return nil, fmt.Errorf("the ledger is of log %s, this is log %s", of, topic)
	case snapshot.Next != offset:
		return nil, fmt.Errorf("the ledger of partition %d has come to %d, not to %d: it must stand at the record that nobody can read", partition, snapshot.Next, offset)
	}
	return fold.Restore(snapshot)
}

// first is a sink that takes one record.
type first struct{ record *engine.LogRecord }

var errTaken = errors.New("taken")

func (f *first) Deliver(b engine.Batch) error {
	if len(b.Records) == 0 {
		return nil
	}
	f.record = &b.Records[0]
	return errTaken
}

func (f *first) Lost(int32, error) {}

// isForeign reads the record: an error unless it is one that no fold may apply.
func isForeign(ctx context.Context, log engine.Log, partition int32, offset int64) error {
	topic, _, _, err := log.Describe(ctx)
	if err != nil {
		return err
	}
	from := make([]int64, topic.Partitions)
	for p := range from {
		from[p] = -1
	}
	from[partition] = offset
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	var f first
	if err := log.Follow(ctx, from, &f); f.record == nil {
		return errors.Join(fmt.Errorf("record %d of partition %d cannot be had", offset, partition), err)
	}
	if _, err := fold.Decode(f.record.Value); !errors.Is(err, fold.ErrUnknown) {
		return fmt.Errorf("record %d of partition %d stops nobody: nothing is passed over", offset, partition)
	}
	return nil
}

// passOver moves the ledger's cursor as if every record up to end had said nothing.
func passOver(ctx context.Context, book ledger.Book, topic string, state *fold.State, end int64) error {
	empty, err := fold.Encode(&fold.Record{Kind: fold.KindNoop})
	if err != nil {
		return err
	}
	before := state.Snapshot()
	for at := before.Next; at < end; at++ {
		if _, err := state.Apply(at, before.LastAt, empty); err != nil {
			return err
		}
	}
	return book.Append(ctx, &ledger.Batch{Partition: before.Partition, From: before.Next, Next: end, Topic: topic, LastAt: before.LastAt,
		Version: before.Version, Rows: before.Rows, Genesis: before.Genesis, Digest: state.Digest()})
}
