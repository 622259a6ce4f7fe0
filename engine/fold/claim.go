package fold

// claim decides one claim. The order of the rules is part of version 1.
func (c *Campaign) claim(st *Step) Verdict {
	r := &st.Record
	p := c.members[r.User]
	if p.Active() { // rule 2, also after CLOSE: a repeat always finds its place
		return ClaimDuplicate
	}
	if v := c.shut(); v != Done { // rule 3
		return v
	}
	if p.State == Ended && c.Definition.Reclaim == ReclaimRefused { // rule 4
		return ClaimEndedBefore
	}
	if superseded(p, r.Seen) { // rule 5, first half
		return ClaimSuperseded
	}
	grants, waits := c.CanGrant(), r.Wait && c.CanWait()
	switch {
	case (grants || waits) && r.Seen <= c.Freed: // rule 5, second half
		return ClaimStale
	case grants: // rule 6
		c.grant(st, p)
		return ClaimGranted
	case waits: // rule 7
		c.wait(st, p)
		return ClaimWaiting
	}
	return ClaimFull // rule 8
}

// shut is rule 3: why a campaign takes no claims, Done when it does.
func (c *Campaign) shut() Verdict {
	switch c.Status {
	case Open:
		return Done
	case Paused:
		return ClaimPaused
	case Closed, Archived:
		return ClaimClosed
	}
	return ClaimNotOpen
}

// superseded is the first half of rule 5. The claim was under way before the
// member cancelled: a slow copy of an old tap must not undo the cancel. The
// second half is for members who were told "full" and have left: a claim from
// before the campaign freed something is stale and never grants; its writer
// asks whether anybody still waits for it, and writes a new one.
func superseded(p Place, seen int64) bool {
	return (p.State == Ended || p.State == Fenced) && seen <= p.End
}

// grant is rule 6. The new place starts afresh: a rank is for ever, so a second
// grant to the same member is another number.
func (c *Campaign) grant(st *Step, before Place) {
	c.Seq++
	c.Granted++
	after := Place{State: Granted, Rank: c.Seq, Claim: st.Offset, Last: st.Offset, At: st.At}
	t := c.move(st, GrantedNow, st.Record.User, before, after)
	t.Points, t.Sealed = c.Definition.Points, st.Record.Sealed
}

// wait is rule 7.
func (c *Campaign) wait(st *Step, before Place) {
	c.Wseq++
	c.Waiting++
	c.list.push(st.Record.User, c.Wseq)
	after := Place{State: Waiting, Ticket: c.Wseq, Claim: st.Offset, Last: st.Offset, At: st.At}
	c.move(st, Waitlisted, st.Record.User, before, after).Sealed = st.Record.Sealed
}

// settle follows every record that changed the campaign: nobody waits while a
// place is free. Each promotion takes the next rank at this moment, so
// promotion needs no job, no lock and no record of its own.
func (c *Campaign) settle(st *Step) {
	for c.promotes() && c.below() && c.Waiting > 0 {
		u := c.list.pop()
		c.Waiting--
		c.Seq++
		c.Granted++
		before := c.members[u]
		after := before
		after.State, after.Rank, after.Last = Granted, c.Seq, st.Offset
		c.move(st, Promoted, u, before, after).Points = c.Definition.Points
	}
}

// cancel ends the active place that the record names by its claim. A late copy
// names an older place, and cannot end a newer one. Offset 0 is GENESIS, never
// a claim: a CANCEL of claim 0 is a fence.
func (c *Campaign) cancel(st *Step) Verdict {
	r := &st.Record
	p := c.members[r.User]
	switch {
	case c.Status == Draft || c.Status == Archived:
		return Refused
	case r.Claim == 0:
		return c.fence(st, p)
	case !p.Active() || p.Claim != r.Claim:
		return NoEffect
	}
	after := p
	after.State, after.End, after.EndedAt, after.Last = Ended, st.Offset, st.At, st.Offset
	points := c.release(p)
	c.move(st, EndedNow, r.User, p, after).Points = points
	return Done
}

// release takes an active place out of the counters and returns its negative
// points. They are what the grant booked: points do not change once opened.
func (c *Campaign) release(p Place) int64 {
	if p.State == Waiting {
		c.list.remove(p.Ticket)
		c.Waiting--
		return 0
	}
	c.Granted--
	return -c.Definition.Points
}

// fence sets the end offset of a member without an active place, so that a
// claim still under way cannot grant later. A member who has a place is left
// alone: the node sees it now, and cancels it by name. Ended stays Ended (rule
// 4 counts it); a member who never had a place becomes Fenced.
func (c *Campaign) fence(st *Step, p Place) Verdict {
	if p.Active() {
		return NoEffect
	}
	after := p
	after.End, after.Last = st.Offset, st.Offset
	if p.State == NoPlace {
		after.State = Fenced
	}
	c.move(st, FencedNow, st.Record.User, p, after)
	return Done
}

// answer notes that the member changed the answers of the place it names. The
// answers ride sealed; only the ledger opens them.
func (c *Campaign) answer(st *Step) Verdict {
	r := &st.Record
	p := c.members[r.User]
	if c.Status == Closed || c.Status == Archived {
		return Refused
	}
	if !p.Active() || p.Claim != r.Claim {
		return NoEffect
	}
	after := p
	after.Last = st.Offset
	c.move(st, AnsweredNow, r.User, p, after).Sealed = r.Sealed
	return Done
}

// erase unlinks a member. A granted seat stays counted and its rank stays
// taken: erasing frees nothing. A waiting place leaves the list, because nobody
// could ever take its promotion. With the entry its end offset is lost, so
// every claim older than this record becomes stale instead.
func (c *Campaign) erase(st *Step) Verdict {
	u := st.Record.User
	p := c.members[u]
	if p.State == NoPlace {
		return NoEffect
	}
	if p.State == Waiting {
		c.release(p)
	}
	c.Freed = st.Offset
	c.move(st, ErasedMember, u, p, Place{})
	return Done
}
