package history

import (
	"math"
	"time"

	"github.com/anishathalye/porcupine"

	"firstcome/engine/fold"
)

const (
	// smallHistory is up to how many operations a history goes through
	// porcupine too. Its search may explode, so it has limits.
	smallHistory = 10_000
	// searchFor is the longest search, and searchOps up to how many operations
	// it may last that long: what it remembers grows with both.
	searchFor = 20 * time.Second
	searchOps = 1000
)

// linear looks for an order of all operations of a campaign that explains the
// answers and keeps real time. Ranks and tickets are the witnesses: a grant with
// rank 7 can only come seventh, so the search is short. It knows offsets of the
// log for admins' deeds only. A search that does not end is no violation: the
// scan for I6 has decided already.
func (k *court) linear() {
	if len(k.Ops) > smallHistory {
		return
	}
	left := searchFor
	for _, d := range k.dockets {
		if d.course == nil || left <= 0 {
			continue
		}
		ops := k.events(d)
		begun := time.Now()
		if porcupine.CheckOperationsTimeout(counters, ops, min(left, searchFor*searchOps/time.Duration(max(searchOps, len(ops))))) == porcupine.Illegal {
			k.report(ruleRealTime, d.id, "no order of the %d operations explains all answers and keeps real time", len(ops))
		}
		left -= time.Since(begun)
	}
}

// tally is all that porcupine's model keeps of a campaign.
type tally struct {
	deed                        int // of the course's, the last that was done
	granted, waiting, seq, wseq int64
}

// event is what one operation does to the tally, or demands of it.
type event struct {
	course *course
	do     func(e *event, t *tally) bool // false: it cannot come here
	n      int64                         // rank, ticket or number of the deed
	class  class                         // of a refusal
}

var counters = porcupine.Model{
	Init: func() any { return tally{deed: none} },
	Step: func(state, input, _ any) (bool, any) {
		t, e := state.(tally), input.(*event)
		ok := e.do(e, &t)
		return ok, t
	},
}

func (c *course) then(t *tally) (d deed) {
	if t.deed != none {
		d = c.managed[t.deed]
	}
	return d
}

// settle promotes, as every record does.
func (e *event) settle(t *tally) {
	d := e.course.then(t)
	for (d.status == fold.Open || d.status == fold.Closed && !d.endPromotion) && d.below(t) && t.waiting > 0 {
		t.waiting--
		t.granted++
		t.seq++
	}
}

func (d *deed) below(t *tally) bool { return d.soft || d.cap == fold.NoCap || t.granted < d.cap }

func grant(e *event, t *tally) bool {
	d := e.course.then(t)
	ok := d.status == fold.Open && d.below(t) && t.waiting == 0 && t.seq == e.n-1
	t.seq++
	t.granted++
	return ok
}

func wait(e *event, t *tally) bool {
	d := e.course.then(t)
	ok := d.status == fold.Open && t.waiting < d.list && !(d.below(t) && t.waiting == 0) && t.wseq == e.n-1
	t.wseq++
	t.waiting++
	return ok
}

func endGrant(e *event, t *tally) bool {
	ok := t.seq >= e.n
	t.granted--
	e.settle(t)
	return ok
}

func endWait(e *event, t *tally) bool {
	ok := t.wseq >= e.n && t.waiting > 0
	t.waiting--
	return ok
}

func manage(e *event, t *tally) bool {
	ok := int64(t.deed) == e.n-1
	t.deed = int(e.n)
	e.settle(t)
	return ok
}

// ranked and ticketed are answers that tell of a rank or a ticket.
func ranked(e *event, t *tally) bool   { return t.seq >= e.n }
func ticketed(e *event, t *tally) bool { return t.wseq >= e.n }

// refuse is an answer that says no.
func refuse(e *event, t *tally) bool {
	d := e.course.then(t)
	grants := d.status == fold.Open && d.below(t) && t.waiting == 0
	switch e.class {
	case scheduled:
		return d.status == fold.Scheduled
	case paused:
		return d.status == fold.Paused
	case closed:
		return d.status == fold.Closed || d.status == fold.Archived
	case full:
		return d.status == fold.Open && (d.soft || !grants)
	}
	return d.status == fold.Open && (d.soft || !grants && t.waiting >= d.list)
}

// events are a campaign's operations for porcupine: one for each place, for
// each end of one, each deed, and each answer.
func (k *court) events(d *docket) []porcupine.Operation {
	l := &lines{court: k, docket: d}
	for _, p := range k.parties {
		if p.docket == d {
			l.places(&p)
		}
	}
	t := k.times[d.partition]
	for i := range d.course.managed {
		at := d.course.managed[i].offset
		l.add(manage, int64(i), 0, t.since[at], t.known[at])
	}
	for _, u := range l.erased() {
		l.add(endWait, u.ticket, 0, t.since[u.from], t.known[u.from])
	}
	return l.ops
}

type lines struct {
	*court
	docket *docket
	ops    []porcupine.Operation
}

// add turns times into porcupine's: what ends when another begins overlaps it.
func (l *lines) add(do func(e *event, t *tally) bool, n int64, c class, from, to time.Duration) {
	const far = math.MaxInt64 / 4
	call, back := 2*max(int64(from), -far), 2*min(int64(to), far)+1
	l.ops = append(l.ops, porcupine.Operation{Input: &event{l.docket.course, do, n, c}, Call: call, Return: max(call, back)})
}

// erased are who waited and was erased: nobody asked for it in the history, or
// an admin did; the log tells when.
func (l *lines) erased() (all []spell) {
	for _, m := range l.docket.course.members {
		for i := 1; i < len(m.spells); i++ {
			if m.spells[i].state == fold.NoPlace && m.spells[i-1].state == fold.Waiting {
				s := m.spells[i]
				s.ticket = m.spells[i-1].ticket
				all = append(all, s)
			}
		}
	}
	return all
}
