package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/ledger/kafkalog"
	"firstcome/ledger/postgres"
)

func (h *hall) resumeCommand() *cobra.Command {
	cmd := confirms(&cobra.Command{
		Use:   "resume",
		Short: "Go on from the ledger after Kafka lost the end of the log",
		Long: `For a topic that was cut off below what the ledger knows, or deleted and made again
(make it with: firstcome topic create), when it cannot be restored. What the ledger has
is kept, with every rank and id. What was decided after the ledger's cursor is lost: the
log of a stopped node names how far it had come ("next"); tell those members.

Each partition is filled with empty records up to the ledger's cursor, and --beyond more,
so that no id is given twice; what lies before the cursor is deleted, so that nobody reads
it as the log; the ledger adopts the topic. End every node first, start them afterwards.`,
		Example: "  firstcome ledger resume --config /etc/firstcome.yaml --confirm",
		Args:    cobra.NoArgs,
	})
	cmd.Flags().Int64("beyond", 100_000, "empty records after the ledger's cursor: more than the ledger can have been behind")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := h.config(cmd)
		if err != nil {
			return err
		}
		if !c.cluster() {
			return usage("only a log in Kafka can be resumed; embedded, put back a copy of the data directory")
		}
		return h.resume(cmd, c)
	}
	return cmd
}

// gap is what one partition lacks.
type gap struct {
	partition        int32
	cursor, from, to int64 // empty records go from from to to
}

func (h *hall) resume(cmd *cobra.Command, c *Config) error {
	ctx := cmd.Context()
	beyond, err := cmd.Flags().GetInt64("beyond")
	if err != nil || beyond < 0 {
		return usage("--beyond is a number of records")
	}
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
	gaps, topic, err := missing(ctx, log, book, beyond)
	if err != nil {
		return err
	}
	if len(gaps) == 0 {
		fmt.Fprintln(h.out, "nothing is missing: the log reaches every cursor of the ledger")
		return nil
	}
	if err := confirmed(cmd, "would be done: "+plan(gaps)); err != nil {
		return err
	}
	for _, g := range gaps {
		if err := g.fill(ctx, log); err != nil {
			return err
		}
	}
	if err := book.Adopt(ctx, topic); err != nil {
		return err
	}
	fmt.Fprintf(h.out, "%s; start the nodes\n", plan(gaps))
	return nil
}

func plan(gaps []gap) string {
	parts := make([]string, len(gaps))
	for i, g := range gaps {
		parts[i] = fmt.Sprintf("partition %d goes on from the ledger's %d, records %d to %d are empty", g.partition, g.cursor, g.from, g.to-1)
	}
	return strings.Join(parts, "; ")
}

// missing holds the log's ends against the ledger's cursors. An error says what
// neither of the two has.
func missing(ctx context.Context, log engine.Log, book *postgres.Book, beyond int64) (gaps []gap, topic string, err error) {
	now, starts, ends, err := log.Describe(ctx)
	if err != nil {
		return nil, "", err
	}
	for p := range now.Partitions {
		snapshot, of, err := book.Load(ctx, p)
		if errors.Is(err, engine.ErrNoSnapshot) {
			continue // the ledger never had any of it
		}
		if err == nil {
			_, err = fold.Restore(snapshot)
		}
		cursor := snapshot.Next
		switch {
		case err != nil:
			return nil, "", fmt.Errorf("the ledger of partition %d cannot be gone on from: %w", p, err)
		case of == now.ID && starts[p] > cursor:
			return nil, "", fmt.Errorf("records %d to %d of partition %d are in neither log nor ledger: only a copy of the topic has them", cursor, starts[p]-1, p)
		case of == now.ID && ends[p] >= cursor:
			continue
		case of != now.ID && ends[p] > cursor+beyond:
			return nil, "", fmt.Errorf("partition %d of the new topic has %d records of its own, the ledger's cursor is at %d: it is no empty successor", p, ends[p], cursor)
		}
		gaps = append(gaps, gap{p, cursor, ends[p], max(ends[p], cursor+beyond)})
	}
	return gaps, now.ID, nil
}

// fillAtOnce bounds the empty records under way.
const fillAtOnce = 1000

// fill appends the empty records and deletes what lies before the cursor. It
// may be repeated.
func (g gap) fill(ctx context.Context, log *kafkalog.Log) error {
	empty, err := fold.Encode(&fold.Record{Kind: fold.KindNoop})
	if err != nil {
		return err
	}
	for left := g.to - g.from; left > 0; {
		n := min(left, fillAtOnce)
		answers := make(chan error, n)
		for range n {
			if err := log.Append(g.partition, "", empty, func(err error) { answers <- err }); err != nil {
				return err
			}
		}
		for range n {
			select {
			case err := <-answers:
				if err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(openWait):
				return unreachable("kafka", errors.New("it does not take the empty records"))
			}
		}
		left -= n
	}
	return log.Trim(ctx, g.partition, g.cursor)
}
