//go:build badengine

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-redsync/redsync/v4"

	"firstcome/engine"
	"firstcome/engine/fold"
)

const (
	deadline  = 3 * time.Second // then a claim is answered with 202
	early     = 500 * time.Millisecond
	lockFor   = 2 * time.Second
	lookEvery = 10 * time.Millisecond
)

var refusals = map[string]engine.Decision{
	"full-none": {Outcome: engine.SoldOut, List: engine.NoList},
	"full-open": {Outcome: engine.SoldOut, List: engine.ListOpen},
	"full-full": {Outcome: engine.SoldOut, List: engine.ListFull},
	"scheduled": {Outcome: engine.Early},
	"paused":    {Outcome: engine.Paused},
	"closed":    {Outcome: engine.Late},
	"archived":  {Outcome: engine.Late},
	"refused":   {Outcome: engine.Refused},
}

var grants = map[string]engine.Outcome{"granted": engine.Granted, "waitlisted": engine.Waitlisted, "repeated": engine.Repeated}

// Claim locks the member, asks the script, and answers.
func (n *naive) Claim(parent context.Context, call engine.ClaimCall) (engine.Decision, error) {
	ctx, cancel := context.WithTimeout(parent, deadline)
	defer cancel()
	d, err := n.claim(ctx, &call)
	if parent.Err() == nil && (ctx.Err() != nil || errors.Is(err, engine.ErrUndecided)) {
		return engine.Decision{Outcome: engine.Deciding, RetryAfter: time.Second}, nil
	}
	return d, err
}

func (n *naive) claim(ctx context.Context, call *engine.ClaimCall) (engine.Decision, error) {
	c, err := n.opened(ctx, call.Campaign)
	if err != nil {
		return engine.Decision{}, err
	}
	lock := n.locks.NewMutex("naive:lock:{"+c.ID+"}:"+call.Member.Subject, redsync.WithExpiry(lockFor))
	if err := lock.LockContext(ctx); err != nil {
		return engine.Decision{}, fmt.Errorf("%w: lock: %w", engine.ErrUnavailable, err)
	}
	defer lock.UnlockContext(context.WithoutCancel(ctx)) // else it expires
	var answers []byte
	if call.Answers != nil {
		if answers, err = json.Marshal(call.Answers); err != nil {
			return engine.Decision{}, err
		}
	}
	wait := ""
	if call.Waitlist {
		wait = "wait"
	}
	r, err := n.rule(ctx, "claim", c.ID, call.Member.Subject, answers, wait)
	if err != nil {
		return engine.Decision{}, err
	}
	if outcome, ok := grants[r.what]; ok {
		return engine.Decision{Outcome: outcome, Claim: claimOf(&c, r)}, nil
	}
	d := refusals[r.what]
	d.OpensAt = c.OpensAt
	return d, nil
}

// opened returns the campaign as this node remembers it, after having waited
// for it to open when that is near.
func (n *naive) opened(ctx context.Context, id string) (engine.Campaign, error) {
	for {
		c, err := n.public(id)
		if err != nil || c.Status != fold.Scheduled || c.OpensAt.IsZero() || time.Until(c.OpensAt) > early {
			return c, err
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return c, ctx.Err()
		}
	}
}

// public is Campaign for members, who see no drafts.
func (n *naive) public(id string) (engine.Campaign, error) {
	c, err := n.Campaign(id)
	if err == nil && c.Status == fold.Draft {
		err = engine.ErrNotFound
	}
	return c, err
}

func claimOf(c *engine.Campaign, r ruling) engine.Claim {
	p := &r.place
	if p.State == "" {
		return engine.Claim{Campaign: c.ID, State: "none"}
	}
	out := engine.Claim{Campaign: c.ID, State: p.State, Rank: p.Rank, Ticket: p.Ticket, Position: r.position,
		GrantID: engine.GrantID(0, p.Off), ClaimedAt: time.UnixMicro(p.Off)}
	switch p.State {
	case "granted":
		out.Points = c.Points
	case "cancelled":
		out.EndedAt = time.UnixMicro(p.Ver)
	}
	return out
}

// Mine asks Redis.
func (n *naive) Mine(ctx context.Context, campaign string, m engine.Member, _ engine.Read) (engine.Claim, error) {
	c, err := n.public(campaign)
	if err != nil {
		return engine.Claim{}, err
	}
	r, err := n.rule(ctx, "look", campaign, m.Subject, nil)
	return claimOf(&c, r), err
}

// Cancel ends the place in Redis, which promotes who waits.
func (n *naive) Cancel(ctx context.Context, campaign string, m engine.Member, _ engine.Read) (engine.Claim, error) {
	c, err := n.public(campaign)
	switch {
	case err != nil:
		return engine.Claim{}, err
	case !c.CancellableUntil.IsZero() && time.Now().After(c.CancellableUntil):
		return engine.Claim{}, engine.ErrCancellationClosed
	}
	return n.cancel(ctx, &c, m.Subject)
}

func (n *naive) cancel(ctx context.Context, c *engine.Campaign, subject string) (engine.Claim, error) {
	if c.Status == fold.Archived {
		return engine.Claim{}, engine.ErrState
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	r, err := n.rule(ctx, "cancel", c.ID, subject, nil)
	if err == nil && r.what == "none" {
		err = engine.ErrNoPlace
	}
	return claimOf(c, r), err
}

// Answer changes what is booked.
func (n *naive) Answer(ctx context.Context, campaign string, m engine.Member, answers map[string]json.RawMessage, read engine.Read) (engine.Claim, error) {
	patch, err := json.Marshal(answers)
	if err != nil {
		return engine.Claim{}, err
	}
	tag, err := n.db.Exec(ctx, `UPDATE naive_places SET answers = coalesce(answers, '{}') || $3::jsonb
		WHERE campaign = $1 AND member = $2 AND state <> 'cancelled'`, campaign, m.Subject, patch)
	switch {
	case err != nil:
		return engine.Claim{}, fmt.Errorf("%w: postgres: %w", engine.ErrUnavailable, err)
	case tag.RowsAffected() == 0:
		return engine.Claim{}, engine.ErrNoPlace
	}
	return n.Mine(ctx, campaign, m, read)
}
