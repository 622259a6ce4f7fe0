package history

import (
	"math"

	"firstcome/engine/fold"
)

// books judges the ledger's lines, and that all came to the log's end.
func (k *court) books() {
	if k.Healed {
		for i := range k.Folds {
			f := &k.Folds[i]
			if p := int(f.Partition); p < len(k.models) && f.Next < k.models[p].next {
				k.report(ruleLiveness, "", "%s: partition %d stayed at %d of %d", f.Node, p, f.Next, k.models[p].next)
			}
		}
		for i := range k.Ledger {
			s := &k.Ledger[i]
			if p := int(s.Partition); p < len(k.models) && s.Next < k.models[p].next {
				k.report(ruleLedger, "", "partition %d stayed at %d of %d", p, s.Next, k.models[p].next)
			}
		}
	}
	k.ranks()
}

// ranks judges the book by itself: events, ranks and tickets are 1, 2, 3 ...,
// promotions are in the order of the tickets.
func (k *court) ranks() {
	type count struct{ ev, rank, ticket, promoted int64 }
	at := map[string]*count{}
	for i := range k.Book {
		l := &k.Book[i]
		n := at[l.Campaign]
		if n == nil {
			n = &count{}
			at[l.Campaign] = n
		}
		if n.ev++; l.Ev != n.ev {
			k.report(ruleLedger, l.Campaign, "line %d of the book is number %d", n.ev, l.Ev)
			n.ev = l.Ev
		}
		switch l.Change {
		case fold.Promoted:
			if l.Ticket <= n.promoted {
				k.report(ruleRanks, l.Campaign, "the book promotes ticket %d after ticket %d", l.Ticket, n.promoted)
			}
			n.promoted = l.Ticket
			fallthrough
		case fold.GrantedNow:
			if n.rank++; l.Rank != n.rank {
				k.report(ruleRanks, l.Campaign, "the %d. grant of the book has rank %d", n.rank, l.Rank)
			}
		case fold.Waitlisted:
			if n.ticket++; l.Ticket != n.ticket {
				k.report(ruleRanks, l.Campaign, "the %d. ticket of the book is number %d", n.ticket, l.Ticket)
			}
		}
	}
	for id, n := range at {
		if d := k.docket(id); d.course == nil {
			k.report(ruleLedger, id, "the book has a campaign that the log does not know")
		} else if n.ev > d.course.ev || k.Healed && n.ev < d.course.ev {
			k.report(ruleLedger, id, "the book has %d lines, and the log says %d", n.ev, d.course.ev)
		}
	}
}

// gate judges what the gate counts after all leases came home.
func (k *court) gate() {
	for id, g := range k.Gate {
		c := k.docket(id).course
		switch {
		case c == nil:
			k.report(ruleGate, id, "the gate counts a campaign that the log does not know")
		case !g.Known:
			k.report(ruleGate, id, "the gate does not know it, and %d places are taken", c.granted+c.waiting)
		case g.Leased != 0 || g.Count != c.granted+c.waiting:
			k.report(ruleGate, id, "the gate counts %d with %d leased, and %d are granted and %d wait", g.Count, g.Leased, c.granted, c.waiting)
		}
	}
}

// streams judges what readers heard: events 1, 2, 3 ... without a hole, the
// same for everybody.
func (k *court) streams() {
	type key struct{ campaign, reader string }
	type span struct {
		campaign string
		from, to int64
	}
	at, said := map[key]int64{}, map[span]string{}
	for i := range k.Frames {
		f := &k.Frames[i]
		who := key{f.Campaign, f.Reader}
		if f.From != at[who]+1 || f.To < f.From {
			k.report(ruleEvents, f.Campaign, "%s heard %d to %d after %d", f.Reader, f.From, f.To, at[who])
		}
		at[who] = f.To
		what := span{f.Campaign, f.From, f.To}
		if first, ok := said[what]; !ok {
			said[what] = f.Said
		} else if first != f.Said {
			k.report(ruleEvents, f.Campaign, "%s heard %q of %d to %d, and somebody else %q", f.Reader, f.Said, f.From, f.To, first)
		}
		last := int64(math.MinInt64)
		if c := k.docket(f.Campaign).course; c != nil {
			last = c.ev
		}
		if f.To > last {
			k.report(ruleEvents, f.Campaign, "%s heard event %d, and the log has none", f.Reader, f.To)
		}
	}
}
