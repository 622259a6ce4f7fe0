package history

import (
	"slices"

	"firstcome/engine/fold"
)

// cancelled judges the answer to a cancel. It always appends: a claim that is
// still under way must not grant once the member was told.
func (k *court) cancelled(h *plea) {
	o := h.o
	switch {
	case o.Status == 200:
		k.left(h)
		k.after(h)
	case o.Status == 404:
		if !h.fenced(k) && !h.docket.meets(hidden, h.lo, h.hi) {
			k.no(h, false)
		}
	case o.Status == 409 && o.Code == "cancellation-closed":
		k.no(h, h.m.each(h.lo, h.hi, func(s *spell, _, _ int64) bool { return s.active() }))
	case o.Status == 409 && o.Code == "state-forbids":
		k.no(h, h.docket.meets(archived, h.lo, h.hi) || o.Kind == CancelFor && h.docket.meets(hidden, h.lo, h.hi))
	default:
		k.strange(o)
	}
}

// left judges that a CANCEL of the operation's time has ended the place.
func (k *court) left(h *plea) {
	o, all := h.o, h.appended(k, h.m.cancels)
	for _, at := range all {
		s := &h.m.spells[h.m.spellAt(at)]
		if s.state == fold.Ended && (o.Claim == "" || o.State != "cancelled" || s.claim == claimOf(o.Claim)) {
			return
		}
	}
	if len(all) == 0 {
		k.report(ruleDurable, o.Campaign, "%s was told at %v that the place has ended, and the log has no CANCEL of that time", o.Member, o.Return)
		return
	}
	k.report(ruleOnce, o.Campaign, "%s was told that place %d has ended, and no CANCEL at %v ended it", o.Member, claimOf(o.Claim), all)
}

// after judges what a cancel's answer shows of the place: read a moment later,
// so another claim may have come between.
func (k *court) after(h *plea) {
	switch h.o.State {
	case "", "cancelled":
	case "granted":
		k.place(h)
	case "waitlisted":
		k.waits(h)
	default:
		k.strange(h.o)
	}
}

// fenced reports whether a CANCEL of the operation's time found no place.
func (h *plea) fenced(k *court) bool {
	return slices.ContainsFunc(h.appended(k, h.m.cancels), func(at int64) bool { return h.m.spells[h.m.spellAt(at)].state == fold.Fenced })
}

// looked judges what a member was shown.
func (k *court) looked(h *plea) {
	o := h.o
	ledger := h.docket.meets(archived, h.lo, h.hi) // answers then, as far as it has come
	switch {
	case o.Status == 404:
		k.no(h, h.docket.meets(hidden, h.lo, h.hi))
	case o.Status != 200:
		k.strange(o)
	case o.State == "granted":
		k.place(h)
	case o.State == "waitlisted":
		k.waits(h)
	case o.State == "cancelled":
		k.no(h, ledger || h.some(h.lo, h.hi, anything, fold.Ended))
	case o.State == "none":
		k.no(h, ledger || h.some(h.lo, h.hi, anything, fold.NoPlace, fold.Fenced))
	case o.State == "deciding":
		k.no(h, h.without(h.lo, h.hi))
	case o.State != "":
		k.strange(o)
	}
}

// changed judges the answer to a change of answers.
func (k *court) changed(h *plea) {
	switch o := h.o; {
	case o.Status == 200:
		if len(h.appended(k, h.m.answers)) == 0 {
			k.report(ruleDurable, o.Campaign, "%s was told at %v that the answers have changed, and the log does not have it", o.Member, o.Return)
		}
	case o.Status == 404:
		k.no(h, h.without(h.lo, h.hi) || h.docket.meets(hidden, h.lo, h.hi))
	case o.Status == 409 && o.Code == "state-forbids":
		k.no(h, h.docket.meets(closed, h.lo, h.hi))
	case o.Status != 422:
		k.strange(o)
	}
}

// admin judges what an admin was told: done means that it is so.
func (k *court) admin(o *Op) {
	if o.Status == 0 || k.common(o) || o.Status >= 300 || o.Kind == Edit || o.Kind == Erase || len(k.times) == 0 {
		return
	}
	d := k.docket(o.Campaign)
	if d.course == nil {
		k.report(ruleDurable, o.Campaign, "an admin was told %d, and the log does not know the campaign", o.Status)
		return
	}
	t := k.times[d.partition]
	lo, hi := t.oldest(o.Call-k.stale), t.newest(o.Return)
	for i := range d.course.managed {
		m := &d.course.managed[i]
		last := i+1 == len(d.course.managed) || d.course.managed[i+1].offset > lo
		if m.offset <= hi && last && o.isDone(m) {
			return
		}
	}
	k.report(ruleDurable, o.Campaign, "an admin was told at %v that request %d (cap %d) is done, and at no state from %d to %d it is", o.Return, o.Kind, o.Cap, lo, hi)
}
