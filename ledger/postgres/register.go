package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/ledger"
)

const (
	fromPlaces    = ` FROM places p LEFT JOIN people n ON n.user_ref = p.user_ref `
	selectPlaces  = `SELECT ` + ledger.PlaceColumns + fromPlaces + `WHERE p.campaign = $1 AND p.claim_off > $2 ORDER BY p.claim_off LIMIT $3`
	selectByState = `SELECT ` + ledger.PlaceColumns + fromPlaces + `WHERE p.campaign = $1 AND p.claim_off > $2 AND p.state = $4 ORDER BY p.claim_off LIMIT $3`
	searchPlaces  = `SELECT ` + ledger.PlaceColumns + fromPlaces + `WHERE p.campaign = $1 AND p.claim_off > $2 AND ($4 = 0 OR p.state = $4) AND n.subject ILIKE $5 ORDER BY p.claim_off LIMIT $3`
	selectPlace   = `SELECT ` + ledger.PlaceColumns + fromPlaces + `WHERE p.campaign = $1 AND p.claim_off = $2`
	selectHistory = `SELECT ` + ledger.PlaceColumns + fromPlaces + `WHERE p.user_ref = $1
		AND NOT EXISTS (SELECT FROM places q WHERE q.user_ref = $1 AND q.campaign = p.campaign AND q.claim_off > p.claim_off) ORDER BY p.at DESC, p.campaign LIMIT $2`
	selectDeeds      = `SELECT ` + ledger.DeedColumns + ` FROM entries WHERE campaign = $1 AND ev > $2 AND ` + ledger.DeedKinds + ` ORDER BY ev LIMIT $3`
	selectMilestones = `SELECT ` + ledger.MilestoneColumns + ` FROM campaigns c JOIN entries e ON e.campaign = c.id WHERE c.partition = $1 AND ` + ledger.MilestoneKinds + ` ORDER BY e.campaign, e.ev`
	selectArchived   = `SELECT ` + ledger.ArchivedColumns + ` FROM campaigns c JOIN entries e ON e.campaign = c.id WHERE c.partition = $1 AND e.off > $2 AND ` + ledger.ArchivedWhere + ` ORDER BY e.off`
	countWaiting     = `SELECT (SELECT count(*) FROM places w WHERE w.campaign = u.campaign AND w.state = 2 AND w.wseq > u.low AND w.wseq <= u.high)
		FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS u (campaign, low, high, n) ORDER BY u.n`
	selectTotals = `SELECT c.granted, c.waiting, c.seq, c.digest, coalesce(k.next, 0),
			(SELECT count(*) FROM places WHERE campaign = c.id AND state = 1), (SELECT count(*) FROM places WHERE campaign = c.id AND state = 2)
		FROM campaigns c LEFT JOIN cursor k ON k.partition = c.partition WHERE c.id = $1`
)

// Places returns a page of a campaign's list, in the order of the claims.
func (b *Book) Places(ctx context.Context, q engine.PlaceQuery) ([]engine.PlaceRow, error) {
	state := int16(ledger.StateOf(q.State))
	var rows pgx.Rows
	var err error
	switch {
	case q.Search != "":
		rows, err = b.read.Query(ctx, searchPlaces, q.Campaign, q.After, q.Limit, state, ledger.LikePattern(q.Search))
	case q.State != "":
		rows, err = b.read.Query(ctx, selectByState, q.Campaign, q.After, q.Limit, state)
	default:
		rows, err = b.read.Query(ctx, selectPlaces, q.Campaign, q.After, q.Limit)
	}
	out, err := places(rows, err)
	if err != nil {
		return nil, err
	}
	return out, position(ctx, b.read, out)
}

// position fills in the live places in the waiting list.
func position(ctx context.Context, pool *pgxpool.Pool, out []engine.PlaceRow) error {
	gaps := ledger.Gaps(out)
	if len(gaps) == 0 {
		return nil
	}
	campaigns, lows, highs := make([]string, len(gaps)), make([]int64, len(gaps)), make([]int64, len(gaps))
	for i, g := range gaps {
		campaigns[i], lows[i], highs[i] = g.Campaign, g.Low, g.High
	}
	rows, err := pool.Query(ctx, countWaiting, campaigns, lows, highs)
	if err != nil {
		return fmt.Errorf("count the waiting list: %w", err)
	}
	counts, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return fmt.Errorf("count the waiting list: %w", err)
	}
	ledger.Position(out, gaps, counts)
	return nil
}

// Place returns one place by the offset of its claim.
func (b *Book) Place(ctx context.Context, campaign string, claim int64) (engine.PlaceRow, error) {
	rows, err := b.members.Query(ctx, selectPlace, campaign, claim)
	out, err := places(rows, err)
	if err != nil {
		return engine.PlaceRow{}, err
	}
	if len(out) == 0 {
		return engine.PlaceRow{}, engine.ErrNoPlace
	}
	return out[0], position(ctx, b.members, out)
}

// History returns a member's newest place in each campaign, newest first.
func (b *Book) History(ctx context.Context, user fold.User, limit int) ([]engine.PlaceRow, error) {
	rows, err := b.members.Query(ctx, selectHistory, user[:], limit)
	out, err := places(rows, err)
	if err != nil {
		return nil, err
	}
	return out, position(ctx, b.members, out)
}

func places(rows pgx.Rows, err error) ([]engine.PlaceRow, error) {
	if err != nil {
		return nil, fmt.Errorf("read places: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.PlaceRow, error) { return ledger.ScanPlace(row.Scan) })
}

// Deeds returns a campaign's audit trail after an event number.
func (b *Book) Deeds(ctx context.Context, campaign string, after int64, limit int) ([]engine.AuditRow, error) {
	rows, err := b.read.Query(ctx, selectDeeds, campaign, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the audit trail of %s: %w", campaign, err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.AuditRow, error) { return ledger.ScanDeed(row.Scan) })
}

// Milestones returns what happened to the campaigns of a partition themselves.
func (b *Book) Milestones(ctx context.Context, partition int32) ([]engine.Change, error) {
	rows, err := b.read.Query(ctx, selectMilestones, partition)
	if err != nil {
		return nil, fmt.Errorf("read the milestones of partition %d: %w", partition, err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.Change, error) { return ledger.ScanMilestone(row.Scan) })
}

// Archived returns the campaigns of a partition that were archived behind an offset,
// in that order.
func (b *Book) Archived(ctx context.Context, partition int32, after int64) ([]engine.ArchivedCampaign, error) {
	rows, err := b.members.Query(ctx, selectArchived, partition, after)
	if err != nil {
		return nil, fmt.Errorf("read the archived campaigns of partition %d: %w", partition, err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.ArchivedCampaign, error) { return ledger.ScanArchived(row.Scan) })
}

// Totals returns the campaign's state as far as the book has come. It counts
// the places anew: a header that says otherwise is an error.
func (b *Book) Totals(ctx context.Context, campaign string) (engine.Totals, error) {
	var t engine.Totals
	var digest, granted, waiting int64
	err := b.read.QueryRow(ctx, selectTotals, campaign).Scan(&t.Granted, &t.Waiting, &t.Seq, &digest, &t.Offset, &granted, &waiting)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, engine.ErrNotFound
	}
	if err != nil {
		return t, fmt.Errorf("read the totals of %s: %w", campaign, err)
	}
	t.Digest = uint64(digest)
	return t, ledger.CheckCount(campaign, t, granted, waiting)
}
