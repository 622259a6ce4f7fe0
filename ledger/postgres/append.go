package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/ledger"
)

const (
	moveCursor = `UPDATE cursor SET next = $3, last_at = $4, fold_version = $5, digest = $6, rows = $7, cluster = $8, partitions = $9
		WHERE partition = $1 AND next = $2 AND topic_id = $10`
	beginCursor = `INSERT INTO cursor (partition, next, last_at, fold_version, digest, rows, cluster, partitions, topic_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (partition) DO NOTHING`
	// A definition changes with xv only; else its old bytes stay where they are, which spares the disk 16 KiB a batch.
	putCampaign = `INSERT INTO campaigns (id, partition, definition, title, status, xv, cap, granted, waiting, seq, wseq, ev, freed, created_at, created, digest)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (id) DO UPDATE SET definition = CASE WHEN campaigns.xv = $6 THEN campaigns.definition ELSE $3 END, title = $4, status = $5, xv = $6, cap = $7, granted = $8, waiting = $9, seq = $10,
			wseq = $11, ev = $12, freed = $13, digest = $16`
	changePlaces = `UPDATE places p SET state = u.state, rank = u.rank, off_end = u.off_end, off_last = u.off_last, ended_at = u.ended_at,
			points = u.points, answers = CASE WHEN u.answers IS NULL THEN p.answers ELSE u.answers::json END
		FROM unnest($1::text[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[])
			AS u (campaign, claim_off, state, rank, off_end, off_last, ended_at, points, answers)
		WHERE p.campaign = u.campaign AND p.claim_off = u.claim_off`
	readAnswers = `SELECT p.answers FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS u (campaign, claim_off, n)
		LEFT JOIN places p ON p.campaign = u.campaign AND p.claim_off = u.claim_off ORDER BY u.n`
	putFences = `INSERT INTO fences (campaign, user_ref, off_end, off_last) SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::bigint[])
		ON CONFLICT (campaign, user_ref) DO UPDATE SET off_end = excluded.off_end, off_last = excluded.off_last`
	// A person is known from the first claim on; a later one says the same. In one
	// order for all, since two partitions may meet the same people at once.
	putPeople = `INSERT INTO people (user_ref, subject) SELECT * FROM unnest($1::bytea[], $2::text[]) AS u (user_ref, subject) ORDER BY user_ref ON CONFLICT (user_ref) DO NOTHING`

	// A waiting place of an erased member leaves the list, a grant stays counted.
	erasePlaces = `UPDATE places SET user_ref = NULL, answers = NULL, state = CASE WHEN state = 2 THEN 3 ELSE state END,
			off_end = CASE WHEN state = 2 THEN $3 ELSE off_end END, ended_at = CASE WHEN state = 2 THEN $4 ELSE ended_at END
		WHERE campaign = $1 AND user_ref = $2 AND claim_off < $3`
	eraseEntries = `UPDATE entries SET user_ref = NULL WHERE campaign = $1 AND user_ref = $2 AND off < $3`
	eraseFence   = `DELETE FROM fences WHERE campaign = $1 AND user_ref = $2 AND off_last < $3`
	erasePerson  = `DELETE FROM people WHERE user_ref = $1 AND NOT EXISTS (SELECT FROM places WHERE user_ref = $1)`

	// Another partition may link a person while this one finds no link and deletes
	// it. Who adds people shares the lock, who erases holds it alone; 0x66636c is "fcl".
	sharePeople = `SELECT pg_advisory_xact_lock_shared(6710124, 1)`
	holdPeople  = `SELECT pg_advisory_xact_lock(6710124, 1)`
)

// Append writes a batch and moves the cursor in one transaction.
func (b *Book) Append(ctx context.Context, batch *ledger.Batch) error {
	err := pgx.BeginFunc(ctx, b.write, func(tx pgx.Tx) error { return write(ctx, tx, batch) })
	return translate(err)
}

func write(ctx context.Context, tx pgx.Tx, b *ledger.Batch) error {
	if err := move(ctx, tx, b); err != nil {
		return err
	}
	if len(b.Entries) == 0 && len(b.Erased) == 0 {
		return nil
	}
	answers, err := merged(ctx, tx, b.Changed)
	if err != nil {
		return err
	}
	first := &pgx.Batch{}
	switch {
	case len(b.Erased) > 0:
		first.Queue(holdPeople)
	case len(b.People) > 0:
		first.Queue(sharePeople)
	}
	for _, m := range b.Erased {
		first.Queue(erasePlaces, m.Campaign, m.User[:], m.Offset, m.At)
		first.Queue(eraseEntries, m.Campaign, m.User[:], m.Offset)
		first.Queue(eraseFence, m.Campaign, m.User[:], m.Offset)
		first.Queue(erasePerson, m.User[:])
	}
	queueChanged(first, b.Changed, answers)
	queueFences(first, b.Fences)
	queuePeople(first, b.People)
	for i := range b.Campaigns {
		if err := queueCampaign(first, b.Partition, &b.Campaigns[i]); err != nil {
			return err
		}
	}
	if err := tx.SendBatch(ctx, first).Close(); err != nil {
		return fmt.Errorf("write states: %w", err)
	}
	if err := copyPlaces(ctx, tx, b.Placed); err != nil {
		return err
	}
	return copyEntries(ctx, tx, b.Entries)
}

// move is the fence: who does not find the cursor where it was writes nothing.
func move(ctx context.Context, tx pgx.Tx, b *ledger.Batch) error {
	tag, err := tx.Exec(ctx, moveCursor, b.Partition, b.From, b.Next, b.LastAt, int16(b.Version), int64(b.Digest), b.Rows, b.Genesis.Cluster[:], b.Genesis.Partitions, b.Topic)
	if err == nil && tag.RowsAffected() == 0 && b.From == 0 {
		tag, err = tx.Exec(ctx, beginCursor, b.Partition, b.Next, b.LastAt, int16(b.Version), int64(b.Digest), b.Rows, b.Genesis.Cluster[:], b.Genesis.Partitions, b.Topic)
	}
	if err != nil {
		return fmt.Errorf("move the cursor of partition %d: %w", b.Partition, err)
	}
	if tag.RowsAffected() == 0 {
		return ledger.ErrBehind
	}
	return nil
}

func queueCampaign(q *pgx.Batch, partition int32, c *fold.Campaign) error {
	def, err := fold.EncodeDefinition(&c.Definition)
	if err != nil {
		return fmt.Errorf("encode the definition of %s: %w", c.ID, err)
	}
	var limit *int64
	if c.Definition.Cap != fold.NoCap {
		limit = &c.Definition.Cap
	}
	q.Queue(putCampaign, c.ID, partition, def, c.Definition.Title, int16(c.Status), c.Xv, limit, c.Granted, c.Waiting, c.Seq, c.Wseq, c.Ev, c.Freed, c.CreatedAt, c.Created, int64(c.Digest()))
	return nil
}

// merged applies the patches of answers to what the book has; nil where there
// is none. Nobody else changes these rows: the cursor's row is locked.
func merged(ctx context.Context, tx pgx.Tx, places []ledger.Place) ([]*string, error) {
	out := make([]*string, len(places))
	var campaigns []string
	var claims []int64
	var at []int
	for i := range places {
		if p := &places[i]; p.Patch != nil {
			campaigns, claims, at = append(campaigns, p.Campaign), append(claims, p.Place.Claim), append(at, i)
		}
	}
	if len(at) == 0 {
		return out, nil
	}
	rows, err := tx.Query(ctx, readAnswers, campaigns, claims)
	if err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	before, err := pgx.CollectRows(rows, pgx.RowTo[*string])
	if err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	for j, i := range at {
		var old json.RawMessage
		if before[j] != nil {
			old = json.RawMessage(*before[j])
		}
		out[i] = text(engine.ApplyPatch(old, places[i].Patch))
	}
	return out, nil
}

func queueChanged(q *pgx.Batch, places []ledger.Place, answers []*string) {
	if len(places) == 0 {
		return
	}
	n := len(places)
	campaigns, claims, states := make([]string, n), make([]int64, n), make([]int16, n)
	ranks, ends, lasts, ended, points := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, p := range places {
		campaigns[i], claims[i], states[i] = p.Campaign, p.Place.Claim, int16(p.Place.State)
		ranks[i], ends[i], lasts[i], ended[i], points[i] = p.Place.Rank, p.Place.End, p.Place.Last, p.Place.EndedAt, p.Points
	}
	q.Queue(changePlaces, campaigns, claims, states, ranks, ends, lasts, ended, points, answers).Exec(func(tag pgconn.CommandTag) error {
		if missing := int64(n) - tag.RowsAffected(); missing != 0 {
			return &ledger.RuleError{Rule: "places", Detail: fmt.Sprintf("%d of %d rows that the fold changes are not there", missing, n)}
		}
		return nil
	})
}

func queueFences(q *pgx.Batch, fences []ledger.Fence) {
	if len(fences) == 0 {
		return
	}
	n := len(fences)
	campaigns, users, ends, lasts := make([]string, n), make([][]byte, n), make([]int64, n), make([]int64, n)
	for i := range fences {
		f := &fences[i]
		campaigns[i], users[i], ends[i], lasts[i] = f.Campaign, f.User[:], f.Place.End, f.Place.Last
	}
	q.Queue(putFences, campaigns, users, ends, lasts)
}

func queuePeople(q *pgx.Batch, people []ledger.Person) {
	if len(people) == 0 {
		return
	}
	users, subjects := make([][]byte, len(people)), make([]string, len(people))
	for i := range people {
		users[i], subjects[i] = people[i].User[:], people[i].Subject
	}
	q.Queue(putPeople, users, subjects)
}

func copyPlaces(ctx context.Context, tx pgx.Tx, places []ledger.Place) error {
	if len(places) == 0 {
		return nil
	}
	columns := []string{"campaign", "claim_off", "user_ref", "state", "rank", "wseq", "off_end", "off_last", "at", "ended_at", "points", "answers"}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"places"}, columns, pgx.CopyFromSlice(len(places), func(i int) ([]any, error) {
		p, f := &places[i], &places[i].Place
		return []any{p.Campaign, f.Claim, p.Link(), int16(f.State), f.Rank, f.Ticket, f.End, f.Last, f.At, f.EndedAt, p.Points, text(p.Patch)}, nil
	}))
	if err != nil {
		return fmt.Errorf("write places: %w", err)
	}
	return nil
}

func copyEntries(ctx context.Context, tx pgx.Tx, entries []ledger.Entry) error {
	columns := []string{"campaign", "ev", "off", "kind", "user_ref", "rank", "wseq", "at", "actor", "reason", "xv", "points", "change", "granted", "waiting", "cap"}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"entries"}, columns, pgx.CopyFromSlice(len(entries), func(i int) ([]any, error) {
		e := &entries[i]
		granted, waiting, limit := e.Totals()
		return []any{e.Campaign, e.Ev, e.Offset, int16(e.Change), ledger.Null(e.User), e.Rank, e.Ticket, e.At, e.Actor, e.Reason, e.Xv, e.Points, text(e.Diff), granted, waiting, limit}, nil
	}))
	if err != nil {
		return fmt.Errorf("write entries: %w", err)
	}
	return nil
}

func text(b []byte) *string {
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}
