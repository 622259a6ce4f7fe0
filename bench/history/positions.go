package history

import (
	"cmp"
	"slices"

	"firstcome/engine/fold"
)

// query is an answer that tells a position in a waiting list. Who waits only
// moves up, so the position at the first of the states is the highest that may
// be told, and that at the last the lowest.
type query struct {
	course   *course
	o        *Op
	ticket   int64
	from, to int64
}

// probe asks for the position of a ticket after a record.
type probe struct {
	at     int64
	ticket int64
	into   *int64
}

// positions judges all positions that were told: one sweep over each list.
func (k *court) positions() {
	slices.SortStableFunc(k.queries, func(a, b query) int { return cmp.Compare(a.course.id, b.course.id) })
	for len(k.queries) > 0 {
		n := 1
		for n < len(k.queries) && k.queries[n].course == k.queries[0].course {
			n++
		}
		k.sweep(k.queries[:n])
		k.queries = k.queries[n:]
	}
}

func (k *court) sweep(queries []query) {
	bounds := make([][2]int64, len(queries))
	probes := make([]probe, 0, 2*len(queries))
	for i := range queries {
		q := &queries[i]
		probes = append(probes, probe{q.from, q.ticket, &bounds[i][0]}, probe{q.to, q.ticket, &bounds[i][1]})
	}
	queries[0].course.probe(probes)
	for i := range queries {
		if o, b := queries[i].o, bounds[i]; o.Position > b[0] || o.Position < b[1] {
			k.report(ruleRanks, o.Campaign, "%s was told position %d, and the list says %d to %d", o.Member, o.Position, b[1], b[0])
		}
	}
}

// move is a ticket that enters or leaves the list.
type move struct {
	at, ticket int64
	by         int
}

// probe answers probes: how many wait up to a ticket, by a tree of partial sums.
func (c *course) probe(probes []probe) {
	var moves []move
	for _, m := range c.members {
		for i := range m.spells {
			if s := &m.spells[i]; s.state == fold.Waiting {
				moves = append(moves, move{s.from, s.ticket, 1})
				if i+1 < len(m.spells) {
					moves = append(moves, move{m.spells[i+1].from, s.ticket, -1})
				}
			}
		}
	}
	slices.SortFunc(moves, func(a, b move) int { return cmp.Compare(a.at, b.at) })
	slices.SortFunc(probes, func(a, b probe) int { return cmp.Compare(a.at, b.at) })
	tree := make([]int64, c.wseq+1)
	for _, p := range probes {
		for len(moves) > 0 && moves[0].at <= p.at {
			for i := moves[0].ticket; i < int64(len(tree)); i += i & -i {
				tree[i] += int64(moves[0].by)
			}
			moves = moves[1:]
		}
		for i := p.ticket; i > 0; i -= i & -i {
			*p.into += tree[i]
		}
	}
}
