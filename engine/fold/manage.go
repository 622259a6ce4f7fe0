package fold

import (
	"bytes"

	"github.com/cespare/xxhash/v2"
)

// verbs moves a campaign from one status to the next. Every node's scheduler
// may say the same; the version in the record lets only the first count.
var verbs = [...]struct {
	from   statuses
	to     Status
	change Change
}{
	KindPublish: {from: of(Draft), to: Scheduled, change: Published},
	KindOpen:    {from: of(Draft, Scheduled), to: Open, change: Opened},
	KindPause:   {from: of(Open), to: Paused, change: PausedNow},
	KindResume:  {from: of(Paused), to: Open, change: Resumed},
	KindClose:   {from: of(Scheduled, Open, Paused), to: Closed, change: ClosedNow},
	KindArchive: {from: of(Draft, Closed), to: Archived, change: ArchivedNow},
}

// statuses is a set of them.
type statuses uint8

func of(list ...Status) (s statuses) {
	for _, status := range list {
		s |= 1 << status
	}
	return s
}

func (s statuses) has(status Status) bool { return s&(1<<status) != 0 }

// current reports whether the record's writer saw this version of the campaign.
// Every change that an admin or the scheduler makes raises it by one, so of two
// that saw the same only the first is applied.
func (c *Campaign) current(r *Record) bool { return r.Xv == c.Xv }

// verb carries out PUBLISH, OPEN, PAUSE, RESUME, CLOSE and ARCHIVE.
func (c *Campaign) verb(st *Step) Verdict {
	v := &verbs[st.Record.Kind]
	if !c.current(&st.Record) || !v.from.has(c.Status) {
		return Refused
	}
	c.Status = v.to
	c.Xv++
	if c.Status == Archived {
		c.bury()
	}
	c.emit(st, Transition{Change: v.change})
	return Done
}

// bury leaves a tombstone: id, definition and final counters. The members are
// the ledger's now; the id is never used again.
func (c *Campaign) bury() { c.members, c.list, c.sum = nil, waitlist{}, 0 }

// setCap changes the cap. Below the granted number it takes nothing away; above
// it, the waiting list moves up in the same step.
func (c *Campaign) setCap(st *Step) Verdict {
	r := &st.Record
	if !c.current(r) || c.Status == Archived {
		return Refused
	}
	d := c.Definition
	d.Cap = r.Cap
	if c.unchanged(st, &d) {
		return NoEffect
	}
	c.redefine(st, CapChanged, &d)
	return Done
}

// edit replaces the definition. What else an open campaign may not change is
// the engine's to check; the fold keeps only what its own books rest on.
func (c *Campaign) edit(st *Step) Verdict {
	r := &st.Record
	if !c.current(r) || !c.editable(r.Definition) {
		return Refused
	}
	d := *r.Definition
	d.Key = c.Definition.Key // sealed places need it for ever
	if c.begun() {
		d.Cap = c.Definition.Cap // changes through CAP, which says so in the book
	}
	if c.unchanged(st, &d) {
		return NoEffect
	}
	if loosens(&c.Definition, &d) {
		c.Freed = st.Offset
	}
	c.redefine(st, Edited, &d)
	return Done
}

// begun reports whether there may be places already.
func (c *Campaign) begun() bool { return c.Status != Draft && c.Status != Scheduled }

// editable reports whether the status allows this change: kind and mode are
// settled when the draft is published, points when the campaign opens, because
// the end of a grant books back what the grant booked.
func (c *Campaign) editable(to *Definition) bool {
	from := &c.Definition
	switch {
	case c.Status == Archived:
		return false
	case c.Status != Draft && (from.Kind != to.Kind || from.Soft != to.Soft):
		return false
	}
	return !c.begun() || from.Points == to.Points
}

// loosens reports whether somebody who was refused by the old definition might
// be accepted by the new one: then older claims become stale. A longer list is
// found by [opening.frees]. Eligibility and form are opaque here, so any change
// of them counts as looser; it costs a claim under way one more append.
func loosens(from, to *Definition) bool {
	return from.Reclaim == ReclaimRefused && to.Reclaim == ReclaimAllowed ||
		!bytes.Equal(from.Eligibility, to.Eligibility) || !bytes.Equal(from.Form, to.Form)
}

// unchanged is what version 2 of the rules says of an EDIT or a CAP with the
// content that is there already: version, events and freed stay as they are, so
// a repeat whose first answer was lost outdates nobody's view. Version 1 gives
// it a version and an event of its own.
func (c *Campaign) unchanged(st *Step, to *Definition) bool {
	return st.rules >= SameIsNoChange && c.same(to)
}

// redefine puts a new definition in the place of the old one.
func (c *Campaign) redefine(st *Step, change Change, to *Definition) {
	from := c.Definition
	_ = c.define(to)
	c.Xv++
	c.emit(st, Transition{Change: change, From: &from, To: to})
}

// same reports whether a definition says what this campaign's says: its bytes
// are its meaning.
func (c *Campaign) same(to *Definition) bool {
	mine, _ := EncodeDefinition(&c.Definition) // both came out of a record
	theirs, err := EncodeDefinition(to)
	return err == nil && bytes.Equal(mine, theirs)
}

// define sets the definition and its part of the digest. The error is for
// Restore alone: what came out of a record can be encoded, whatever its cap.
func (c *Campaign) define(d *Definition) error {
	b, err := EncodeDefinition(d)
	if err != nil {
		return err
	}
	c.Definition = *d
	c.defined = xxhash.Sum64(append(b, c.ID...))
	return nil
}
