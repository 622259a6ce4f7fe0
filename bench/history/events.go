package history

import (
	"math"
	"time"

	"firstcome/engine/fold"
)

// places adds what one member did: each place, its end, and each answer.
func (l *lines) places(p *party) {
	ended := time.Duration(math.MinInt64) // the place before was not ended before
	var began time.Duration
	for i := range p.m.spells {
		s := &p.m.spells[i]
		switch before := p.before(i); {
		case s.state == fold.Granted && s.from == s.claim:
			began = l.first(p, ended, Claim)
			l.change(s.from, grant, s.rank, began, l.heard(p, s.claim))
		case s.state == fold.Waiting:
			began = l.first(p, ended, Claim)
			l.change(s.from, wait, s.ticket, began, l.heard(p, s.claim))
		case s.state == fold.Ended && before.active():
			kind := Cancel
			if s.admin {
				kind = CancelFor
			}
			ended = l.first(p, began, kind)
			do, n := endGrant, before.rank
			if before.state == fold.Waiting {
				do, n = endWait, before.ticket
			}
			l.change(s.from, do, n, ended, l.confirmed(p, s))
		}
	}
	for _, i := range l.idx[p.from:p.to] {
		l.answer(p, &l.Ops[i])
	}
}

// before is the spell before another, nothing when it is the first.
func (p *party) before(i int) *spell {
	if i == 0 {
		return &nothing
	}
	return &p.m.spells[i-1]
}

// first is the earliest request of a kind that was not over before a time. An
// admin whose deeds are not in the history may have asked at any time since.
func (l *lines) first(p *party, after time.Duration, kind Kind) time.Duration {
	for _, i := range l.idx[p.from:p.to] {
		if o := &l.Ops[i]; o.Kind == kind && o.until() >= after {
			return o.Call
		}
	}
	return after
}

// heard is when the first answer told of a place.
func (l *lines) heard(p *party, claim int64) time.Duration {
	first := time.Duration(math.MaxInt64)
	for _, i := range l.idx[p.from:p.to] {
		if t := p.told(&l.Ops[i]); t != none && p.m.spells[t].claim == claim {
			first = min(first, l.Ops[i].Return)
		}
	}
	return first
}

// confirmed is when the answer to the cancel that ended a place came.
func (l *lines) confirmed(p *party, s *spell) time.Duration {
	for _, i := range l.idx[p.from:p.to] {
		if o := &l.Ops[i]; o.Kind == Cancel && o.Status == 200 && l.names(o) && o.Log.Offset == s.from {
			return o.Return
		}
	}
	return math.MaxInt64
}

// answer adds what an answer demands of the state that it rests on.
func (l *lines) answer(p *party, o *Op) {
	from := o.Call - l.stale
	if o.Exact {
		from = o.Call
	}
	if t := p.told(o); t != none {
		if s := &p.m.spells[t]; s.state == fold.Granted {
			l.demand(event{do: ranked, n: s.rank}, from, o.Return)
		} else {
			l.demand(event{do: ticketed, n: s.ticket}, from, o.Return)
		}
		return
	}
	r := refusals[o.Code]
	if o.Kind != Claim || r.status != o.Status || o.Status == 0 {
		return
	}
	switch r.class {
	case full:
		if o.Waitlist {
			r.class = fullList
		}
	case scheduled, paused, closed:
	default:
		return
	}
	l.demand(event{do: refuse, class: r.class}, from, o.Return)
}

func (l *lines) demand(e event, from, to time.Duration) {
	e.course = l.docket.course
	l.add(&e, from, to)
}
