package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Check returns every broken promise, nothing for a clean run. Operations of
// campaigns that are not given are violations of "error".
func Check(campaigns []Campaign, ops []Op) []Violation {
	byCampaign := map[string][]*Op{}
	for i := range ops {
		byCampaign[ops[i].Campaign] = append(byCampaign[ops[i].Campaign], &ops[i])
	}
	var all []Violation
	for i := range campaigns {
		c := newCase(&campaigns[i], byCampaign[campaigns[i].ID])
		all = append(all, c.judge()...)
		delete(byCampaign, campaigns[i].ID)
	}
	for id, left := range byCampaign {
		all = append(all, Violation{"error", id, fmt.Sprintf("%d claims of a campaign that is not there", len(left))})
	}
	return all
}

// hearing is one campaign before the judge.
type hearing struct {
	*Campaign
	ops     []*Op
	granted []Place           // of the list
	member  map[string]*story // everybody who asked or has a place
	found   []Violation
	counts  map[string]int
}

// story is what one member did and was told.
type story struct {
	asked     time.Duration // the first call; never: math.MaxInt64
	heard     time.Duration // the first answer that granted; never: math.MaxInt64
	last      *Op           // the last answered call
	rank      int64         // of the list; 0: none
	waitlist  bool
	places    int
	firstTold int64 // the first rank that was told; 0: none
}

func newCase(c *Campaign, ops []*Op) *hearing {
	k := &hearing{Campaign: c, ops: ops, member: map[string]*story{}, counts: map[string]int{}}
	for _, p := range c.Places {
		if p.State == "cancelled" {
			continue
		}
		s := k.story(p.Member)
		s.places++
		if p.State == "granted" {
			s.rank = p.Rank
			k.granted = append(k.granted, p)
		} else {
			s.waitlist = true
		}
	}
	for _, o := range ops {
		s := k.story(o.Member)
		s.asked = min(s.asked, o.Call)
		if o.Status == 0 {
			continue
		}
		if s.last == nil || o.Return > s.last.Return {
			s.last = o
		}
		if o.granted() {
			s.heard = min(s.heard, o.Return)
		}
	}
	slices.SortFunc(k.granted, func(a, b Place) int { return cmp.Compare(a.Rank, b.Rank) })
	return k
}

func (k *hearing) story(member string) *story {
	s, ok := k.member[member]
	if !ok {
		s = &story{asked: math.MaxInt64, heard: math.MaxInt64}
		k.member[member] = s
	}
	return s
}

func (k *hearing) report(rule, format string, args ...any) {
	k.counts[rule]++
	if k.counts[rule] <= mostPerRule {
		k.found = append(k.found, Violation{rule, k.ID, fmt.Sprintf(format, args...)})
	}
}

func (k *hearing) judge() []Violation {
	k.list()
	k.answers()
	k.soldOut()
	k.order()
	k.ends()
	for i := range k.found {
		v := &k.found[i]
		if n := k.counts[v.Rule]; n > mostPerRule {
			v.Detail += fmt.Sprintf(" (%d of this kind)", n)
		}
	}
	return k.found
}

// list holds the campaign's list against itself and against who asked.
func (k *hearing) list() {
	if k.Cap >= 0 && int64(len(k.granted)) > k.Cap {
		k.report("over-cap", "%d places for a cap of %d", len(k.granted), k.Cap)
	}
	for i, p := range k.granted {
		if p.Rank != int64(i+1) {
			k.report("rank", "the %d. grant has rank %d", i+1, p.Rank)
		}
	}
	for name, s := range k.member {
		if s.places > 1 {
			k.report("member-twice", "%s has %d places", name, s.places)
		}
		if s.places > 0 && s.asked == math.MaxInt64 {
			k.report("member-twice", "%s has a place and never asked", name)
		}
	}
}

// answers holds every single answer against the list.
func (k *hearing) answers() {
	for _, o := range k.ops {
		s := k.member[o.Member]
		switch {
		case o.Status == 0, o.Status == 202:
		case o.granted():
			if s.rank == 0 {
				k.report("lost", "%s was told rank %d and is not in the list", o.Member, o.Rank)
			} else if o.Rank != s.rank {
				k.report("moved", "%s was told rank %d and has rank %d", o.Member, o.Rank, s.rank)
			}
			if s.firstTold != 0 && s.firstTold != o.Rank {
				k.report("moved", "%s was told rank %d and rank %d", o.Member, s.firstTold, o.Rank)
			}
			s.firstTold = o.Rank
		case o.Status == 201 || o.Status == 200:
			if o.State != "waitlisted" || s.places == 0 {
				k.report("lost", "%s was told %q (%d) and has no place", o.Member, o.State, o.Status)
			}
		case o.Status == 409 && o.Code == "sold-out":
			if s.places > 0 {
				k.report("false-full", "%s was told that it is sold out and has a place", o.Member)
			}
		default:
			k.report("error", "%s got %d %s", o.Member, o.Status, o.Code)
		}
	}
}

// soldOut finds answers "sold out" while a seat was free: with neither cancels
// nor a higher cap nobody who asks later can have got one.
func (k *hearing) soldOut() {
	first := time.Duration(math.MaxInt64)
	for _, o := range k.ops {
		if o.Status == 409 && o.Code == "sold-out" {
			first = min(first, o.Return)
		}
	}
	if first == math.MaxInt64 {
		return
	}
	if k.Cap < 0 || int64(len(k.granted)) < k.Cap {
		k.report("false-full", "somebody was told that it is sold out, and %d of %d are taken", len(k.granted), k.Cap)
	}
	for name, s := range k.member {
		if s.rank > 0 && s.asked > first && s.asked != math.MaxInt64 {
			k.report("false-full", "%s asked %v after it was sold out and has rank %d", name, s.asked-first, s.rank)
		}
	}
}

// order finds members who asked only after another had been answered and yet
// rank before.
func (k *hearing) order() {
	earliest := time.Duration(math.MaxInt64) // answer of anybody with a higher rank
	var whose int64
	for i := len(k.granted) - 1; i >= 0; i-- {
		p := k.granted[i]
		s := k.member[p.Member]
		if s.asked != math.MaxInt64 && s.asked > earliest {
			k.report("unfair", "%s asked %v after rank %d was answered and has rank %d", p.Member, s.asked-earliest, whose, p.Rank)
		}
		if s.heard < earliest {
			earliest, whose = s.heard, p.Rank
		}
	}
}

// ends finds members whom the run left in doubt, and seats that were left
// although more members asked.
func (k *hearing) ends() {
	told := int64(0)
	for name, s := range k.member {
		if s.last != nil {
			told++
		}
		if s.last != nil && !s.last.final() {
			k.report("undecided", "%s was last told %d %s", name, s.last.Status, s.last.State)
		}
	}
	if k.Cap >= 0 && told > k.Cap && int64(len(k.granted)) < k.Cap {
		k.report("false-full", "%d members asked and %d of %d places are taken", told, len(k.granted), k.Cap)
	}
}
