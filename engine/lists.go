package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"firstcome/engine/fold"
)

const (
	bookedEvery = 50 * time.Millisecond // how often the ledger is asked how far it has come
	bookedWait  = time.Second           // how long a list waits for the ledger to catch up
)

// waitBooked waits a little until the ledger has what is before an offset, and
// reports whether it has.
func (e *Engine) waitBooked(ctx context.Context, p *partition, until int64) bool {
	if e.ports.Booked == nil || e.node.booked[p.id].Load() >= until {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, bookedWait)
	defer cancel()
	tick := time.NewTicker(bookedEvery / 5)
	defer tick.Stop()
	for e.node.booked[p.id].Load() < until {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// Places returns a page of a campaign's list: what is booked, brought up to
// what this node's fold knows, and behind it what is decided and not booked
// yet. A booked place that changed its state since and does not fit the query
// any more is left out. ErrNotFound, ErrUnavailable.
func (e *Engine) Places(ctx context.Context, q PlaceQuery) ([]PlaceRow, error) {
	if _, err := e.Campaign(q.Campaign); err != nil {
		return nil, err
	}
	if e.ports.Register == nil {
		return nil, ErrUnavailable
	}
	p := e.node.partition(q.Campaign)
	if q.After < 0 {
		e.waitBooked(ctx, p, p.next.Load()) // then the list needs no second source
	}
	rows, err := e.ports.Register.Places(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("%w: the list of %s: %w", ErrUnavailable, q.Campaign, err)
	}
	full := len(rows) >= q.Limit
	last := q.After
	if len(rows) > 0 {
		last = rows[len(rows)-1].ClaimOff
	}
	rows = p.refresh(rows, q)
	if !full {
		rows = append(rows, p.unbookedPlaces(q, last, q.Limit-len(rows))...)
	}
	return rows, nil
}

// refresh brings booked rows up to the fold.
func (p *partition) refresh(rows []PlaceRow, q PlaceQuery) []PlaceRow {
	p.mu.RLock()
	defer p.mu.RUnlock()
	c := p.state.Campaign(q.Campaign)
	booked := p.node.booked[p.id].Load()
	kept := rows[:0]
	for _, r := range rows {
		if place := c.Place(r.User); place.Claim == r.ClaimOff && place.Last >= booked && place.State != fold.NoPlace {
			r.State, r.Rank, r.EndedAt, r.Booked = stateOf(place.State), place.Rank, msTime(place.EndedAt), false
		}
		if r.State == "waitlisted" {
			r.Position = c.Position(r.User)
		}
		if q.State == "" || q.State == r.State {
			kept = append(kept, r)
		}
	}
	return kept
}

// unbookedPlaces are the places behind the last booked one, in the order of
// their claims, as far as their sealed rows are kept here.
func (p *partition) unbookedPlaces(q PlaceQuery, after int64, most int) []PlaceRow {
	type found struct {
		row   PlaceRow
		place fold.Place
	}
	var list []found
	p.mu.RLock()
	c := p.state.Campaign(q.Campaign)
	points := p.desks[q.Campaign].info.Load().def.Points
	for _, r := range p.unbooked.order {
		if r.campaign != q.Campaign || r.offset != r.claim || r.claim <= after {
			continue
		}
		place := c.Place(r.user)
		if place.Claim != r.claim || q.State != "" && q.State != stateOf(place.State) {
			continue
		}
		list = append(list, found{PlaceRow{Campaign: q.Campaign, User: r.user, State: stateOf(place.State), Rank: place.Rank, Ticket: place.Ticket,
			Position: c.Position(r.user), ClaimOff: place.Claim, ClaimedAt: msTime(place.At), EndedAt: msTime(place.EndedAt)}, place})
	}
	p.mu.RUnlock()
	var rows []PlaceRow
	for _, f := range list {
		if len(rows) >= most {
			break
		}
		f.row.Member, f.row.Answers, _ = p.openUnbooked(q.Campaign, f.row.ClaimOff)
		if f.place.State == fold.Granted {
			f.row.Points = points
		}
		if q.Search == "" || strings.Contains(strings.ToLower(f.row.Member), strings.ToLower(q.Search)) {
			rows = append(rows, f.row)
		}
	}
	return rows
}

// Deeds returns the audit trail of a campaign after an event number, oldest
// first, once the ledger has come as far as this node (1 s at most).
func (e *Engine) Deeds(ctx context.Context, id string, after int64, limit int) ([]AuditRow, error) {
	if _, err := e.Campaign(id); err != nil {
		return nil, err
	}
	if e.ports.Register == nil {
		return nil, ErrUnavailable
	}
	p := e.node.partition(id)
	e.waitBooked(ctx, p, p.next.Load())
	rows, err := e.ports.Register.Deeds(ctx, id, after, limit)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("%w: the audit trail of %s: %w", ErrUnavailable, id, err)
	}
	return rows, nil
}
