package history

import (
	"cmp"
	"slices"

	"firstcome/engine/fold"
)

// hear holds every answer against the states that it may rest on: none older
// than the promise, none that was not there yet.
func (k *court) hear() {
	for i := range k.parties {
		k.member(&k.parties[i])
	}
	for i := range k.Ops {
		if k.of[i] == none || k.Ops[i].Kind == Erase {
			k.admin(&k.Ops[i])
		}
	}
}

// member hears one member. Requests are taken by call, and answers beside them
// by return: what a node told a member it does not take back.
func (k *court) member(p *party) {
	ops := k.idx[p.from:p.to]
	answered := slices.Clone(ops)
	slices.SortFunc(answered, func(a, b int32) int { return cmp.Compare(k.Ops[a].Return, k.Ops[b].Return) })
	told := map[int]int64{} // by node, the newest record that an answer proved
	for _, i := range ops {
		o := &k.Ops[i]
		for len(answered) > 0 && k.Ops[answered[0]].Return < o.Call {
			y := answered[0]
			answered = answered[1:]
			if k.rests[y] != none {
				told[k.Ops[y].Node] = max(told[k.Ops[y].Node], k.rests[y])
			}
		}
		own, ok := told[o.Node]
		if !ok {
			own = none
		}
		k.answer(p, i, o, own)
	}
}

// plea is one answer with the states that it may rest on: from the one after
// record lo to the one after record hi.
type plea struct {
	*party
	o      *Op
	lo, hi int64
	seen   int64 // what its claim has seen at least when it arrived
	exact  int64 // the newest record that was known when it was sent
}

func (k *court) answer(p *party, i int32, o *Op, own int64) {
	if o.Status == 0 || k.common(o) {
		return
	}
	h := &plea{party: p, o: o, lo: own, hi: none, seen: own, exact: none}
	if o.After.Known && o.After.Partition == p.docket.partition {
		h.seen = max(h.seen, o.After.Offset)
	}
	if len(k.times) > 0 {
		t := k.times[p.docket.partition]
		h.hi, h.exact, h.lo = t.newest(o.Return), t.oldest(o.Call), t.oldest(o.Call-k.stale)
	}
	if o.Exact {
		h.lo, h.seen = h.exact, max(h.seen, h.exact)
	}
	h.lo = max(h.lo, h.seen)
	if k.names(o) && k.rests[i] != none {
		h.lo = max(h.lo, o.Log.Offset)
	}
	switch o.Kind {
	case Claim:
		k.claimed(h)
	case Cancel, CancelFor:
		k.cancelled(h)
	case Look:
		k.looked(h)
	case Answer:
		k.changed(h)
	}
}

// common judges what is the same for every request; true when there is nothing
// more to say.
func (k *court) common(o *Op) bool {
	switch {
	case o.Status == 429:
		return true
	case o.Status == 202, o.Status == 503 && o.RetryAfter:
		if !k.away(o) {
			k.report(ruleErrors, o.Campaign, "%s got %d %s at %v, and the log was there", o.Member, o.Status, o.Code, o.Return)
		}
		return true
	case o.Status >= 500 || o.Status == 401 || o.Status < 200:
		k.report(ruleErrors, o.Campaign, "%s got %d %s at %v", o.Member, o.Status, o.Code, o.Return)
		return true
	}
	return false
}

func (k *court) away(o *Op) bool {
	return slices.ContainsFunc(k.Away, func(w Window) bool { return o.Call <= w.To && o.Return >= w.From })
}

// some reports whether the member had one of these, at a state from a to b at
// which the campaign was so.
func (h *plea) some(a, b int64, c class, states ...fold.PlaceState) bool {
	return h.m.each(a, b, func(s *spell, a, b int64) bool {
		return slices.Contains(states, s.state) && h.docket.meets(c, a, b)
	}) || h.buried(a, b, c)
}

// without reports whether the member had no active place at a state from a to b.
func (h *plea) without(a, b int64) bool {
	return h.m.each(a, b, func(s *spell, _, _ int64) bool { return !s.active() }) || h.docket.meets(archived, a, b)
}

// buried reports whether the campaign was archived at a state from a to b at
// which it was also so. The fold has let its members go.
func (h *plea) buried(a, b int64, c class) bool {
	return h.docket.course != nil && h.docket.course.gone <= b && h.docket.meets(c, max(a, h.docket.course.gone), b)
}
