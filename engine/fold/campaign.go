package fold

import (
	"iter"
	"math"
)

// Campaign is the state of one campaign after a prefix of the log.
type Campaign struct {
	ID         string
	Definition Definition // replaced as a whole, never changed in place
	Status     Status
	Xv         int64 // version of definition and status, from 1
	Granted    int64 // active grants, erased members' included
	Waiting    int64 // active places in the waiting list
	Seq        int64 // last rank given
	Wseq       int64 // last ticket given
	Ev         int64 // last event number given
	Freed      int64 // offset since which the campaign accepts what it refused before
	CreatedAt  int64 // Unix ms
	Created    int64 // offset of the CAMPAIGN record

	members map[User]Place // newest place of each linked member; none is NoPlace
	list    waitlist
	defined uint64 // hash of id and definition
	sum     uint64 // sum of the hashes of members: independent of order
	hash    uint64 // digest after the last record
}

// Place returns a member's newest place; NoPlace when there is none.
func (c *Campaign) Place(u User) Place { return c.members[u] }

// Position is the member's live place in the waiting list from 1; 0 when not
// waiting. It takes O(log n).
func (c *Campaign) Position(u User) int64 {
	p := c.members[u]
	if p.State != Waiting {
		return 0
	}
	return c.list.position(p.Ticket)
}

// Members walks the linked members in no particular order.
func (c *Campaign) Members() iter.Seq2[User, Place] {
	return func(yield func(User, Place) bool) {
		for u, p := range c.members {
			if !yield(u, p) {
				return
			}
		}
	}
}

// below reports whether the cap leaves a place. In soft mode the gate's counter
// decided that already, so nobody ever waits, and such a campaign has no list.
func (c *Campaign) below() bool {
	d := &c.Definition
	return d.Soft || d.Cap == NoCap || c.Granted < d.Cap
}

// CanGrant reports whether a claim would be granted now: open, a place left,
// and nobody waits for it.
func (c *Campaign) CanGrant() bool { return c.Status == Open && c.below() && c.Waiting == 0 }

// CanWait reports whether the campaign is open and its list has room.
func (c *Campaign) CanWait() bool {
	return c.Status == Open && c.Waiting < c.Definition.WaitlistCap
}

// promotes reports whether the waiting list moves up: also after CLOSE, unless
// the policy ends it there, but not while paused.
func (c *Campaign) promotes() bool {
	return c.Status == Open || c.Status == Closed && !c.Definition.EndPromotion
}

// Used is the number of places taken: granted + waiting.
func (c *Campaign) Used() int64 { return c.Granted + c.Waiting }

// Room is the number of places there are: max(cap, granted) + the waiting
// list's cap; math.MaxInt64 without a cap.
func (c *Campaign) Room() int64 {
	if c.Definition.Cap == NoCap {
		return math.MaxInt64
	}
	return max(c.Definition.Cap, c.Granted) + c.Definition.WaitlistCap
}

// Preview returns who would be promoted if the cap were changed to limit: how
// many, and the first up to most of them in order.
func (c *Campaign) Preview(limit int64, most int) (promoted int64, first []User) {
	if !c.promotes() {
		return 0, nil
	}
	promoted = c.Waiting
	if limit != NoCap {
		promoted = min(promoted, max(0, limit-c.Granted))
	}
	return promoted, c.list.first(int(min(promoted, int64(max(0, most)))))
}

// opening is what a campaign accepts at a moment.
type opening struct {
	grants, waits bool
	granted       int64
}

func (c *Campaign) opening() opening {
	return opening{grants: c.CanGrant(), waits: c.CanWait(), granted: c.Granted}
}

// frees reports whether something is accepted that was not before. Then a claim
// whose writer saw an older state may be the slow copy of one that was told
// "full"; see [Campaign.claim], rule 5.
func (o opening) frees(before opening) bool {
	return o.grants && !before.grants || o.waits && !before.waits
}

// emit numbers a change and adds it to the step.
func (c *Campaign) emit(st *Step, t Transition) {
	c.Ev++
	t.Campaign, t.Ev, t.Xv = c.ID, c.Ev, c.Xv
	t.Offset, t.At = st.Offset, st.At
	t.After = Totals{Granted: c.Granted, Waiting: c.Waiting, Cap: c.Definition.Cap, Status: c.Status}
	t.Actor, t.Reason = st.Record.Actor, st.Record.Reason
	st.Transitions = append(st.Transitions, t)
}

// move is the only way a member's place changes: it keeps map, counters,
// digest and book in step. A place that becomes NoPlace is unlinked.
func (c *Campaign) move(st *Step, change Change, u User, before, after Place) *Transition {
	if before.State != NoPlace {
		c.sum -= memberHash(u, &before)
	}
	if after.State == NoPlace {
		delete(c.members, u)
	} else {
		if c.members == nil {
			c.members = make(map[User]Place)
		}
		c.members[u] = after
		c.sum += memberHash(u, &after)
	}
	c.emit(st, Transition{Change: change, User: u, Before: before, Place: after})
	return &st.Transitions[len(st.Transitions)-1]
}
