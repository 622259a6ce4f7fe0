package history

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// index finds each operation's party, and gathers the operations of a party.
func (k *court) index() {
	for i := range k.Ops {
		o := &k.Ops[i]
		k.of[i] = none
		if d := k.docket(o.Campaign); o.own() {
			k.of[i] = k.party(d, o)
			k.parties[k.of[i]].to++ // a count, until gather
		}
	}
	k.gather()
	for i := range k.parties {
		p := &k.parties[i]
		slices.SortFunc(k.idx[p.from:p.to], func(a, b int32) int { return cmp.Compare(k.Ops[a].Call, k.Ops[b].Call) })
		for _, op := range k.idx[p.from:p.to] {
			p.first(k.Ops[op].Kind, op)
		}
	}
}

func (k *court) party(d *docket, o *Op) int32 {
	if i, ok := d.names[o.Member]; ok {
		return i
	}
	i := int32(len(k.parties))
	u, ok := k.Users[o.Member]
	if !ok && o.Status != 0 && o.Kind == Claim {
		k.report(ruleEvidence, d.id, "%s has no pseudonym, so its answers cannot be judged", o.Member)
	}
	k.parties = append(k.parties, party{docket: d, name: o.Member, user: u, m: nobody, claim: none, cancel: none, cancelFor: none, answer: none})
	d.names[o.Member] = i
	if ok {
		d.users[u] = i
	}
	return i
}

// gather sorts the operations by party, in one pass.
func (k *court) gather() {
	at := int32(0)
	for i := range k.parties {
		p := &k.parties[i]
		n := p.to
		p.from, p.to, p.open = at, at, at
		at += n
	}
	k.idx = make([]int32, at)
	for i, p := range k.of {
		if p != none {
			k.idx[k.parties[p].to] = int32(i)
			k.parties[p].to++
		}
	}
}

// first notes a party's first request of a kind.
func (p *party) first(kind Kind, op int32) {
	first := &p.claim
	switch kind {
	case Claim:
	case Cancel:
		first = &p.cancel
	case CancelFor:
		first = &p.cancelFor
	case Answer:
		first = &p.answer
	default:
		return
	}
	if *first == none {
		*first = op
	}
}

// until is how long an operation may have had an effect: without an answer,
// for ever.
func (o *Op) until() time.Duration {
	if o.Status == 0 {
		return math.MaxInt64
	}
	return o.Return
}

// ended is when the member had done with an operation: answered or given up.
func (o *Op) ended() time.Duration {
	if o.Status == 0 && o.Return == 0 {
		return math.MaxInt64
	}
	return o.Return
}
