package history

import (
	"fmt"
	"time"

	"firstcome/engine/fold"
)

// oracle judges answers the slow way: for each it tries every state that the
// answer may rest on, and asks what a node would have said there. Whatever it
// allows could have been said by an honest engine. It is the judge's judge.
type oracle struct {
	e      *Evidence
	states []*model // after each record
	recs   []fold.Record
	done   []bool // the record was a CANCEL or ANSWERS that counted
}

func newOracle(e *Evidence) *oracle {
	o := &oracle{e: e}
	for n := range e.Log[0] {
		m := newModel(0)
		var verdict fold.Verdict
		var rec fold.Record
		for i := range n + 1 {
			rec, verdict = m.apply(&e.Log[0][i])
		}
		o.states, o.recs, o.done = append(o.states, m), append(o.recs, rec), append(o.done, verdict == fold.Done)
	}
	return o
}

// complains names the first answer that no honest engine gives.
func (r *oracle) complains() string {
	for i := range r.e.Ops {
		o := &r.e.Ops[i]
		if o.Status == 0 || !o.own() || o.Kind == Erase || len(r.e.Away) > 0 && (o.Status == 202 || o.Status == 503 && o.RetryAfter) || o.Status == 429 {
			continue
		}
		if why := r.wrong(o); why != "" {
			return fmt.Sprintf("%s: %+v", why, *o)
		}
	}
	return ""
}

func (r *oracle) wrong(o *Op) string {
	if o.Log.Known && (o.Log.Offset >= int64(len(r.states)) || o.Log.Partition != 0) {
		return "no such record"
	}
	lo, seen, exact, hi := r.window(o)
	if o.Kind == Claim && o.Code == "superseded" && o.Status == 409 {
		if !r.ended(o, seen, hi, fold.Ended) && !r.ended(o, seen, hi, fold.Fenced) {
			return "not superseded"
		}
		return ""
	}
	if o.Kind == Cancel || o.Kind == CancelFor {
		switch {
		case o.Status == 200 && o.Kind == Cancel && o.Log.Known:
			exact, hi = max(exact, o.Log.Offset-1), min(hi, o.Log.Offset)
			fallthrough
		case o.Status == 200:
			if !r.ended(o, exact, hi, fold.Ended) {
				return "no cancel"
			}
			if o.State == "cancelled" || o.State == "" {
				return ""
			}
			_, _, _, hi = r.window(o)
		case o.Status == 404 && r.ended(o, exact, hi, fold.Fenced):
			return ""
		}
	}
	if o.Kind == Answer && o.Status == 200 {
		for s := max(0, exact+1); s <= hi; s++ {
			if rec := &r.recs[s]; rec.Kind == fold.KindAnswers && r.done[s] && rec.User == r.e.Users[o.Member] && rec.Campaign == o.Campaign {
				return ""
			}
		}
		return "not changed"
	}
	for s := lo; s <= hi; s++ {
		if s < 0 && o.Status == 404 || s >= 0 && r.says(o, r.states[s]) {
			return ""
		}
	}
	return fmt.Sprintf("at no state from %d to %d", lo, hi)
}

// ended reports whether a CANCEL of the member counted after from, up to hi,
// and left this; a cancel's answer names the claim that has ended.
func (r *oracle) ended(o *Op, from, hi int64, state fold.PlaceState) bool {
	for s := max(0, from+1); s <= hi; s++ {
		rec := &r.recs[s]
		if rec.Kind != fold.KindCancel || !r.done[s] || rec.User != r.e.Users[o.Member] || rec.Campaign != o.Campaign {
			continue
		}
		p := r.states[s].byID[o.Campaign].place(rec.User)
		if p.State == state && (o.Claim == "" || o.State != "cancelled" || claimOf(o.Claim) == p.Claim) {
			return true
		}
	}
	return false
}

// window is the states that an answer may rest on, by what others were told.
func (r *oracle) window(o *Op) (lo, seen, exact, hi int64) {
	lo, seen, exact, hi = -1, -1, -1, int64(len(r.states))-1
	for i := range r.e.Ops {
		y := &r.e.Ops[i]
		if y.Status == 0 {
			continue
		}
		p := r.proves(y)
		if y.Return < o.Call {
			exact = max(exact, p)
			if y.Campaign == o.Campaign && y.Member == o.Member && y.Node == o.Node {
				seen = max(seen, p)
			}
		}
		if y.Return < o.Call-stale {
			lo = max(lo, p)
		}
	}
	for s := range r.recs {
		if at := r.cause(s); at > o.Return && int64(s) <= hi {
			hi = int64(s) - 1
		}
	}
	if o.After.Known {
		seen = max(seen, o.After.Offset)
	}
	if o.Exact {
		lo, seen = exact, max(seen, exact)
	}
	lo, exact = max(lo, seen), max(exact, -1)
	if o.Log.Known && o.Kind != Cancel {
		lo = max(lo, o.Log.Offset)
	}
	return lo, seen, exact, hi
}

// cause is the earliest request that a record can be of.
func (r *oracle) cause(s int) time.Duration {
	first, rec := time.Duration(never), &r.recs[s]
	kind, ok := map[fold.Kind]Kind{fold.KindClaim: Claim, fold.KindCancel: Cancel, fold.KindAnswers: Answer}[rec.Kind]
	if !ok || rec.Actor != "" {
		return -1
	}
	for i := range r.e.Ops {
		if o := &r.e.Ops[i]; o.Kind == kind && o.Campaign == rec.Campaign && r.e.Users[o.Member] == rec.User {
			first = min(first, o.Call)
		}
	}
	return first
}

// proves is the newest record that an answer shows to be in the log.
func (r *oracle) proves(o *Op) int64 {
	at := int64(-1)
	if o.Log.Known && o.own() {
		at = o.Log.Offset
	}
	if o.own() && (o.State == "granted" || o.State == "waitlisted" && o.Claim != "") {
		for s, m := range r.states {
			if c := m.byID[o.Campaign]; c != nil && r.holds(o, c) {
				return max(at, int64(s))
			}
		}
	}
	return at
}

func (r *oracle) holds(o *Op, c *course) bool {
	p := c.place(r.e.Users[o.Member])
	if o.Claim != "" && p.Claim != claimOf(o.Claim) {
		return false
	}
	return o.State == "granted" && p.State == fold.Granted && p.Rank == o.Rank || o.State == "waitlisted" && p.State == fold.Waiting
}

// says reports whether a node with this state would answer so.
func (r *oracle) says(o *Op, m *model) bool {
	c := m.byID[o.Campaign]
	if c == nil || c.status == fold.Draft {
		return o.Status == 404 && o.Code == "not-found" || o.Kind == CancelFor && o.Status == 409 && o.Code == "state-forbids"
	}
	p := c.place(r.e.Users[o.Member])
	member := p.State == fold.Granted || p.State == fold.Waiting
	if o.Status == 200 || o.Status == 201 && o.Kind == Claim {
		t := &errand{op: *o}
		t.show(c, 0)
		now := t.op
		if o.Kind == Look && (c.status == fold.Archived || o.State == "") { // the ledger says it; or it says nothing
			return true
		}
		return now.State == o.State && (!member || now.Rank == o.Rank || o.State == "waitlisted") && (now.Claim == o.Claim || o.Claim == "" || !member) &&
			(now.Position == o.Position || o.Position == 0 || o.State != "waitlisted") && (member || o.Kind == Look)
	}
	if o.Kind == Claim {
		status, code := refusal(c, p, o.Waitlist)
		soft := c.d.Soft && c.status == fold.Open && o.Code == "sold-out" && o.Status == 409
		any := o.Code == "not-eligible" && o.Status == 403 || o.Code == "invalid-answers" && o.Status == 422
		return !member && (any || soft || status == o.Status && code == o.Code)
	}
	switch {
	case o.Kind == Answer:
		return o.Status == 422 || o.Status == 404 && !member || o.Status == 409 && o.Code == "state-forbids" && c.status >= fold.Closed
	case o.Kind == Look:
		return false
	case o.Code == "cancellation-closed" && o.Status == 409:
		return member
	}
	return o.Status == 409 && o.Code == "state-forbids" && c.status == fold.Archived
}
