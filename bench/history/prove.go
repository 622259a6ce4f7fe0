package history

import (
	"encoding/base32"
	"encoding/binary"
	"time"

	"firstcome/engine/fold"
)

// prove takes from each answer what it proves about the log: the record that it
// names, and the record that made the place it tells of, were there when it
// came.
func (k *court) prove() {
	for i := range k.Ops {
		o := &k.Ops[i]
		k.rests[i] = none
		if o.Status == 0 || k.of[i] == none {
			k.proveDeed(int32(i), o)
			continue
		}
		p := &k.parties[k.of[i]]
		rests := int64(none)
		switch {
		case k.names(o):
			if rests = o.Log.Offset; o.Log.Partition != p.docket.partition {
				k.report(ruleDurable, o.Campaign, "%s was told offset %d:%d, and the campaign is in partition %d", o.Member, o.Log.Partition, o.Log.Offset, p.docket.partition)
				rests = none
			}
		case o.Log.Known:
			k.report(ruleDurable, o.Campaign, "%s was told offset %d:%d, and the log does not have it", o.Member, o.Log.Partition, o.Log.Offset)
		}
		if s := p.told(o); s != none {
			rests = max(rests, p.m.spells[s].from)
		}
		if k.rests[i] = rests; rests != none {
			k.times[p.docket.partition].proof(rests, o.Return, int32(i))
		}
	}
}

// proveDeed takes from an admin's answer that the campaign was as asked, when
// that was so for one stretch of the log only.
func (k *court) proveDeed(i int32, o *Op) {
	c := k.docket(o.Campaign).course
	if o.Status != 200 && o.Status != 201 || c == nil {
		return
	}
	first, before := int64(none), false
	for j := range c.managed {
		is := o.isDone(&c.managed[j])
		if is && !before {
			if first != none {
				return
			}
			first = c.managed[j].offset
		}
		before = is
	}
	if first != none {
		k.times[k.docket(o.Campaign).partition].proof(first, o.Return, i)
	}
}

// isDone reports whether a campaign is as an admin asked after a change of it.
func (o *Op) isDone(d *deed) bool {
	switch o.Kind {
	case Create:
		return true
	case Publish:
		return d.status == fold.Scheduled || d.status == fold.Open
	case Open, Resume:
		return d.status == fold.Open
	case Pause:
		return d.status == fold.Paused
	case Close:
		return d.status == fold.Closed
	case Archive:
		return d.status == fold.Archived
	case SetCap:
		return d.cap == o.Cap
	}
	return false
}

// told is the index of the spell that an answer tells of: the one with that
// rank, or of that claim. None when the log has none.
func (p *party) told(o *Op) int {
	if o.Status != 200 && o.Status != 201 || o.State != "granted" && o.State != "waitlisted" {
		return none
	}
	state := fold.Granted
	if o.State == "waitlisted" {
		state = fold.Waiting
	}
	if o.Claim != "" {
		claim := claimOf(o.Claim)
		for i := max(0, p.m.spellAt(claim)); i < len(p.m.spells) && (p.m.spells[i].claim == claim || p.m.spells[i].from < claim); i++ {
			if s := &p.m.spells[i]; s.claim == claim && s.state == state && (state == fold.Waiting || s.rank == o.Rank) {
				return i
			}
		}
		return none
	}
	for i := len(p.m.spells) - 1; i >= 0 && state == fold.Granted; i-- {
		if s := &p.m.spells[i]; s.state == state && s.rank == o.Rank {
			return i
		}
	}
	return none
}

var grantIDs = base32.HexEncoding.WithPadding(base32.NoPadding)

// claimOf is the offset in a grant id, -1 when it is none.
func claimOf(id string) int64 {
	b, err := grantIDs.DecodeString(id)
	if err != nil || len(b) != 8 {
		return none
	}
	return int64(binary.BigEndian.Uint64(b) & (1<<48 - 1))
}

// realTime finds, in one scan, members who asked only after another had been
// answered, and yet come first in the log.
func (k *court) realTime() {
	for p, t := range k.times {
		t.spread()
		was := [2]int32{none, none}
		for i := range t.since {
			who := [2]int32{t.asked[i], t.knower[i]}
			if t.since[i] <= t.known[i] || who == was {
				continue
			}
			was = who
			asked, answered := &k.Ops[who[0]], &k.Ops[who[1]]
			k.report(ruleRealTime, asked.Campaign, "%s asked at %v, and its record is not after %d:%d, on which the answer of %s at %v rests",
				asked.Member, asked.Call, p, i, answered.Member, answered.Return)
		}
		if !k.Start.IsZero() {
			k.stamps(p, t)
		}
	}
}

// stamps sharpens the bounds by the log's own times. A stamp is cut to a
// millisecond.
func (k *court) stamps(p int, t *times) {
	for i := range k.Log[p] {
		at := time.UnixMilli(k.Log[p][i].At).Sub(k.Start)
		t.cause(int64(i), at-k.ClockError, none)
		t.proof(int64(i), at+time.Millisecond+k.ClockError, none)
	}
	t.spread()
}
