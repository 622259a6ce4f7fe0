package history

import (
	"sort"

	"firstcome/engine/fold"
)

// class is something that may be true of a campaign for stretches of the log.
// Each refusal rests on one.
type class int

const (
	anything  class = iota // always
	hidden                 // not there yet, or a draft
	scheduled              //
	paused                 //
	closed                 // or archived
	archived               //
	full                   // to who does not want to wait
	fullList               // to who would wait, too
	noReturn               // open, and who cancelled may not return
	classes
)

// stretch is from the state after one record to the state after another.
type stretch struct{ from, to int64 }

// mark notes which classes hold from the record on that is applied now.
func (c *course) mark() {
	open := c.status == fold.Open
	holds := [classes]bool{
		anything:  true,
		hidden:    c.status == fold.Draft,
		scheduled: c.status == fold.Scheduled,
		paused:    c.status == fold.Paused,
		closed:    c.status == fold.Closed || c.status == fold.Archived,
		archived:  c.status == fold.Archived,
		// The counter of a soft campaign says when it is full, not the log.
		full:     open && (!c.canGrant() || c.d.Soft),
		fullList: open && (!c.canGrant() && !c.canWait() || c.d.Soft),
		noReturn: open && c.d.Reclaim == fold.ReclaimRefused,
	}
	for k := range holds {
		s := c.stretches[k]
		began := len(s) > 0 && s[len(s)-1].to == never
		switch {
		case holds[k] && !began:
			c.stretches[k] = append(s, stretch{c.model.next, never})
		case !holds[k] && began:
			s[len(s)-1].to = c.model.next - 1
		}
	}
}

// meets reports whether a class held at some state from a to b.
func (c *course) meets(k class, a, b int64) bool {
	s := c.stretches[k]
	i := sort.Search(len(s), func(i int) bool { return s[i].to >= a })
	return i < len(s) && s[i].from <= b
}

// spellAt is the index of the spell that holds after a record, -1 before the first.
func (m *member) spellAt(offset int64) int {
	return sort.Search(len(m.spells), func(i int) bool { return m.spells[i].from > offset }) - 1
}

// each calls f for what the member had at the states from a to b, with the part
// of them at which it was so, until f returns true; it returns whether one did.
// A spell of no place comes first.
func (m *member) each(a, b int64, f func(s *spell, a, b int64) bool) bool {
	for i := m.spellAt(a); i < len(m.spells); i++ {
		s, until := &nothing, int64(never)
		if i >= 0 {
			s = &m.spells[i]
		}
		if i+1 < len(m.spells) {
			until = m.spells[i+1].from - 1
		}
		if s.from > b {
			return false
		}
		if from, to := max(a, s.from), min(b, until); from <= to && f(s, from, to) {
			return true
		}
	}
	return false
}

var (
	nothing = spell{from: -1}
	nobody  = &member{}
)
