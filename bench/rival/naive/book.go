//go:build badengine

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"firstcome/engine"
)

// Each topic has a group of its own that writes the book.
var (
	topic = env("KAFKA_TOPIC", "naive.claims")
	group = topic + ".book"
)

const (
	partitions = 4
	batch      = 500 // records that one transaction writes
	again      = 250 * time.Millisecond
)

// record is one change of a place on its way to Postgres.
type record struct {
	Campaign string
	Place    place
	Answers  json.RawMessage `json:",omitempty"`
}

// tables: a place is a row by its claim; the later version of it stays, so the
// order of the records and their repetition do not matter. The variant conflict
// has what articles have instead: one row a member, which the first insert
// keeps and a cancel deletes, and counters that go with every record.
const tables = `
CREATE TABLE IF NOT EXISTS naive_campaigns (id text PRIMARY KEY, body jsonb NOT NULL, version bigint NOT NULL);
CREATE TABLE IF NOT EXISTS naive_places (campaign text, off bigint, member text, state text, rank bigint, ticket bigint, ver bigint,
	answers jsonb, PRIMARY KEY (campaign, off));
CREATE TABLE IF NOT EXISTS naive_counters (campaign text PRIMARY KEY, granted bigint NOT NULL, waiting bigint NOT NULL, seq bigint NOT NULL);
CREATE INDEX IF NOT EXISTS naive_members ON naive_places (member, campaign);`

const (
	oneRowAMember = `CREATE UNIQUE INDEX IF NOT EXISTS naive_once ON naive_places (campaign, member)`
	putPlace      = `INSERT INTO naive_places (campaign, off, member, state, rank, ticket, ver, answers) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) `
	laterStays    = `ON CONFLICT (campaign, off) DO UPDATE SET state = excluded.state, rank = excluded.rank, ver = excluded.ver,
		answers = coalesce(naive_places.answers, excluded.answers) WHERE naive_places.ver < excluded.ver`
	firstStays = `ON CONFLICT DO NOTHING`
	promote    = `UPDATE naive_places SET state = 'granted', rank = $3, ver = $4 WHERE campaign = $1 AND member = $2`
	remove     = `DELETE FROM naive_places WHERE campaign = $1 AND member = $2`
	count      = `INSERT INTO naive_counters AS c VALUES ($1, $2, $3, $4) ON CONFLICT (campaign) DO UPDATE SET
		granted = c.granted + excluded.granted, waiting = c.waiting + excluded.waiting, seq = greatest(c.seq, excluded.seq)`
)

// migrate makes tables and topic; two nodes may come at once.
func (n *naive) migrate(ctx context.Context, replication int16) error {
	err := pgx.BeginFunc(ctx, n.db, func(tx pgx.Tx) error {
		ddl := "SELECT pg_advisory_xact_lock(4711);" + tables
		if n.variant == "conflict" {
			ddl += oneRowAMember
		}
		_, err := tx.Exec(ctx, ddl)
		return err
	})
	if err != nil {
		return fmt.Errorf("make the tables: %w", err)
	}
	made, err := kadm.NewClient(n.kafka).CreateTopic(ctx, partitions, replication, nil, topic)
	if err == nil || errors.Is(made.Err, kerr.TopicAlreadyExists) {
		return nil
	}
	return fmt.Errorf("make the topic: %w", err)
}

// tell sends changes to Kafka. Who answers on the ack waits for it, and so does
// who loads from the book afterwards; the others hope.
func (n *naive) tell(ctx context.Context, campaign, member string, answers []byte, changes []place) error {
	var records []*kgo.Record
	for _, p := range changes {
		r := record{Campaign: campaign, Place: p}
		if p.Member == member {
			r.Answers = answers
		}
		value, err := json.Marshal(r)
		if err != nil {
			return err
		}
		records = append(records, &kgo.Record{Topic: topic, Key: []byte(campaign), Value: value})
	}
	if n.variant != "answer-on-ack" && n.variant != "fence" {
		for _, r := range records {
			n.kafka.Produce(context.WithoutCancel(ctx), r, func(_ *kgo.Record, err error) {
				if err != nil {
					n.log.Error("a record did not reach kafka", "err", err)
				}
			})
		}
		return nil
	}
	if err := n.kafka.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("%w: kafka: %w", engine.ErrUndecided, err)
	}
	return nil
}

// write brings records into Postgres until ctx ends, at least once each.
func (n *naive) write(ctx context.Context) error {
	for {
		fetches := n.kafka.PollRecords(ctx, batch)
		if ctx.Err() != nil {
			return nil
		}
		records := fetches.Records()
		for err := n.book(ctx, records); err != nil; err = n.book(ctx, records) {
			n.log.Warn("the book cannot be written; trying again", "err", err)
			select {
			case <-time.After(again):
			case <-ctx.Done():
				return nil
			}
		}
		if n.variant != "conflict" { // which leaves it to the driver: every 5 s
			if err := n.kafka.CommitUncommittedOffsets(ctx); err != nil && ctx.Err() == nil {
				n.log.Warn("kafka does not take the offsets", "err", err)
			}
		}
	}
}

func (n *naive) book(ctx context.Context, records []*kgo.Record) error {
	var all pgx.Batch
	for _, raw := range records {
		var r record
		if err := json.Unmarshal(raw.Value, &r); err != nil {
			n.log.Error("a record that nobody can read", "offset", raw.Offset, "err", err)
			continue
		}
		if n.variant == "conflict" {
			queueBlindly(&all, &r)
		} else {
			queuePlace(&all, &r, laterStays)
		}
	}
	if all.Len() == 0 {
		return nil
	}
	return pgx.BeginFunc(ctx, n.db, func(tx pgx.Tx) error { return tx.SendBatch(ctx, &all).Close() })
}

func queuePlace(all *pgx.Batch, r *record, onConflict string) {
	p := &r.Place
	all.Queue(putPlace+onConflict, r.Campaign, p.Off, p.Member, p.State, p.Rank, p.Ticket, p.Ver, r.Answers)
}

func queueBlindly(all *pgx.Batch, r *record) {
	p := &r.Place
	switch {
	case p.State == "cancelled" && p.Rank > 0:
		all.Queue(remove, r.Campaign, p.Member)
		all.Queue(count, r.Campaign, -1, 0, 0)
	case p.State == "cancelled":
		all.Queue(remove, r.Campaign, p.Member)
		all.Queue(count, r.Campaign, 0, -1, 0)
	case p.State == "granted" && p.Ticket > 0:
		all.Queue(promote, r.Campaign, p.Member, p.Rank, p.Ver)
		all.Queue(count, r.Campaign, 1, -1, p.Rank)
	case p.State == "granted":
		queuePlace(all, r, firstStays)
		all.Queue(count, r.Campaign, 1, 0, p.Rank)
	default:
		queuePlace(all, r, firstStays)
		all.Queue(count, r.Campaign, 0, 1, 0)
	}
}

// caughtUp waits until the book has what Kafka had when it was asked.
func (n *naive) caughtUp(ctx context.Context) error {
	admin := kadm.NewClient(n.kafka)
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := admin.FetchOffsets(ctx, group)
		if err != nil {
			return err
		}
		behind := false
		ends.Each(func(end kadm.ListedOffset) {
			at, _ := done.Lookup(topic, end.Partition)
			behind = behind || at.At < end.Offset
		})
		if !behind {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
