package history

import (
	"math"
	"time"

	"firstcome/engine/fold"
)

// overCap counts who was told a grant and never cancelled: all of them hold a
// place at the same time, so they are no more than the largest cap ever.
func (k *court) overCap() {
	holders := map[*docket]int64{}
	for i := range k.parties {
		p := &k.parties[i]
		if len(p.m.cancels) > 0 || p.cancel != none || p.cancelFor != none {
			continue
		}
		for _, op := range k.idx[p.from:p.to] {
			if k.Ops[op].Kind == Claim && k.Ops[op].granted() {
				holders[p.docket]++
				break
			}
		}
	}
	for d, n := range holders {
		if most := d.course.highest(); n > most {
			k.report(ruleCap, d.id, "%d members were told a grant at once, and the cap never was above %d", n, most)
		}
	}
}

// highest is the largest cap ever.
func (c *course) highest() (most int64) {
	if c == nil || c.d.Soft {
		return math.MaxInt64
	}
	for i := range c.managed {
		if c.managed[i].cap == fold.NoCap {
			return math.MaxInt64
		}
		most = max(most, c.managed[i].cap)
	}
	return most
}

// ghosts finds members who hold a place at the end although the last that they
// were told is no, or who cancelled, with no claim under way since.
func (k *court) ghosts() {
	for i := range k.parties {
		p := &k.parties[i]
		if !p.m.now.Active() || p.docket.course.status == fold.Archived {
			continue
		}
		r := k.lastNo(p)
		if r != none && !k.excused(p, r) {
			o := &k.Ops[r]
			k.report(ruleGhost, o.Campaign, "%s holds the place of claim %d, was told %d %s%s at %v and asked for nothing since", p.name, p.m.now.Claim, o.Status, o.Code, o.State, o.Return)
		}
	}
}

// lastNo is the last answer that left the member without a place.
func (k *court) lastNo(p *party) int32 {
	last := int32(none)
	for _, i := range k.idx[p.from:p.to] {
		if k.Ops[i].isNo() && (last == none || k.Ops[i].Return >= k.Ops[last].Return) {
			last = i
		}
	}
	return last
}

func (o *Op) isNo() bool {
	switch o.Kind {
	case Claim:
		return o.Status >= 400 && o.final()
	case Cancel, CancelFor:
		return o.Status == 200 && (o.State == "" || o.State == "cancelled") || o.Status == 404
	}
	return false
}

// excused reports whether the member knows of the place, had another claim
// under way after it had begun to hear the no, or asked for the waiting list
// before and got no answer, and then asked for less: such a "sold out" is not
// promised to recall the older wish (protocol 12). Nor is that of a soft
// campaign's counter, which the log knows nothing of.
func (k *court) excused(p *party, no int32) bool {
	full := k.Ops[no].Kind == Claim && k.Ops[no].Code == "sold-out"
	less, counted := full && !k.Ops[no].Waitlist, full && p.docket.counted()
	for _, i := range k.idx[p.from:p.to] {
		o := &k.Ops[i]
		if o.Kind != Claim && o.Kind != Look || o.isNo() {
			continue
		}
		if t := p.told(o); t != none && p.m.spells[t].claim == p.m.now.Claim {
			return true
		}
		if o.Kind == Claim && (o.ended() >= k.Ops[no].Call || !o.final() && (counted || less && o.Waitlist)) {
			return true
		}
	}
	return false
}

// counted reports whether a counter says when the campaign is full, and not the log.
func (d *docket) counted() bool { return d != nil && d.course != nil && d.course.d.Soft }

// ends finds who is left in doubt after all was healed: the last claim has no
// final answer, and none came after it.
func (k *court) ends() {
	if !k.Healed {
		return
	}
	for i := range k.parties {
		p := &k.parties[i]
		doubt, sure := int32(none), time.Duration(math.MinInt64)
		for _, op := range k.idx[p.from:p.to] {
			o := &k.Ops[op]
			switch {
			case o.Kind != Claim:
			case o.Status != 0 && o.final():
				sure = max(sure, o.Return)
			default:
				doubt = op
			}
		}
		if doubt != none && sure < k.Ops[doubt].Call {
			o := &k.Ops[doubt]
			k.report(ruleLiveness, o.Campaign, "%s asked at %v, got %d %s%s, and never a final answer", p.name, o.Call, o.Status, o.Code, o.State)
		}
	}
}
