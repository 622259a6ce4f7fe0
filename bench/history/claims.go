package history

import (
	"slices"
	"sort"

	"firstcome/engine/fold"
)

// claimed judges the answer to a claim.
func (k *court) claimed(h *plea) {
	switch o := h.o; {
	case o.granted():
		k.place(h)
	case (o.Status == 200 || o.Status == 201) && o.State == "waitlisted":
		k.waits(h)
	case o.Status == 409 && o.Code == "superseded":
		// Its record had not seen the end of a place that came after it arrived.
		if !h.m.each(h.seen+1, h.hi, func(s *spell, _, _ int64) bool {
			return s.from > h.seen && (s.state == fold.Ended || s.state == fold.Fenced)
		}) {
			k.report(ruleEarlyFull, o.Campaign, "%s was told that its claim of %v is an old copy, and nothing was cancelled since", o.Member, o.Call)
		}
	default:
		k.refused(h)
	}
}

// place judges an answer that tells of a grant.
func (k *court) place(h *plea) {
	o := h.o
	i := h.told(o)
	if i == none {
		k.missing(h)
		return
	}
	switch from, until := h.m.spells[i].from, h.until(i); {
	case from > h.hi:
		k.report(ruleDurable, o.Campaign, "%s was told rank %d at %v, before its record %d was in the log", o.Member, o.Rank, o.Return, from)
	case until < h.lo:
		k.report(ruleFlip, o.Campaign, "%s was told rank %d, which had ended at %d, by a state of %d or later", o.Member, o.Rank, until+1, h.lo)
	}
}

// until is the last record after which a spell holds. Of an archived campaign
// the ledger tells a look what it was.
func (h *plea) until(i int) int64 {
	until := int64(never)
	if h.o.Kind != Look {
		until = h.docket.course.gone
	}
	if i+1 < len(h.m.spells) {
		until = min(until, h.m.spells[i+1].from-1)
	}
	return until
}

// missing says what is wrong with a place that the log does not have.
func (k *court) missing(h *plea) {
	o := h.o
	for i := range h.m.spells {
		if s := &h.m.spells[i]; s.active() && (o.State == "granted") == (s.state == fold.Granted) {
			k.report(ruleOnce, o.Campaign, "%s was told %s with rank %d by claim %d, and the log says rank %d by claim %d", o.Member, o.State, o.Rank, claimOf(o.Claim), s.rank, s.claim)
			return
		}
	}
	k.report(ruleDurable, o.Campaign, "%s was told %s with rank %d, and is not in the log", o.Member, o.State, o.Rank)
}

// waits judges an answer that tells of a place in the waiting list.
func (k *court) waits(h *plea) {
	o, claim := h.o, claimOf(h.o.Claim)
	ok := h.m.each(h.lo, h.hi, func(s *spell, a, b int64) bool {
		if s.state != fold.Waiting || o.Claim != "" && s.claim != claim {
			return false
		}
		if o.Position > 0 {
			k.queries = append(k.queries, query{h.docket.course, o, s.ticket, a, b})
		}
		return true
	})
	switch i := h.told(o); {
	case ok:
	case i != none && h.m.spells[i].from > h.hi:
		k.report(ruleDurable, o.Campaign, "%s was told at %v that it waits, before its record %d was in the log", o.Member, o.Return, h.m.spells[i].from)
	case i != none || slices.ContainsFunc(h.m.spells, func(s spell) bool { return s.state == fold.Waiting && o.Claim == "" }):
		k.report(ruleFlip, o.Campaign, "%s was told that it waits, and at no state from %d to %d it does", o.Member, h.lo, h.hi)
	default:
		k.missing(h)
	}
}

// refusals are the answers that say no, and what must have been so.
var refusals = map[string]struct {
	status int
	class  class
	states []fold.PlaceState
}{
	"not-open-yet":      {409, scheduled, inactive},
	"sold-out":          {409, full, inactive},
	"campaign-paused":   {409, paused, inactive},
	"campaign-closed":   {410, closed, inactive},
	"already-cancelled": {409, noReturn, []fold.PlaceState{fold.Ended}},
	"not-found":         {404, hidden, inactive},
	"not-eligible":      {403, anything, inactive},
	"invalid-answers":   {422, anything, inactive},
}

var inactive = []fold.PlaceState{fold.NoPlace, fold.Ended, fold.Fenced}

// refused judges an answer that says no: at one of the states that it may rest
// on it must have been so, and the member without a place.
func (k *court) refused(h *plea) {
	o := h.o
	r, ok := refusals[o.Code]
	if !ok || r.status != o.Status {
		k.strange(o)
		return
	}
	if r.class == full && o.Waitlist {
		r.class = fullList
	}
	k.no(h, h.some(h.lo, h.hi, r.class, r.states...))
}

// no reports a refusal that no state allows.
func (k *court) no(h *plea, allowed bool) {
	o := h.o
	switch {
	case allowed:
	case h.lo > h.hi:
		k.report(ruleRealTime, o.Campaign, "%s was answered at %v by a state of %d or later, which was not there yet", o.Member, o.Return, h.lo)
	case !h.without(h.lo, h.hi):
		k.report(ruleFlip, o.Campaign, "%s was told %d %s%s, and has a place at all states from %d to %d", o.Member, o.Status, o.Code, o.State, h.lo, h.hi)
	default:
		k.report(ruleEarlyFull, o.Campaign, "%s was told %d %s%s, which was so at no state from %d to %d (asked at %v, no-cache %v)",
			o.Member, o.Status, o.Code, o.State, h.lo, h.hi, o.Call, o.Exact)
	}
}

// strange is an answer that no promise allows.
func (k *court) strange(o *Op) {
	k.report(ruleErrors, o.Campaign, "%s got %d %s%s, which is no answer to what was asked", o.Member, o.Status, o.Code, o.State)
}

// appended are those of a member's records, by their offsets, that can be the
// operation's: newer than what was known when it was sent, there when it was
// answered, and if a cancel's answer names one, that.
func (h *plea) appended(k *court, offsets []int64) []int64 {
	first, last := h.exact+1, h.hi
	if h.o.Kind == Cancel && k.names(h.o) {
		first, last = h.o.Log.Offset, min(last, h.o.Log.Offset)
	}
	i := sort.Search(len(offsets), func(i int) bool { return offsets[i] >= first })
	j := sort.Search(len(offsets), func(i int) bool { return offsets[i] > last })
	return offsets[i:max(i, j)]
}
