package history

import (
	"math"

	"firstcome/engine/fold"
)

const never = math.MaxInt64

// course is one campaign's way through the log: its state now, and, for the
// judge, what it was after each record.
type course struct {
	model *model
	id    string

	d                           fold.Definition
	status                      fold.Status
	xv, ev, freed               int64
	createdAt, created          int64
	granted, waiting, seq, wseq int64
	members                     map[fold.User]*member
	queue                       []waiter // by ticket; who left is skipped
	gone                        int64    // offset of ARCHIVE

	managed   []deed             // what admins and the scheduler changed
	stretches [classes][]stretch // when each class of refusals was true
}

type waiter struct {
	user   fold.User
	ticket int64
}

// member is what one member had, oldest first.
type member struct {
	now     fold.Place
	spells  []spell
	cancels []int64 // offsets of CANCEL records that counted
	answers []int64 // of ANSWERS records that counted
}

// spell is a stretch of the log in which a member's place was one thing. It
// lasts until the next spell.
type spell struct {
	from                int64 // offset of the record that began it
	claim, rank, ticket int64
	state               fold.PlaceState
	admin               bool // it ended by an admin's CANCEL
}

func (s *spell) active() bool { return s.state == fold.Granted || s.state == fold.Waiting }

// deed is one change of the campaign itself.
type deed struct {
	offset       int64
	what         fold.Change
	status       fold.Status
	cap, list    int64 // and what else counts, after it
	soft         bool
	endPromotion bool
}

func (c *course) member(u fold.User) *member {
	m := c.members[u]
	if m == nil {
		m = &member{}
		c.members[u] = m
	}
	return m
}

// place is a member's newest place as the rules see it.
func (c *course) place(u fold.User) fold.Place {
	m := c.members[u]
	if m == nil || c.status == fold.Archived {
		return fold.Place{}
	}
	return m.now
}

func (c *course) say(what fold.Change, u fold.User, p fold.Place, points int64, actor string) {
	c.ev++
	c.model.said = append(c.model.said, change{c, what, u, p, points, c.ev, c.xv, actor})
	if u == (fold.User{}) {
		c.managed = append(c.managed, deed{c.model.next, what, c.status, c.d.Cap, c.d.WaitlistCap, c.d.Soft, c.d.EndPromotion})
	}
}

// put gives a member another place.
func (c *course) put(m *member, p fold.Place) {
	m.now = p
	m.spells = append(m.spells, spell{from: c.model.next, claim: p.Claim, rank: p.Rank, ticket: p.Ticket, state: p.State})
}
