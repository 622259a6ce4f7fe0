package fold_test

import (
	"fmt"
	"reflect"
	"slices"

	"firstcome/engine/fold"
)

// model is the fold written a second time, deliberately naive: slices, no
// counters, everything recounted for each question. It says what the rules
// mean; the fold has to say the same, faster.
type model struct {
	campaigns []*campaignModel
	offset    int64
	rules     uint8
}

type campaignModel struct {
	id                     string
	d                      fold.Definition
	status                 fold.Status
	xv, ev, freed, created int64
	history                []entry // every place and fence ever, oldest first
	changes                []string
}

// entry is one place (or fence) of one member.
type entry struct {
	user   fold.User
	place  fold.Place
	erased bool
}

func (m *model) find(id string) *campaignModel {
	for _, c := range m.campaigns {
		if c.id == id {
			return c
		}
	}
	return nil
}

// apply returns the verdict and what changed, one string a transition.
func (m *model) apply(r fold.Record, at int64) (fold.Verdict, []string) {
	offset := m.offset
	m.offset++
	c := m.find(r.Campaign)
	switch {
	case r.Kind == fold.KindNoop:
		return fold.NoEffect, nil
	case r.Kind == fold.KindActivate && r.Activate <= m.rules:
		return fold.NoEffect, nil
	case r.Kind == fold.KindActivate:
		m.rules = r.Activate
		return fold.Done, nil
	case r.Kind == fold.KindCampaign && c != nil:
		return fold.Refused, nil
	case r.Kind == fold.KindCampaign:
		c = &campaignModel{id: r.Campaign, d: *r.Definition, status: fold.Draft, xv: 1, created: offset}
		m.campaigns = append(m.campaigns, c)
		c.say(fold.Created, fold.User{}, fold.Place{}, 0)
		return fold.Done, c.said()
	case c == nil:
		return fold.Invalid, nil
	}
	grants, waits := c.canGrant(), c.canWait()
	if m.rules >= fold.SameIsNoChange && c.says(r) {
		return fold.NoEffect, nil
	}
	verdict := c.decide(r, offset, at)
	for (c.status == fold.Open || c.status == fold.Closed && !c.d.EndPromotion) && c.room() && len(c.queue()) > 0 {
		e := c.queue()[0]
		e.place.State, e.place.Rank, e.place.Last = fold.Granted, c.lastRank()+1, offset
		c.say(fold.Promoted, e.user, e.place, c.d.Points)
	}
	if c.canGrant() && !grants || c.canWait() && !waits {
		c.freed = offset
	}
	return verdict, c.said()
}

func (c *campaignModel) say(change fold.Change, u fold.User, p fold.Place, points int64) {
	c.ev++
	c.changes = append(c.changes, line(c.id, c.ev, change, u, p, points, c.xv))
}

func (c *campaignModel) said() []string {
	said := c.changes
	c.changes = nil
	return said
}

func line(id string, ev int64, change fold.Change, u fold.User, p fold.Place, points, xv int64) string {
	return fmt.Sprintf("%s %d %v %x %+v %+d v%d", id, ev, change, u, p, points, xv)
}

// newest is a member's newest linked entry.
func (c *campaignModel) newest(u fold.User) *entry {
	for i := len(c.history) - 1; i >= 0; i-- {
		if e := &c.history[i]; e.user == u && !e.erased {
			return e
		}
	}
	return nil
}

func (c *campaignModel) granted() (n int64) {
	for _, e := range c.history {
		if e.place.State == fold.Granted { // erased ones keep their seat
			n++
		}
	}
	return n
}

// queue is who waits, in the order of their tickets.
func (c *campaignModel) queue() (queue []*entry) {
	for i := range c.history {
		if e := &c.history[i]; e.place.State == fold.Waiting && !e.erased {
			queue = append(queue, e)
		}
	}
	return queue
}

func (c *campaignModel) lastRank() (n int64) {
	for _, e := range c.history {
		n = max(n, e.place.Rank)
	}
	return n
}

func (c *campaignModel) lastTicket() (n int64) {
	for _, e := range c.history {
		n = max(n, e.place.Ticket)
	}
	return n
}

func (c *campaignModel) room() bool { return c.d.Soft || c.d.Cap < 0 || c.granted() < c.d.Cap }

func (c *campaignModel) canGrant() bool {
	return c.status == fold.Open && c.room() && len(c.queue()) == 0
}

func (c *campaignModel) canWait() bool {
	return c.status == fold.Open && int64(len(c.queue())) < c.d.WaitlistCap
}

// says reports whether an EDIT or a CAP of a writer who may is what is so already.
func (c *campaignModel) says(r fold.Record) bool {
	if r.Xv != c.xv || c.status == fold.Archived {
		return false
	}
	if r.Kind == fold.KindEdit {
		n := *r.Definition
		if n.Key = c.d.Key; c.status != fold.Draft && c.status != fold.Scheduled {
			n.Cap = c.d.Cap
		}
		return reflect.DeepEqual(n, c.d)
	}
	return r.Kind == fold.KindCap && r.Cap == c.d.Cap
}

func (c *campaignModel) decide(r fold.Record, offset, at int64) fold.Verdict {
	switch r.Kind {
	case fold.KindClaim:
		return c.claim(r, offset, at)
	case fold.KindCancel, fold.KindAnswers, fold.KindErase:
		return c.touch(r, offset, at)
	}
	if r.Xv != c.xv {
		return fold.Refused
	}
	return c.manage(r, offset)
}

func (c *campaignModel) claim(r fold.Record, offset, at int64) fold.Verdict {
	var p fold.Place
	if e := c.newest(r.User); e != nil {
		p = e.place
	}
	accept := c.canGrant() || r.Wait && c.canWait()
	switch {
	case c.status != fold.Archived && p.Active():
		return fold.ClaimDuplicate
	case c.status == fold.Draft || c.status == fold.Scheduled:
		return fold.ClaimNotOpen
	case c.status == fold.Paused:
		return fold.ClaimPaused
	case c.status == fold.Closed || c.status == fold.Archived:
		return fold.ClaimClosed
	case p.State == fold.Ended && c.d.Reclaim == fold.ReclaimRefused:
		return fold.ClaimEndedBefore
	case p.State != fold.NoPlace && r.Seen <= p.End:
		return fold.ClaimSuperseded
	case accept && r.Seen <= c.freed:
		return fold.ClaimStale
	case !accept:
		return fold.ClaimFull
	}
	next := fold.Place{Claim: offset, Last: offset, At: at}
	change, verdict, points := fold.GrantedNow, fold.ClaimGranted, c.d.Points
	if c.canGrant() {
		next.State, next.Rank = fold.Granted, c.lastRank()+1
	} else {
		next.State, next.Ticket = fold.Waiting, c.lastTicket()+1
		change, verdict, points = fold.Waitlisted, fold.ClaimWaiting, 0
	}
	c.history = append(c.history, entry{user: r.User, place: next})
	c.say(change, r.User, next, points)
	return verdict
}

// touch is CANCEL, ANSWERS and ERASE.
func (c *campaignModel) touch(r fold.Record, offset, at int64) fold.Verdict {
	e := c.newest(r.User)
	if c.status == fold.Archived {
		e = nil
	}
	named := e != nil && e.place.Active() && e.place.Claim == r.Claim
	gone := c.status == fold.Archived
	switch {
	case r.Kind == fold.KindErase && e == nil:
		return fold.NoEffect
	case r.Kind == fold.KindErase:
		for i := range c.history {
			c.history[i].erased = c.history[i].erased || c.history[i].user == r.User
		}
		c.freed = offset
		c.say(fold.ErasedMember, r.User, fold.Place{}, 0)
	case r.Kind == fold.KindAnswers && (gone || c.status == fold.Closed):
		return fold.Refused
	case r.Kind == fold.KindAnswers && !named:
		return fold.NoEffect
	case r.Kind == fold.KindAnswers:
		e.place.Last = offset
		c.say(fold.AnsweredNow, r.User, e.place, 0)
	case gone || c.status == fold.Draft:
		return fold.Refused
	case r.Claim == 0 && e != nil && e.place.Active():
		return fold.NoEffect
	case r.Claim == 0 && e == nil:
		p := fold.Place{State: fold.Fenced, End: offset, Last: offset}
		c.history = append(c.history, entry{user: r.User, place: p})
		c.say(fold.FencedNow, r.User, p, 0)
	case r.Claim == 0:
		e.place.End, e.place.Last = offset, offset
		c.say(fold.FencedNow, r.User, e.place, 0)
	case !named:
		return fold.NoEffect
	default:
		points := int64(0)
		if e.place.State == fold.Granted {
			points = -c.d.Points
		}
		e.place.State, e.place.End, e.place.Last, e.place.EndedAt = fold.Ended, offset, offset, at
		c.say(fold.EndedNow, r.User, e.place, points)
	}
	return fold.Done
}

// manage is the verbs, EDIT and CAP, of a writer who saw the right version.
func (c *campaignModel) manage(r fold.Record, offset int64) fold.Verdict {
	early := c.status == fold.Draft || c.status == fold.Scheduled
	is := func(list ...fold.Status) bool { return slices.Contains(list, c.status) }
	var may bool
	var change fold.Change
	to := c.status
	switch r.Kind {
	case fold.KindPublish:
		may, to, change = is(fold.Draft), fold.Scheduled, fold.Published
	case fold.KindOpen:
		may, to, change = early, fold.Open, fold.Opened
	case fold.KindPause:
		may, to, change = is(fold.Open), fold.Paused, fold.PausedNow
	case fold.KindResume:
		may, to, change = is(fold.Paused), fold.Open, fold.Resumed
	case fold.KindClose:
		may, to, change = is(fold.Scheduled, fold.Open, fold.Paused), fold.Closed, fold.ClosedNow
	case fold.KindArchive:
		may, to, change = is(fold.Draft, fold.Closed), fold.Archived, fold.ArchivedNow
	case fold.KindCap:
		may, change = !is(fold.Archived), fold.CapChanged
		if may {
			c.d.Cap = r.Cap
		}
	case fold.KindEdit:
		n := *r.Definition
		may = !is(fold.Archived) && (is(fold.Draft) || n.Kind == c.d.Kind && n.Soft == c.d.Soft) && (early || n.Points == c.d.Points)
		change = fold.Edited
		if may {
			if !early {
				n.Cap = c.d.Cap
			}
			n.Key = c.d.Key
			if c.d.Reclaim > n.Reclaim || string(c.d.Eligibility) != string(n.Eligibility) || string(c.d.Form) != string(n.Form) {
				c.freed = offset
			}
			c.d = n
		}
	}
	if !may {
		return fold.Refused
	}
	c.status = to
	c.xv++
	c.say(change, fold.User{}, fold.Place{}, 0)
	return fold.Done
}
