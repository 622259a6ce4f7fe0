package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"firstcome/engine/fold"
)

// registerBudget is how long a read of the ledger may take beside an answer
// that the fold gives anyway.
const registerBudget = 300 * time.Millisecond

// Read says how new a state a read wants.
type Read struct {
	After LogOffset // includes this record
	Exact bool      // not older than the call
}

// Mine returns the member's claim; State is "none" when there never was one.
// ErrNotFound when the campaign does not exist or is a draft.
func (e *Engine) Mine(ctx context.Context, campaign string, m Member, read Read) (Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.ClaimDeadline)
	defer cancel()
	p, user := e.node.partition(campaign), e.sealer.User(m.Subject)
	if err := e.ready(ctx, p, read); err != nil {
		return Claim{}, err
	}
	out, err := p.claim(campaign, user)
	if errors.Is(err, ErrNotFound) && !read.Exact { // made on another node a moment ago, perhaps
		if err := e.ready(ctx, p, Read{Exact: true}); err != nil {
			return Claim{}, err
		}
		out, err = p.claim(campaign, user)
	}
	if err != nil {
		return out, err
	}
	place, d := p.placeOf(campaign, user)
	c, err := e.Campaign(campaign)
	if err != nil {
		return out, err
	}
	switch {
	case c.Status == fold.Archived:
		return e.bookedClaim(ctx, p, campaign, user, out)
	case (out.State == "none" || out.State == "cancelled") && p.flights.has(campaign, user):
		out.State = "deciding"
	case len(d.info.Load().form) > 0 && place.Active():
		out.Answers, _ = e.answersOf(ctx, p, campaign, place) // the claim is true without them
	}
	return out, nil
}

// answersOf is what the member answered so far: what is booked, and the
// changes that are not. Nil when there are none.
func (e *Engine) answersOf(ctx context.Context, p *partition, campaign string, place fold.Place) (json.RawMessage, error) {
	_, fresh, whole := p.openUnbooked(campaign, place.Claim)
	if whole {
		return fresh, nil
	}
	if e.ports.Register == nil {
		return fresh, nil
	}
	ctx, cancel := context.WithTimeout(ctx, registerBudget)
	defer cancel()
	row, err := e.ports.Register.Place(ctx, campaign, place.Claim)
	switch {
	case errors.Is(err, ErrNoPlace):
		return fresh, nil
	case err != nil:
		return nil, fmt.Errorf("%w: the answers so far: %w", ErrUnavailable, err)
	}
	return ApplyPatch(row.Answers, fresh), nil
}

// bookedClaim is a member's claim of an archived campaign: the fold has let
// the members go, the ledger has them, once it has come to the archiving.
func (e *Engine) bookedClaim(ctx context.Context, p *partition, campaign string, user fold.User, none Claim) (Claim, error) {
	if !e.waitBooked(ctx, p, p.archivedBy(campaign)) {
		return Claim{}, errBooking
	}
	rows, err := e.history(ctx, user)
	if err != nil {
		return Claim{}, err
	}
	for _, r := range rows {
		if r.Campaign == campaign {
			return e.claimOfRow(r), nil
		}
	}
	return none, nil
}

// errBooking: what the ledger has of a member is older than what the member
// may have been told.
var errBooking = fmt.Errorf("%w: the ledger has not come to the campaign's archiving yet", ErrUnavailable)

// archivedBy is the offset after the record that archived the campaign; 0 when
// this node learned of it from the ledger.
func (p *partition) archivedBy(campaign string) int64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if d := p.desks[campaign]; d != nil {
		return d.archived.Load()
	}
	return 0
}

// maxHistory bounds how many archived campaigns a member's history shows.
const maxHistory = 1000

func (e *Engine) history(ctx context.Context, user fold.User) ([]PlaceRow, error) {
	if e.ports.Register == nil {
		return nil, ErrUnavailable
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	rows, err := e.ports.Register.History(ctx, user, maxHistory)
	if err != nil {
		return nil, fmt.Errorf("%w: a member's history: %w", ErrUnavailable, err)
	}
	return rows, nil
}

func (e *Engine) claimOfRow(r PlaceRow) Claim {
	p := e.node.partition(r.Campaign)
	out := Claim{Campaign: r.Campaign, State: r.State, Rank: r.Rank, Position: r.Position, Ticket: r.Ticket,
		GrantID: GrantID(p.id, r.ClaimOff), ClaimedAt: r.ClaimedAt, EndedAt: r.EndedAt, Booked: true, Answers: r.Answers,
		Offset: p.at(p.next.Load())}
	if r.State == "granted" {
		out.Points = r.Points
	}
	return out
}

// History returns the member's newest claim of every campaign, newest first:
// from the folds, and for archived campaigns from the ledger. ErrUnavailable
// when there are archived ones and the ledger does not answer.
func (e *Engine) History(ctx context.Context, m Member, read Read) ([]Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.ClaimDeadline)
	defer cancel()
	user := e.sealer.User(m.Subject)
	if read.After.Known && int(read.After.Partition) < len(e.node.parts) && read.After.Partition >= 0 {
		if err := e.ready(ctx, e.node.parts[read.After.Partition], Read{After: read.After}); err != nil {
			return nil, err
		}
	}
	var out []Claim
	archived := map[string]int64{} // and the offset after the archiving
	for _, p := range e.node.parts {
		if err := p.usable(); err != nil && p.halted.Load() == nil {
			return nil, err
		}
		if read.Exact {
			if err := e.ready(ctx, p, read); err != nil {
				return nil, err
			}
		}
		out = p.historyOf(out, user, archived)
	}
	for id, by := range archived {
		if !e.waitBooked(ctx, e.node.partition(id), by) {
			return nil, errBooking
		}
	}
	if len(archived) > 0 && e.ports.Register != nil {
		rows, err := e.history(ctx, user)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if _, ok := archived[r.Campaign]; ok {
				out = append(out, e.claimOfRow(r))
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Claim) int { return b.ClaimedAt.Compare(a.ClaimedAt) })
	return out, nil
}

func (p *partition) historyOf(out []Claim, user fold.User, archived map[string]int64) []Claim {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.state == nil {
		return out
	}
	for c := range p.state.Campaigns() {
		if c.Status == fold.Archived {
			archived[c.ID] = p.desks[c.ID].archived.Load()
			continue
		}
		if place := c.Place(user); place.State != fold.NoPlace && place.State != fold.Fenced {
			out = append(out, p.claimOf(c, p.desks[c.ID].info.Load(), user, place))
		}
	}
	return out
}

func sortNewest(all []Campaign) {
	slices.SortStableFunc(all, func(a, b Campaign) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
}
