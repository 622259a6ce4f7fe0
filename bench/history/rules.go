package history

import (
	"bytes"

	"firstcome/engine/fold"
)

func (c *course) room() bool     { return c.d.Soft || c.d.Cap == fold.NoCap || c.granted < c.d.Cap }
func (c *course) canGrant() bool { return c.status == fold.Open && c.room() && c.waiting == 0 }
func (c *course) canWait() bool  { return c.status == fold.Open && c.waiting < c.d.WaitlistCap }

// decide is one record about this campaign, and what follows from it.
func (c *course) decide(r *fold.Record) (verdict fold.Verdict) {
	grants, waits := c.canGrant(), c.canWait()
	switch r.Kind {
	case fold.KindClaim:
		verdict = c.claim(r)
	case fold.KindCancel:
		verdict = c.cancel(r)
	case fold.KindAnswers:
		verdict = c.answer(r)
	case fold.KindErase:
		verdict = c.erase(r)
	default:
		verdict = fold.Refused
		if r.Xv == c.xv {
			verdict = c.manage(r)
		}
	}
	c.promote(r.Actor)
	if c.canGrant() && !grants || c.canWait() && !waits {
		c.freed = c.model.next
	}
	c.mark()
	return verdict
}

func (c *course) claim(r *fold.Record) fold.Verdict {
	m := c.member(r.User)
	p := c.place(r.User)
	accepts := c.canGrant() || r.Wait && c.canWait()
	switch {
	case p.Active():
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
	case accepts && r.Seen <= c.freed:
		return fold.ClaimStale
	case !accepts:
		return fold.ClaimFull
	}
	next := fold.Place{Claim: c.model.next, Last: c.model.next, At: c.model.at}
	if !c.canGrant() {
		c.wseq++
		c.waiting++
		next.State, next.Ticket = fold.Waiting, c.wseq
		c.queue = append(c.queue, waiter{r.User, c.wseq})
		c.put(m, next)
		c.say(fold.Waitlisted, r.User, next, 0, r.Actor)
		return fold.ClaimWaiting
	}
	c.seq++
	c.granted++
	next.State, next.Rank = fold.Granted, c.seq
	c.put(m, next)
	c.say(fold.GrantedNow, r.User, next, c.d.Points, r.Actor)
	return fold.ClaimGranted
}

func (c *course) promote(actor string) {
	for (c.status == fold.Open || c.status == fold.Closed && !c.d.EndPromotion) && c.room() && c.waiting > 0 {
		w := c.queue[0]
		c.queue = c.queue[1:]
		m := c.members[w.user]
		if m.now.State != fold.Waiting || m.now.Ticket != w.ticket {
			continue // left the list before
		}
		c.seq++
		c.granted++
		c.waiting--
		p := m.now
		p.State, p.Rank, p.Last = fold.Granted, c.seq, c.model.next
		c.put(m, p)
		c.say(fold.Promoted, w.user, p, c.d.Points, actor)
	}
}

func (c *course) cancel(r *fold.Record) fold.Verdict {
	p := c.place(r.User)
	switch {
	case c.status == fold.Draft || c.status == fold.Archived:
		return fold.Refused
	case p.Active() && (r.Claim == 0 || r.Claim != p.Claim), !p.Active() && r.Claim != 0:
		return fold.NoEffect
	}
	what, points := fold.FencedNow, int64(0)
	switch p.State {
	case fold.Granted:
		c.granted--
		what, points = fold.EndedNow, -c.d.Points
	case fold.Waiting:
		c.waiting--
		what = fold.EndedNow
	case fold.NoPlace:
		p.State = fold.Fenced
	}
	if what == fold.EndedNow {
		p.State, p.EndedAt = fold.Ended, c.model.at
	}
	p.End, p.Last = c.model.next, c.model.next
	m := c.member(r.User)
	m.cancels = append(m.cancels, c.model.next)
	c.put(m, p)
	m.spells[len(m.spells)-1].admin = r.Actor != ""
	c.say(what, r.User, p, points, r.Actor)
	return fold.Done
}

func (c *course) answer(r *fold.Record) fold.Verdict {
	p := c.place(r.User)
	switch {
	case c.status == fold.Closed || c.status == fold.Archived:
		return fold.Refused
	case !p.Active() || p.Claim != r.Claim:
		return fold.NoEffect
	}
	m := c.member(r.User)
	m.now.Last = c.model.next
	m.answers = append(m.answers, c.model.next)
	c.say(fold.AnsweredNow, r.User, m.now, 0, r.Actor)
	return fold.Done
}

// erase takes the member's link away. A grant stays counted; who waited leaves.
func (c *course) erase(r *fold.Record) fold.Verdict {
	p := c.place(r.User)
	if p.State == fold.NoPlace {
		return fold.NoEffect
	}
	if p.State == fold.Waiting {
		c.waiting--
	}
	c.freed = c.model.next
	c.put(c.member(r.User), fold.Place{})
	c.say(fold.ErasedMember, r.User, fold.Place{}, 0, r.Actor)
	return fold.Done
}

// manage is what admins and the scheduler do, the version being right.
func (c *course) manage(r *fold.Record) fold.Verdict {
	begun := c.status != fold.Draft && c.status != fold.Scheduled
	d, to, what := c.d, c.status, fold.Edited
	switch s := c.status; {
	case r.Kind == fold.KindPublish && s == fold.Draft:
		to, what = fold.Scheduled, fold.Published
	case r.Kind == fold.KindOpen && !begun:
		to, what = fold.Open, fold.Opened
	case r.Kind == fold.KindPause && s == fold.Open:
		to, what = fold.Paused, fold.PausedNow
	case r.Kind == fold.KindResume && s == fold.Paused:
		to, what = fold.Open, fold.Resumed
	case r.Kind == fold.KindClose && (s == fold.Scheduled || s == fold.Open || s == fold.Paused):
		to, what = fold.Closed, fold.ClosedNow
	case r.Kind == fold.KindArchive && (s == fold.Draft || s == fold.Closed):
		to, what = fold.Archived, fold.ArchivedNow
		c.gone = c.model.next
	case r.Kind == fold.KindCap && s != fold.Archived:
		d.Cap, what = r.Cap, fold.CapChanged
	case r.Kind == fold.KindEdit && s != fold.Archived:
		n := *r.Definition
		if s != fold.Draft && (n.Kind != d.Kind || n.Soft != d.Soft) || begun && n.Points != d.Points {
			return fold.Refused
		}
		n.Key = d.Key
		if begun {
			n.Cap = d.Cap
		}
		d = n
	default:
		return fold.Refused
	}
	if to == c.status && c.model.rules >= 2 && same(&d, &c.d) {
		return fold.NoEffect
	}
	if d.Reclaim < c.d.Reclaim || !bytes.Equal(d.Eligibility, c.d.Eligibility) || !bytes.Equal(d.Form, c.d.Form) {
		c.freed = c.model.next
	}
	c.d, c.status = d, to
	c.xv++
	c.say(what, fold.User{}, fold.Place{}, 0, r.Actor)
	return fold.Done
}
