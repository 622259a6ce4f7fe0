package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/ledger"
)

const (
	moveCursor = `UPDATE cursor SET next = ?3, last_at = ?4, fold_version = ?5, digest = ?6, rows = ?7, cluster = ?8, partitions = ?9
		WHERE partition = ?1 AND next = ?2 AND topic_id = ?10`
	beginCursor = `INSERT INTO cursor (partition, next, last_at, fold_version, digest, rows, cluster, partitions, topic_id)
		VALUES (?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (partition) DO NOTHING`
	putCampaign = `INSERT INTO campaigns (id, partition, definition, title, status, xv, cap, granted, waiting, seq, wseq, ev, freed, created_at, created, digest)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
		ON CONFLICT (id) DO UPDATE SET definition = ?3, title = ?4, status = ?5, xv = ?6, cap = ?7, granted = ?8, waiting = ?9, seq = ?10,
			wseq = ?11, ev = ?12, freed = ?13, digest = ?16`
	changePlace  = `UPDATE places SET state = ?3, rank = ?4, off_end = ?5, off_last = ?6, ended_at = ?7, points = ?8 WHERE campaign = ?1 AND claim_off = ?2`
	readAnswers  = `SELECT answers FROM places WHERE campaign = ?1 AND claim_off = ?2`
	putAnswers   = `UPDATE places SET answers = ?3 WHERE campaign = ?1 AND claim_off = ?2`
	putFence     = `INSERT INTO fences (campaign, user_ref, off_end, off_last) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (campaign, user_ref) DO UPDATE SET off_end = ?3, off_last = ?4`
	putPerson    = `INSERT INTO people (user_ref, subject) VALUES (?1, ?2) ON CONFLICT (user_ref) DO NOTHING`
	insertPlace  = `INSERT INTO places (campaign, claim_off, user_ref, state, rank, wseq, off_end, off_last, at, ended_at, points, answers) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`
	insertEntry  = `INSERT INTO entries (campaign, ev, off, kind, user_ref, rank, wseq, at, actor, reason, xv, points, change, granted, waiting, cap) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)`
	erasePlaces  = `UPDATE places SET user_ref = NULL, answers = NULL, off_end = CASE WHEN state = 2 THEN ?3 ELSE off_end END, ended_at = CASE WHEN state = 2 THEN ?4 ELSE ended_at END, state = CASE WHEN state = 2 THEN 3 ELSE state END WHERE campaign = ?1 AND user_ref = ?2 AND claim_off < ?3`
	eraseEntries = `UPDATE entries SET user_ref = NULL WHERE campaign = ?1 AND user_ref = ?2 AND off < ?3`
	eraseFence   = `DELETE FROM fences WHERE campaign = ?1 AND user_ref = ?2 AND off_last < ?3`
	erasePerson  = `DELETE FROM people WHERE user_ref = ?1 AND NOT EXISTS (SELECT 1 FROM places WHERE user_ref = ?1)`
)

// Append writes a batch and moves the cursor in one transaction.
func (b *Book) Append(ctx context.Context, batch *ledger.Batch) error {
	tx, err := b.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a batch: %w", err)
	}
	w := &work{ctx: ctx, tx: tx, prepared: map[string]*sql.Stmt{}}
	w.batch(batch)
	if w.err != nil {
		_ = tx.Rollback() // nothing of it is kept either way
		return translate(w.err, w.row)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit a batch: %w", translate(err, "commit"))
	}
	return nil
}

// work is one transaction; after its first error it does nothing more.
type work struct {
	ctx      context.Context // of the one Append that it serves
	tx       *sql.Tx
	prepared map[string]*sql.Stmt
	row      string // what is being written, for the error
	err      error
}

// on names the row that comes next.
func (w *work) on(campaign string, offset int64) {
	w.row = fmt.Sprintf("%s, the record at %d", campaign, offset)
}

// do runs a statement and returns how many rows it changed.
func (w *work) do(statement string, args ...any) int64 {
	if w.err != nil {
		return 0
	}
	s := w.prepared[statement]
	if s == nil {
		if s, w.err = w.tx.PrepareContext(w.ctx, statement); w.err != nil {
			return 0
		}
		w.prepared[statement] = s
	}
	r, err := s.ExecContext(w.ctx, args...)
	if err != nil {
		w.err = err
		return 0
	}
	n, err := r.RowsAffected()
	w.err = err
	return n
}

func (w *work) batch(b *ledger.Batch) {
	args := []any{b.Partition, b.From, b.Next, b.LastAt, b.Version, int64(b.Digest), b.Rows, b.Genesis.Cluster[:], b.Genesis.Partitions, b.Topic}
	if w.do(moveCursor, args...) == 0 && w.err == nil && (b.From != 0 || w.do(beginCursor, args...) == 0) && w.err == nil {
		w.err = ledger.ErrBehind
	}
	for _, m := range b.Erased {
		w.do(erasePlaces, m.Campaign, m.User[:], m.Offset, m.At)
		w.do(eraseEntries, m.Campaign, m.User[:], m.Offset)
		w.do(eraseFence, m.Campaign, m.User[:], m.Offset)
		w.do(erasePerson, m.User[:])
	}
	for i := range b.Changed {
		w.change(&b.Changed[i])
	}
	for i := range b.Fences {
		f := &b.Fences[i]
		w.do(putFence, f.Campaign, f.User[:], f.Place.End, f.Place.Last)
	}
	for i := range b.People {
		w.do(putPerson, b.People[i].User[:], b.People[i].Subject)
	}
	for i := range b.Campaigns {
		w.campaign(b.Partition, &b.Campaigns[i])
	}
	for i := range b.Placed {
		p, f := &b.Placed[i], &b.Placed[i].Place
		w.on(p.Campaign, f.Claim)
		w.do(insertPlace, p.Campaign, f.Claim, p.Link(), f.State, f.Rank, f.Ticket, f.End, f.Last, f.At, f.EndedAt, p.Points, text(p.Patch))
	}
	for i := range b.Entries {
		e := &b.Entries[i]
		granted, waiting, limit := e.Totals()
		w.on(e.Campaign, e.Offset)
		w.do(insertEntry, e.Campaign, e.Ev, e.Offset, e.Change, ledger.Null(e.User), e.Rank, e.Ticket, e.At, e.Actor, e.Reason, e.Xv, e.Points, text(e.Diff), granted, waiting, limit)
	}
}

// change brings an existing row to its final state, and merges the answers.
func (w *work) change(p *ledger.Place) {
	w.on(p.Campaign, p.Place.Claim)
	n := w.do(changePlace, p.Campaign, p.Place.Claim, p.Place.State, p.Place.Rank, p.Place.End, p.Place.Last, p.Place.EndedAt, p.Points)
	if w.err == nil && n != 1 {
		w.err = &ledger.RuleError{Rule: "places", Detail: fmt.Sprintf("the place of %s at %d, which the fold changes, is not there", p.Campaign, p.Place.Claim)}
	}
	if p.Patch == nil || w.err != nil {
		return
	}
	var before sql.NullString
	if w.err = w.tx.QueryRowContext(w.ctx, readAnswers, p.Campaign, p.Place.Claim).Scan(&before); w.err != nil {
		return
	}
	after := engine.ApplyPatch(json.RawMessage(before.String), p.Patch)
	w.do(putAnswers, p.Campaign, p.Place.Claim, text(after))
}

func (w *work) campaign(partition int32, c *fold.Campaign) {
	def, err := fold.EncodeDefinition(&c.Definition)
	if err != nil {
		w.err = fmt.Errorf("encode the definition of %s: %w", c.ID, err)
		return
	}
	limit := sql.NullInt64{Int64: c.Definition.Cap, Valid: c.Definition.Cap != fold.NoCap}
	w.do(putCampaign, c.ID, partition, def, c.Definition.Title, c.Status, c.Xv, limit, c.Granted, c.Waiting, c.Seq, c.Wseq, c.Ev, c.Freed, c.CreatedAt, c.Created, int64(c.Digest()))
}

func text(b []byte) sql.NullString { return sql.NullString{String: string(b), Valid: b != nil} }
