package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/ledger"
)

const (
	fromPlaces    = ` FROM places p LEFT JOIN people n ON n.user_ref = p.user_ref `
	selectPlaces  = `SELECT ` + ledger.PlaceColumns + fromPlaces + `WHERE p.campaign = ?1 AND p.claim_off > ?2 ORDER BY p.claim_off LIMIT ?3`
	selectByState = `SELECT ` + ledger.PlaceColumns + fromPlaces + `WHERE p.campaign = ?1 AND p.claim_off > ?2 AND p.state = ?4 ORDER BY p.claim_off LIMIT ?3`
	searchPlaces  = `SELECT ` + ledger.PlaceColumns + fromPlaces + `WHERE p.campaign = ?1 AND p.claim_off > ?2 AND (?4 = 0 OR p.state = ?4) AND n.subject LIKE ?5 ESCAPE '\' ORDER BY p.claim_off LIMIT ?3`
	selectPlace   = `SELECT ` + ledger.PlaceColumns + fromPlaces + `WHERE p.campaign = ?1 AND p.claim_off = ?2`
	selectHistory = `SELECT ` + ledger.PlaceColumns + fromPlaces + `WHERE p.user_ref = ?1
		AND NOT EXISTS (SELECT 1 FROM places q WHERE q.user_ref = ?1 AND q.campaign = p.campaign AND q.claim_off > p.claim_off) ORDER BY p.at DESC, p.campaign LIMIT ?2`
	selectDeeds      = `SELECT ` + ledger.DeedColumns + ` FROM entries WHERE campaign = ?1 AND ev > ?2 AND ` + ledger.DeedKinds + ` ORDER BY ev LIMIT ?3`
	selectMilestones = `SELECT ` + ledger.MilestoneColumns + ` FROM campaigns c JOIN entries e ON e.campaign = c.id WHERE c.partition = ?1 AND ` + ledger.MilestoneKinds + ` ORDER BY e.campaign, e.ev`
	selectArchived   = `SELECT ` + ledger.ArchivedColumns + ` FROM campaigns c JOIN entries e ON e.campaign = c.id WHERE c.partition = ?1 AND e.off > ?2 AND ` + ledger.ArchivedWhere + ` ORDER BY e.off`
	countWaiting     = `SELECT count(*) FROM places WHERE campaign = ?1 AND state = 2 AND wseq > ?2 AND wseq <= ?3`
	selectTotals     = `SELECT c.granted, c.waiting, c.seq, c.digest, coalesce(k.next, 0),
			(SELECT count(*) FROM places WHERE campaign = c.id AND state = 1), (SELECT count(*) FROM places WHERE campaign = c.id AND state = 2)
		FROM campaigns c LEFT JOIN cursor k ON k.partition = c.partition WHERE c.id = ?1`
)

// Places returns a page of a campaign's list, in the order of the claims.
func (b *Book) Places(ctx context.Context, q engine.PlaceQuery) ([]engine.PlaceRow, error) {
	query, args := selectPlaces, []any{q.Campaign, q.After, q.Limit}
	switch state := ledger.StateOf(q.State); {
	case q.Search != "":
		query, args = searchPlaces, append(args, state, ledger.LikePattern(q.Search))
	case q.State != "":
		query, args = selectByState, append(args, state)
	}
	out, err := places(ctx, b.read, query, args...)
	if err != nil {
		return nil, err
	}
	return out, position(ctx, b.read, out)
}

// Place returns one place by the offset of its claim.
func (b *Book) Place(ctx context.Context, campaign string, claim int64) (engine.PlaceRow, error) {
	out, err := places(ctx, b.members, selectPlace, campaign, claim)
	if err != nil {
		return engine.PlaceRow{}, err
	}
	if len(out) == 0 {
		return engine.PlaceRow{}, engine.ErrNoPlace
	}
	err = position(ctx, b.members, out)
	return out[0], err
}

// History returns a member's newest place in each campaign, newest first.
func (b *Book) History(ctx context.Context, user fold.User, limit int) ([]engine.PlaceRow, error) {
	out, err := places(ctx, b.members, selectHistory, user[:], limit)
	if err != nil {
		return nil, err
	}
	return out, position(ctx, b.members, out)
}

func places(ctx context.Context, db *sql.DB, query string, args ...any) ([]engine.PlaceRow, error) {
	var out []engine.PlaceRow
	err := each(ctx, db, query, args, func(scan func(...any) error) error {
		r, err := ledger.ScanPlace(scan)
		out = append(out, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read places: %w", err)
	}
	return out, nil
}

// position fills in the live places in the waiting list.
func position(ctx context.Context, db *sql.DB, out []engine.PlaceRow) error {
	gaps := ledger.Gaps(out)
	counts := make([]int64, len(gaps))
	for i, g := range gaps {
		if err := db.QueryRowContext(ctx, countWaiting, g.Campaign, g.Low, g.High).Scan(&counts[i]); err != nil {
			return fmt.Errorf("count the waiting list of %s: %w", g.Campaign, err)
		}
	}
	ledger.Position(out, gaps, counts)
	return nil
}

// Deeds returns a campaign's audit trail after an event number.
func (b *Book) Deeds(ctx context.Context, campaign string, after int64, limit int) ([]engine.AuditRow, error) {
	var out []engine.AuditRow
	err := each(ctx, b.read, selectDeeds, []any{campaign, after, limit}, func(scan func(...any) error) error {
		r, err := ledger.ScanDeed(scan)
		out = append(out, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit trail of %s: %w", campaign, err)
	}
	return out, nil
}

// Milestones returns what happened to the campaigns of a partition themselves.
func (b *Book) Milestones(ctx context.Context, partition int32) ([]engine.Change, error) {
	var out []engine.Change
	err := each(ctx, b.read, selectMilestones, []any{partition}, func(scan func(...any) error) error {
		c, err := ledger.ScanMilestone(scan)
		out = append(out, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the milestones of partition %d: %w", partition, err)
	}
	return out, nil
}

// Archived returns the campaigns of a partition that were archived behind an offset,
// in that order.
func (b *Book) Archived(ctx context.Context, partition int32, after int64) ([]engine.ArchivedCampaign, error) {
	var out []engine.ArchivedCampaign
	err := each(ctx, b.members, selectArchived, []any{partition, after}, func(scan func(...any) error) error {
		c, err := ledger.ScanArchived(scan)
		out = append(out, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the archived campaigns of partition %d: %w", partition, err)
	}
	return out, nil
}

// Totals returns the campaign's state as far as the book has come. It counts
// the places anew: a header that says otherwise is an error.
func (b *Book) Totals(ctx context.Context, campaign string) (engine.Totals, error) {
	var t engine.Totals
	var digest, granted, waiting int64
	err := b.read.QueryRowContext(ctx, selectTotals, campaign).Scan(&t.Granted, &t.Waiting, &t.Seq, &digest, &t.Offset, &granted, &waiting)
	if errors.Is(err, sql.ErrNoRows) {
		return t, engine.ErrNotFound
	}
	if err != nil {
		return t, fmt.Errorf("read the totals of %s: %w", campaign, err)
	}
	t.Digest = uint64(digest)
	return t, ledger.CheckCount(campaign, t, granted, waiting)
}
