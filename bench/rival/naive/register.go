//go:build badengine

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"firstcome/api"
	"firstcome/engine"
)

const readPlaces = `SELECT campaign, off, member, state, rank, ticket, ver, answers,
		CASE WHEN state = 'waitlisted' THEN (SELECT count(*) FROM naive_places w
			WHERE w.campaign = p.campaign AND w.state = 'waitlisted' AND w.ticket <= p.ticket) ELSE 0 END
	FROM naive_places p `

func scanPlace(row pgx.CollectableRow) (r engine.PlaceRow, err error) {
	var ver int64
	err = row.Scan(&r.Campaign, &r.ClaimOff, &r.Member, &r.State, &r.Rank, &r.Ticket, &ver, &r.Answers, &r.Position)
	r.ClaimedAt, r.Booked = time.UnixMicro(r.ClaimOff), true
	if r.State == "cancelled" {
		r.EndedAt = time.UnixMicro(ver)
	}
	return r, err
}

func (n *naive) read(ctx context.Context, where string, args ...any) ([]engine.PlaceRow, error) {
	rows, err := n.db.Query(ctx, readPlaces+where, args...)
	if err == nil {
		var all []engine.PlaceRow
		if all, err = pgx.CollectRows(rows, scanPlace); err == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("%w: postgres: %w", engine.ErrUnavailable, err)
}

// Places returns a page of what is booked.
func (n *naive) Places(ctx context.Context, q engine.PlaceQuery) ([]engine.PlaceRow, error) {
	return n.read(ctx, `WHERE campaign = $1 AND off > $2 AND ($3 = '' OR state = $3) AND ($4 = '' OR position(lower($4) IN lower(member)) > 0)
		ORDER BY off LIMIT $5`, q.Campaign, q.After, q.State, q.Search, q.Limit)
}

// History returns what is booked of a member: the newest place of each campaign.
func (n *naive) History(ctx context.Context, m engine.Member, _ engine.Read) ([]engine.Claim, error) {
	rows, err := n.read(ctx, `WHERE member = $1 AND off = (SELECT max(off) FROM naive_places q WHERE q.member = $1 AND q.campaign = p.campaign)
		ORDER BY off DESC LIMIT 1000`, m.Subject)
	var all []engine.Claim
	for _, r := range rows {
		c, _ := n.Campaign(r.Campaign)
		p := place{Off: r.ClaimOff, State: r.State, Rank: r.Rank, Ticket: r.Ticket, Ver: r.EndedAt.UnixMicro()}
		claim := claimOf(&c, ruling{position: r.Position, place: p})
		claim.Booked, claim.Answers = true, r.Answers
		all = append(all, claim)
	}
	return all, err
}

// Deeds: there is no audit trail.
func (n *naive) Deeds(context.Context, string, int64, int) ([]engine.AuditRow, error) {
	return nil, nil
}

// booked is a campaign in Postgres; the variant conflict believes its counters.
func (n *naive) booked(ctx context.Context, campaign string) (t engine.Totals, err error) {
	query := `SELECT count(*) FILTER (WHERE state = 'granted'), count(*) FILTER (WHERE state = 'waitlisted'), coalesce(max(rank), 0)
		FROM naive_places WHERE campaign = $1`
	if n.variant == "conflict" {
		query = `SELECT granted, waiting, seq FROM naive_counters WHERE campaign = $1`
	}
	err = n.db.QueryRow(ctx, query, campaign).Scan(&t.Granted, &t.Waiting, &t.Seq)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return t, err
}

// Books holds Redis and Postgres against each other: there is no third book.
func (n *naive) Books(ctx context.Context, campaign string) (b engine.Books, err error) {
	if _, err := n.Campaign(campaign); err != nil {
		return b, err
	}
	at := keys(campaign)
	counts, err := n.redis.HMGet(ctx, at[0], "n", "seq").Result()
	if err == nil {
		b.Log.Granted, b.Log.Seq = number(counts[0]), number(counts[1])
		b.Log.Waiting, err = n.redis.ZCard(ctx, at[2]).Result()
	}
	b.GateReached = err == nil
	b.Gate.Known, b.Gate.Count = err == nil, b.Log.Granted+b.Log.Waiting
	ledger, err := n.booked(ctx, campaign)
	if err != nil {
		return b, fmt.Errorf("%w: postgres: %w", engine.ErrUnavailable, err)
	}
	b.Ledger, b.LedgerKnown = ledger, true
	if b.GateReached && b.Log != ledger {
		b.Differences = append(b.Differences, fmt.Sprintf("redis has %+v and postgres %+v", b.Log, ledger))
	}
	return b, nil
}

// Audit holds all books against each other.
func (n *naive) Audit(ctx context.Context) (r api.AuditReport, err error) {
	for _, c := range n.Campaigns() {
		b, err := n.Books(ctx, c.ID)
		if err != nil {
			return r, err
		}
		r.Campaigns++
		r.Places += b.Ledger.Granted + b.Ledger.Waiting
		for _, d := range b.Differences {
			r.Violations = append(r.Violations, api.Violation{Rule: "books", Campaign: c.ID, Detail: d})
		}
	}
	return r, nil
}

// Health: the node is ready once it has read what campaigns there are.
func (n *naive) Health() engine.Health {
	h := engine.Health{Node: "naive-" + n.variant, Ready: n.loaded.Load(), Roles: engine.Roles{"api", "ledger", "scheduler"}}
	if !h.Ready {
		h.Reason = "the campaigns are still being read"
	}
	return h
}

// Folds: nothing is folded.
func (n *naive) Folds() (next []int64, digests []uint64) { return nil, nil }
