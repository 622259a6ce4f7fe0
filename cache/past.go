package cache

import (
	"slices"
	"sort"

	"firstcome/engine"
	"firstcome/engine/fold"
)

const (
	// milestonesMost bounds how many milestones of a campaign are kept. Beyond
	// it the oldest quarter is merged into the counts around it, but for the
	// last status and the last cap among them: whoever resumes before those
	// still ends with what is true.
	milestonesMost = 1000
	mergedAtOnce   = milestonesMost / 4
)

// milestone is a change of status or cap: what a stream tells one by one for ever.
type milestone struct {
	mark
	kind   kind
	edited bool  // by an edit, which need not have touched the cap
	before int64 // cap before it; its own when nobody knows
	eve    int64 // Unix ms of the change before it; 0 when nobody knows
}

func milestoneOf(c *engine.Change) milestone {
	m := milestone{mark: mark{c.Ev, c.At, c.After}, kind: status, edited: c.What == fold.Edited, before: c.After.Cap}
	if m.edited || c.What == fold.CapChanged {
		m.kind = limit
	}
	return m
}

// past is a campaign's milestones by event number.
type past struct{ list []milestone }

// after is the index of the first milestone behind an event.
func (p *past) after(ev int64) int {
	return sort.Search(len(p.list), func(i int) bool { return p.list[i].ev > ev })
}

// add takes a milestone; one that is known already changes nothing.
func (p *past) add(m milestone) {
	i := p.after(m.ev - 1)
	if i < len(p.list) && p.list[i].ev == m.ev {
		p.list[i].eve = max(p.list[i].eve, m.eve)
		return
	}
	if i > 0 {
		m.before = p.list[i-1].totals.Cap
		if m.edited && m.totals.Cap == m.before {
			return // it changed something else
		}
	}
	p.list = slices.Insert(p.list, i, m)
	if len(p.list) > milestonesMost {
		p.merge()
	}
}

// merge drops the oldest milestones but for the last of each kind.
func (p *past) merge() {
	oldest, kept := p.list[:mergedAtOnce], make([]milestone, 0, len(p.list))
	var last [len(kindNames)]int64
	for i := range oldest {
		last[oldest[i].kind] = oldest[i].ev
	}
	for _, m := range oldest {
		if last[m.kind] == m.ev {
			kept = append(kept, m)
		}
	}
	p.list = append(kept, p.list[mergedAtOnce:]...)
}

// join puts older milestones, in their order, before and between those that
// were heard of since.
func (p *past) join(older []engine.Change) {
	heard := p.list
	p.list = make([]milestone, 0, len(older)+len(heard))
	for i := range older {
		p.add(milestoneOf(&older[i]))
	}
	for _, m := range heard {
		p.add(m)
	}
}

// next returns the frame that begins behind an event: a milestone, or one count
// up to the next milestone or to now. It must be before now.
func (p *past) next(after int64, now mark) frame {
	i := p.after(after)
	if i == len(p.list) || p.list[i].ev > now.ev {
		return frame{count, after + 1, now}
	}
	m := p.list[i]
	if m.ev == after+1 {
		return frame{m.kind, m.ev, m.mark}
	}
	m.mark.ev--
	if m.eve != 0 {
		m.at = m.eve
	}
	m.totals.Cap = m.before
	return frame{count, after + 1, m.mark}
}
