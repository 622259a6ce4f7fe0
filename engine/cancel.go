package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"firstcome/engine/fold"
)

// cancelTries bounds how often a cancel looks again because the member's place
// changed in between; then it is undecided and may be sent again.
const cancelTries = 8

// Cancel ends the member's place and returns the ended claim; the same on a
// repeat. ErrNoPlace, ErrCancellationClosed, ErrNotFound, ErrState (archived),
// ErrUndecided. It always appends: a claim that is still under way somewhere
// must not grant after the member was told that it has ended.
func (e *Engine) Cancel(ctx context.Context, campaign string, m Member, read Read) (Claim, error) {
	return e.cancel(ctx, campaign, m.Subject, read, fold.Record{}, false)
}

// CancelFor ends a member's place in the admin's name, cancellable or not.
func (e *Engine) CancelFor(ctx context.Context, id, subject string, by Actor, dryRun bool) (Claim, error) {
	if err := by.validate(!dryRun); err != nil {
		return Claim{}, err
	}
	return e.cancel(ctx, id, subject, Read{Exact: true}, fold.Record{Actor: by.Subject, Reason: by.Reason}, dryRun)
}

func (e *Engine) cancel(ctx context.Context, campaign, subject string, read Read, proto fold.Record, dryRun bool) (Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.ClaimDeadline)
	defer cancel()
	p, user := e.node.partition(campaign), e.sealer.User(subject)
	if err := e.ready(ctx, p, read); err != nil {
		return Claim{}, err
	}
	for range cancelTries {
		before, err := p.cancellable(campaign, user, proto.Actor != "", e.Now())
		if err != nil {
			return Claim{}, err
		}
		if dryRun {
			return p.claim(campaign, user)
		}
		r := proto
		r.Kind, r.Campaign, r.User = fold.KindCancel, campaign, user
		if before.Active() {
			r.Claim = before.Claim
		}
		got, err := p.submit(ctx, &r)
		if err != nil {
			return Claim{}, err
		}
		if got.verdict == fold.Refused || got.verdict == fold.Invalid {
			return Claim{}, ErrState
		}
		if got.verdict != fold.Done || got.place.Active() {
			continue // the place is another one by now
		}
		if got.place.State == fold.Fenced {
			return Claim{}, ErrNoPlace
		}
		out, err := p.claimAs(campaign, user, got.place) // as this record left it: the member may be erased by now
		if err != nil {
			return out, err
		}
		out.Offset = LogOffset{Partition: p.id, Offset: got.offset, Known: true}
		return out, nil
	}
	return Claim{}, ErrUndecided
}

// ready waits until the fold is as new as a read asks, as an error to answer.
func (e *Engine) ready(ctx context.Context, p *partition, read Read) error {
	if err := p.usable(); err != nil {
		return err
	}
	err := p.sync(ctx, read)
	if errors.Is(err, context.DeadlineExceeded) {
		return ErrUnavailable
	}
	return err
}

// cancellable returns the member's place if the campaign's state allows to end it.
func (p *partition) cancellable(campaign string, user fold.User, admin bool, now time.Time) (fold.Place, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	c := p.state.Campaign(campaign)
	if c == nil || c.Status == fold.Draft && !admin {
		return fold.Place{}, ErrNotFound
	}
	place := c.Place(user)
	until := msTime(c.Definition.CancellableUntil)
	switch {
	case c.Status == fold.Archived || c.Status == fold.Draft:
		return place, ErrState
	case place.Active() && !admin && !until.IsZero() && now.After(until):
		return place, ErrCancellationClosed
	}
	return place, nil
}

// claim is the member's claim as the fold has it.
func (p *partition) claim(campaign string, user fold.User) (Claim, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.state == nil {
		return Claim{}, ErrUnavailable
	}
	c := p.state.Campaign(campaign)
	if c == nil || c.Status == fold.Draft {
		return Claim{}, ErrNotFound
	}
	return p.claimOf(c, p.desks[campaign].info.Load(), user, c.Place(user)), nil
}

// claimAs is the member's claim with the place that some record left.
func (p *partition) claimAs(campaign string, user fold.User, place fold.Place) (Claim, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	c := p.state.Campaign(campaign)
	if c == nil {
		return Claim{}, ErrNotFound
	}
	return p.claimOf(c, p.desks[campaign].info.Load(), user, place), nil
}

// Answer merges answers into those of the member's active place. InvalidError,
// ErrNoPlace, ErrState when closed, ErrUnavailable when the answers so far
// cannot be read.
func (e *Engine) Answer(ctx context.Context, campaign string, m Member, answers map[string]json.RawMessage, read Read) (Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.ClaimDeadline)
	defer cancel()
	p, user := e.node.partition(campaign), e.sealer.User(m.Subject)
	if err := e.ready(ctx, p, read); err != nil {
		return Claim{}, err
	}
	now, err := p.claim(campaign, user)
	if err != nil {
		return now, err
	}
	if now.State != "granted" && now.State != "waitlisted" {
		return now, ErrNoPlace
	}
	if c, err := e.Campaign(campaign); err != nil || c.Status == fold.Closed || c.Status == fold.Archived {
		return now, errors.Join(err, ErrState)
	}
	place, d := p.placeOf(campaign, user)
	so, err := e.answersOf(ctx, p, campaign, place)
	if err != nil {
		return now, err
	}
	plain := make(map[string]json.RawMessage, len(answers))
	for id, value := range answers {
		plain[id] = plainJSON(value)
	}
	patch, err := encode(plain)
	if err != nil {
		return now, err
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(ApplyPatch(so, patch), &all); err != nil {
		return now, err
	}
	merged, err := checkAnswers(d.info.Load().form, all)
	if err != nil {
		return now, err
	}
	sealed, err := e.sealer.Seal(campaign, d.info.Load().key, user, Sealed{Answers: patch})
	if err != nil {
		return now, err
	}
	got, err := p.submit(ctx, &fold.Record{Kind: fold.KindAnswers, Campaign: campaign, User: user, Claim: place.Claim, Sealed: sealed})
	switch {
	case err != nil:
		return now, err
	case got.verdict == fold.Refused:
		return now, ErrState
	case got.verdict != fold.Done:
		return now, ErrNoPlace
	}
	out, err := p.claim(campaign, user)
	out.Answers = merged
	return out, err
}

func (p *partition) placeOf(campaign string, user fold.User) (fold.Place, *desk) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	c := p.state.Campaign(campaign)
	if c == nil {
		return fold.Place{}, nil
	}
	return c.Place(user), p.desks[campaign]
}
