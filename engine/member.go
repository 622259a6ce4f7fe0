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
			out := e.claimOfRow(r)
			if r.State == "granted" || r.State == "waitlisted" {
				out.Answers = e.bookedAnswers(ctx, p, r)
			}
			return out, nil
		}
	}
	return none, nil
}

// bookedAnswers is what a member answered in an archived campaign; the claim is true
// without it.
func (e *Engine) bookedAnswers(ctx context.Context, p *partition, r PlaceRow) json.RawMessage {
	p.mu.RLock()
	form := p.desks[r.Campaign].info.Load().form
	p.mu.RUnlock()
	if len(form) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, registerBudget)
	defer cancel()
	row, err := e.ports.Register.Place(ctx, r.Campaign, r.ClaimOff)
	if err != nil {
		return nil
	}
	return row.Answers
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
		GrantID: GrantID(p.id, r.ClaimOff), ClaimedAt: r.ClaimedAt, EndedAt: r.EndedAt, Booked: true,
		Offset: p.at(p.next.Load())}
	if r.State == "granted" {
		out.Points = r.Points
	}
	return out
}

// History returns the member's newest claim of every campaign, newest first and
// without answers: from the folds, and for archived campaigns from the ledger. ErrUnavailable
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
	old := false // whether there are archived campaigns
	for _, p := range e.node.parts {
		if err := p.usable(); err != nil && p.halted.Load() == nil {
			return nil, err
		}
		if read.Exact {
			if err := e.ready(ctx, p, read); err != nil {
				return nil, err
			}
		}
		var archived past
		out, archived = p.historyOf(out, user)
		old = old || archived.count > 0
		if !e.waitBooked(ctx, p, archived.by) {
			return nil, errBooking
		}
	}
	if old && e.ports.Register != nil {
		rows, err := e.history(ctx, user)
		if err != nil {
			return nil, err
		}
		out = e.addPast(out, rows)
	}
	slices.SortStableFunc(out, func(a, b Claim) int { return b.ClaimedAt.Compare(a.ClaimedAt) })
	return out, nil
}

// historyOf adds the member's places in the campaigns that are not archived.
func (p *partition) historyOf(out []Claim, user fold.User) ([]Claim, past) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.state == nil {
		return out, past{}
	}
	for c := range p.state.Campaigns() {
		if c.Status == fold.Archived {
			continue
		}
		if place := c.Place(user); place.State != fold.NoPlace && place.State != fold.Fenced {
			out = append(out, p.claimOf(c, p.desks[c.ID].info.Load(), user, place))
		}
	}
	return out, p.past
}

// addPast adds the ledger's rows of archived campaigns. A campaign that was archived
// since its fold was looked at is there already, as new as that look.
func (e *Engine) addPast(out []Claim, rows []PlaceRow) []Claim {
	if len(rows) == 0 {
		return out
	}
	there := make(map[string]bool, len(out))
	for i := range out {
		there[out[i].Campaign] = true
	}
	for _, r := range rows {
		if c, err := e.Campaign(r.Campaign); err == nil && c.Status == fold.Archived && !there[r.Campaign] {
			out = append(out, e.claimOfRow(r))
		}
	}
	return out
}

// Archived names the log and tells, per partition, how many of its campaigns this
// node knows to be archived. It only grows.
func (e *Engine) Archived() (log string, counts []int64) {
	counts = make([]int64, len(e.node.parts))
	for i, p := range e.node.parts {
		p.mu.RLock()
		if p.state != nil {
			log, counts[i] = e.node.topic.ID, p.past.count
		}
		p.mu.RUnlock()
	}
	return log, counts
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
