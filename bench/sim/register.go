package sim

import (
	"cmp"
	"context"
	"slices"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/ledger"
)

// The book as engine.Register: what the ledger answers to those who read it.

func (s *shelf) row(k placeKey, p *ledger.Place) engine.PlaceRow {
	return engine.PlaceRow{Campaign: k.campaign, ClaimOff: k.claim, User: p.User, State: ledger.StateName(p.Place.State), Rank: p.Place.Rank,
		Ticket: p.Place.Ticket, ClaimedAt: ledger.Time(p.Place.At), EndedAt: ledger.Time(p.Place.EndedAt), Booked: true, Points: p.Points, Answers: p.Patch}
}

func (b *book) Place(ctx context.Context, campaign string, claim int64) (row engine.PlaceRow, err error) {
	lost := b.ask(ctx, func() {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		k := placeKey{campaign, claim}
		p, there := b.s.places[k]
		if !there {
			err = engine.ErrNoPlace
			return
		}
		row = b.s.row(k, &p)
	})
	if lost != nil {
		return row, lost
	}
	return row, err
}

func (b *book) History(ctx context.Context, user fold.User, limit int) (rows []engine.PlaceRow, err error) {
	err = b.ask(ctx, func() {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		newest := map[string]placeKey{}
		for k, p := range b.s.places {
			if p.User == user && !p.Erased && newest[k.campaign].claim <= k.claim {
				newest[k.campaign] = k
			}
		}
		for _, k := range newest {
			p := b.s.places[k]
			rows = append(rows, b.s.row(k, &p))
		}
	})
	slices.SortFunc(rows, func(x, y engine.PlaceRow) int {
		return cmp.Or(y.ClaimedAt.Compare(x.ClaimedAt), cmp.Compare(x.Campaign, y.Campaign))
	})
	return rows[:min(len(rows), limit)], err
}

func (b *book) Places(ctx context.Context, q engine.PlaceQuery) (rows []engine.PlaceRow, err error) {
	err = b.ask(ctx, func() {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		for k, p := range b.s.places {
			if k.campaign == q.Campaign && k.claim > q.After {
				rows = append(rows, b.s.row(k, &p))
			}
		}
	})
	slices.SortFunc(rows, func(x, y engine.PlaceRow) int { return cmp.Compare(x.ClaimOff, y.ClaimOff) })
	return rows[:min(len(rows), q.Limit)], err
}

func (b *book) Deeds(ctx context.Context, _ string, _ int64, _ int) ([]engine.AuditRow, error) {
	return nil, b.ask(ctx, func() {})
}

func (b *book) Totals(ctx context.Context, campaign string) (t engine.Totals, err error) {
	lost := b.ask(ctx, func() {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		h, there := b.s.campaigns[campaign]
		if !there {
			err = engine.ErrNotFound
			return
		}
		t = engine.Totals{Granted: h.campaign.Granted, Waiting: h.campaign.Waiting}
	})
	if lost != nil {
		return t, lost
	}
	return t, err
}
