package history

import (
	"fmt"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// step takes an errand one step further.
func (h *hall) step(t *errand) {
	switch o := &t.op; {
	case o.Kind >= Create && o.Kind != CancelFor:
		h.manage(t)
	case t.rec == none && o.Kind == Claim:
		h.claim(t, h.ready(o))
	case t.rec == none && o.Kind == Look:
		h.look(t, h.ready(o))
	case o.Kind == Answer:
		h.change(t, h.ready(o))
	case t.rec == none:
		h.cancel(t, h.ready(o))
	case o.Kind == Claim:
		h.readClaim(t)
	default:
		h.readCancel(t)
	}
}

func (h *hall) claim(t *errand, node *model) {
	o := &t.op
	c := node.byID[o.Campaign]
	if c == nil || c.status == fold.Draft {
		h.answer(t, 404, "not-found")
		return
	}
	u := h.user(o.Member)
	o.Log = engine.LogOffset{Offset: node.next - 1, Known: true}
	if p := c.place(u); p.Active() {
		t.show(c, node.next-1)
		o.Replayed = true
		h.answer(t, 200, "")
		return
	}
	if status, code := refusal(c, c.place(u), o.Waitlist); status != 0 {
		h.answer(t, status, code)
		return
	}
	t.rec = h.append(fold.Record{Kind: fold.KindClaim, Campaign: o.Campaign, User: u, Seen: node.next, Wait: o.Waitlist})
}

func (h *hall) readClaim(t *errand) {
	o, got := &t.op, h.said[t.rec]
	node := h.follow(o.Node, t.rec+1+int64(h.chance(2)))
	o.Log = engine.LogOffset{Offset: t.rec, Known: true}
	switch got.verdict {
	case fold.ClaimGranted:
		o.State, o.Rank, o.Claim = "granted", got.place.Rank, engine.GrantID(0, t.rec)
		h.answer(t, 201, "")
	case fold.ClaimWaiting:
		t.show(node.byID[o.Campaign], t.rec)
		if o.State != "waitlisted" || o.Claim != engine.GrantID(0, t.rec) {
			t.rec = none // it moved on meanwhile: look again
			return
		}
		h.answer(t, 201, "")
	case fold.ClaimSuperseded:
		h.answer(t, 409, "superseded")
	default: // stale, duplicate or a refusal: the fold by now says it again, or takes another
		t.rec = none
		h.claim(t, node)
	}
}

func (h *hall) look(t *errand, node *model) {
	c := node.byID[t.op.Campaign]
	if c == nil || c.status == fold.Draft {
		h.answer(t, 404, "not-found")
		return
	}
	t.show(c, node.next-1)
	h.answer(t, 200, "")
}

func (h *hall) cancel(t *errand, node *model) {
	o := &t.op
	c := node.byID[o.Campaign]
	switch {
	case c == nil || c.status == fold.Draft:
		h.answer(t, 404, "not-found")
		return
	case c.status == fold.Archived:
		h.answer(t, 409, "state-forbids")
		return
	}
	r := fold.Record{Kind: fold.KindCancel, Campaign: o.Campaign, User: h.user(o.Member)}
	if o.Kind == CancelFor {
		r.Actor = "anna"
	}
	if p := c.place(r.User); p.Active() {
		r.Claim = p.Claim
	}
	t.rec = h.append(r)
}

func (h *hall) readCancel(t *errand) {
	o, got := &t.op, h.said[t.rec]
	node := h.follow(o.Node, t.rec+1+int64(h.chance(2)))
	switch {
	case got.verdict == fold.Refused:
		h.answer(t, 409, "state-forbids")
	case got.verdict != fold.Done:
		t.rec = none // another place by now
		h.cancel(t, node)
	case got.place.State == fold.Fenced:
		h.answer(t, 404, "not-found")
	default:
		t.show(node.byID[o.Campaign], t.rec)
		if o.State == "none" { // archived meanwhile
			o.State = "cancelled"
		}
		h.answer(t, 200, "")
	}
}

// change is a change of answers.
func (h *hall) change(t *errand, node *model) {
	o := &t.op
	if t.rec != none {
		o.Log = engine.LogOffset{Offset: t.rec, Known: true}
		h.answer(t, map[fold.Verdict]int{fold.Done: 200, fold.NoEffect: 404, fold.Refused: 409}[h.said[t.rec].verdict],
			map[fold.Verdict]string{fold.Done: "", fold.NoEffect: "not-found", fold.Refused: "state-forbids"}[h.said[t.rec].verdict])
		return
	}
	c := node.byID[o.Campaign]
	if c == nil || c.status == fold.Draft || !c.place(h.user(o.Member)).Active() {
		h.answer(t, 404, "not-found")
		return
	}
	t.rec = h.append(fold.Record{Kind: fold.KindAnswers, Campaign: o.Campaign, User: h.user(o.Member), Claim: c.place(h.user(o.Member)).Claim})
}

var deeds = map[Kind]fold.Kind{Publish: fold.KindPublish, Open: fold.KindOpen, Pause: fold.KindPause, Resume: fold.KindResume,
	Close: fold.KindClose, Archive: fold.KindArchive, SetCap: fold.KindCap, Edit: fold.KindEdit, Erase: fold.KindErase}

func (h *hall) manage(t *errand) {
	o := &t.op
	c := h.truth.byID[o.Campaign]
	r := fold.Record{Kind: deeds[o.Kind], Campaign: o.Campaign, Xv: c.xv, Cap: o.Cap, Actor: "anna"}
	switch o.Kind {
	case Erase:
		r.User = h.user(o.Member)
	case Edit:
		d := c.d
		d.Title, d.WaitlistCap, d.Reclaim = fmt.Sprint(h.now), int64(h.chance(4)), uint8(h.chance(2))
		r.Definition = &d
	}
	if v := h.said[h.append(r)].verdict; v == fold.Refused {
		h.answer(t, 412, "precondition-failed")
		return
	}
	h.answer(t, 200, "")
}
