package fold_test

import (
	"fmt"

	"firstcome/engine/fold"
)

// audit holds the promises of a partition against every step, without knowing
// the rules that keep them. What it remembers comes from steps alone.
type audit struct {
	campaigns map[string]*ledger
	rows      int64
}

// ledger is what the steps said of one campaign.
type ledger struct {
	ev, ranks, tickets int64
	granted            int64
	points, booked     int64
	places             map[fold.User]fold.Place
	refused            map[fold.User][]refusal
	cancelled          map[fold.User]int64 // newest offset of a cancel or fence, erased or not
}

// refusal is a final "no" to a member.
type refusal struct {
	offset int64
	wait   bool
}

func newAudit() *audit { return &audit{campaigns: map[string]*ledger{}} }

// look checks one step against everything before it.
func (a *audit) look(s *fold.State, st *fold.Step) error {
	r := &st.Record
	c := s.Campaign(r.Campaign)
	a.rows += int64(len(st.Transitions))
	if a.rows != s.Rows() {
		return fmt.Errorf("%d rows, the steps had %d", s.Rows(), a.rows)
	}
	if c == nil {
		return nil
	}
	l := a.campaigns[c.ID]
	if l == nil {
		l = &ledger{places: map[fold.User]fold.Place{}, refused: map[fold.User][]refusal{}, cancelled: map[fold.User]int64{}}
		a.campaigns[c.ID] = l
	}
	before := l.granted
	if err := l.ghost(st); err != nil {
		return err
	}
	for i := range st.Transitions {
		if err := l.book(c, &st.Transitions[i]); err != nil {
			return err
		}
	}
	return l.promises(c, before)
}

// ghost: nobody who was told "no", or who cancelled, gets a place by a claim
// that was under way at that time (I15 of the faults paper).
func (l *ledger) ghost(st *fold.Step) error {
	r := &st.Record
	switch st.Verdict {
	case fold.ClaimNotOpen, fold.ClaimPaused, fold.ClaimClosed, fold.ClaimEndedBefore, fold.ClaimFull:
		l.refused[r.User] = append(l.refused[r.User], refusal{st.Offset, r.Wait})
	case fold.ClaimGranted, fold.ClaimWaiting:
		if end, ok := l.cancelled[r.User]; ok && r.Seen <= end {
			return fmt.Errorf("ghost: a claim that saw %d undoes the cancel at %d", r.Seen, end)
		}
		for _, no := range l.refused[r.User] {
			same := no.wait || !r.Wait || st.Verdict == fold.ClaimGranted
			if same && r.Seen <= no.offset {
				return fmt.Errorf("ghost: a claim that saw %d is accepted after the refusal at %d", r.Seen, no.offset)
			}
		}
	}
	return nil
}

// book keeps one line: numbers are dense, places follow from one another.
func (l *ledger) book(c *fold.Campaign, t *fold.Transition) error {
	if l.ev++; t.Ev != l.ev {
		return fmt.Errorf("event %d, want %d", t.Ev, l.ev)
	}
	if t.Before != l.places[t.User] {
		return fmt.Errorf("event %d: before is %+v, was %+v", t.Ev, t.Before, l.places[t.User])
	}
	if t.Before.Active() && t.Place.Active() && t.Before.Claim != t.Place.Claim {
		return fmt.Errorf("event %d: a second place for one member", t.Ev)
	}
	l.points += t.Points
	switch t.Change {
	case fold.GrantedNow, fold.Promoted:
		l.granted++
		if l.ranks++; t.Place.Rank != l.ranks {
			return fmt.Errorf("event %d: rank %d, want %d", t.Ev, t.Place.Rank, l.ranks)
		}
		l.booked += c.Definition.Points
	case fold.Waitlisted:
		if l.tickets++; t.Place.Ticket != l.tickets {
			return fmt.Errorf("event %d: ticket %d, want %d", t.Ev, t.Place.Ticket, l.tickets)
		}
	case fold.EndedNow:
		if t.Before.State == fold.Granted {
			l.granted--
			l.booked -= c.Definition.Points
		}
		l.cancelled[t.User] = t.Offset
	case fold.FencedNow:
		l.cancelled[t.User] = t.Offset
	case fold.ArchivedNow:
		clear(l.places)
	}
	if l.places[t.User] = t.Place; t.Place.State == fold.NoPlace {
		delete(l.places, t.User)
	}
	return nil
}

// promises holds what is true of a campaign after every record.
func (l *ledger) promises(c *fold.Campaign, before int64) error {
	d, waiting := &c.Definition, int64(0)
	for u, p := range l.places {
		if p.State == fold.Waiting {
			waiting++
		}
		if c.Place(u) != p {
			return fmt.Errorf("a place is %+v, the book says %+v", c.Place(u), p)
		}
	}
	linked := 0
	for range c.Members() {
		linked++
	}
	hard := !d.Soft && d.Cap != fold.NoCap
	moves := c.Status == fold.Open || c.Status == fold.Closed && !d.EndPromotion
	switch {
	case linked != len(l.places):
		return fmt.Errorf("%d members, the book has %d", linked, len(l.places))
	case l.granted != c.Granted || c.Status != fold.Archived && waiting != c.Waiting:
		return fmt.Errorf("granted %d waiting %d, the book says %d and %d", c.Granted, c.Waiting, l.granted, waiting)
	case l.ranks != c.Seq || l.tickets != c.Wseq || l.ev != c.Ev:
		return fmt.Errorf("seq %d wseq %d ev %d, the book says %d, %d and %d", c.Seq, c.Wseq, c.Ev, l.ranks, l.tickets, l.ev)
	case hard && c.Granted > max(d.Cap, before):
		return fmt.Errorf("granted %d over the cap %d", c.Granted, d.Cap)
	case moves && c.Waiting > 0 && !(hard && c.Granted >= d.Cap):
		return fmt.Errorf("not settled: %d granted, cap %d, %d wait", c.Granted, d.Cap, c.Waiting)
	case l.points != l.booked:
		return fmt.Errorf("%d points, the grants make %d", l.points, l.booked)
	}
	return nil
}
