package history

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"firstcome/engine/fold"
)

const (
	// smallHistory is up to how many operations a history goes through
	// porcupine too. Its search may explode, so it has limits: in time; in steps,
	// because a simulated clock may stand still; and in memory, a bit for each
	// operation at each step that it remembers.
	smallHistory = 10_000
	searchFor    = 20 * time.Second
	searchSteps  = 1_000_000
	searchBytes  = 128 << 20
)

// budget is what a search may still spend. One goroutine searches.
type budget struct{ steps, kept int64 }

func (b *budget) spent() bool { return b.steps <= 0 || b.kept <= 0 }

// linear looks for an order of all operations of a campaign that explains the
// answers and keeps real time. Ranks, tickets and the order of the log are the
// witnesses of what changed something, so only answers have to be placed, and
// the search is short. One that does not end is no violation: the scan for I6
// has decided already.
func (k *court) linear() {
	if len(k.Ops) > smallHistory {
		return
	}
	begun, steps := time.Now(), int64(searchSteps)
	for _, d := range k.dockets {
		left := searchFor - time.Since(begun)
		if d.course == nil || left <= 0 || steps <= 0 {
			continue
		}
		ops := k.events(d)
		b := &budget{steps: steps, kept: searchBytes / int64(len(ops)/8+64)}
		if porcupine.CheckOperationsTimeout(counters(b), ops, left) == porcupine.Illegal && !b.spent() {
			k.report(ruleRealTime, d.id, "no order of the %d operations explains all answers and keeps real time", len(ops))
		}
		steps = b.steps
	}
}

// tally is all that porcupine's model keeps of a campaign.
type tally struct {
	changes                     int // how many were done
	deed                        int // of the course's, the last that was done
	granted, waiting, seq, wseq int64
}

// event is what one operation does to the tally, or demands of it.
type event struct {
	course *course
	do     func(e *event, t *tally) bool // false: it cannot come here
	nth    int                           // of the changes, from 1; 0: it changes nothing
	n      int64                         // rank, ticket or number of the deed
	class  class                         // of a refusal
}

// counters is porcupine's model.
func counters(b *budget) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return tally{deed: none} },
		Step: func(state, input, _ any) (bool, any) {
			t, e := state.(tally), input.(*event)
			b.steps--
			if b.spent() || e.nth > 0 && e.nth != t.changes+1 {
				return false, t
			}
			if e.nth > 0 {
				t.changes++
			}
			ok := e.do(e, &t)
			if ok {
				b.kept--
			}
			return ok, t
		},
	}
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
	for i := range k.parties {
		if p := &k.parties[i]; p.docket == d {
			l.places(p)
		}
	}
	t := k.times[d.partition]
	for i := range d.course.managed {
		at := d.course.managed[i].offset
		l.change(at, manage, int64(i), t.since[at], t.known[at])
	}
	for _, u := range l.erased() {
		l.change(u.from, endWait, u.ticket, t.since[u.from], t.known[u.from])
	}
	slices.SortFunc(l.changes, func(a, b changed) int { return cmp.Compare(a.offset, b.offset) })
	for i, c := range l.changes {
		c.event.nth = i + 1
		l.add(c.event, c.from, c.to)
	}
	return l.ops
}

type lines struct {
	*court
	docket  *docket
	ops     []porcupine.Operation
	changes []changed
}

// changed is a change before its number is known.
type changed struct {
	offset   int64
	event    *event
	from, to time.Duration
}

func (l *lines) change(offset int64, do func(e *event, t *tally) bool, n int64, from, to time.Duration) {
	l.changes = append(l.changes, changed{offset, &event{course: l.docket.course, do: do, n: n}, from, to})
}

// add turns times into porcupine's: what ends when another begins overlaps it.
func (l *lines) add(e *event, from, to time.Duration) {
	const far = math.MaxInt64 / 4
	call, back := 2*max(int64(from), -far), 2*min(int64(to), far)+1
	l.ops = append(l.ops, porcupine.Operation{Input: e, Call: call, Return: max(call, back)})
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
