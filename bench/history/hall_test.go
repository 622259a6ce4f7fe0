package history

import (
	"fmt"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// chance draws numbers below n: rapid's in tests, a plain generator's in
// benchmarks.
type chance func(n int) int

// hall plays an honest run: nodes that follow one log at their own pace, and
// members who ask them. It is how the engine should work, told as plainly as
// possible: each node is a model of its own, up to 100 ms behind.
type hall struct {
	chance
	now   time.Duration
	e     *Evidence
	truth *model
	nodes []*model
	said  []outcome // of each record
	open  []*errand
	away  bool // the log may be
	asked map[[2]string]bool
}

// outcome is what the rules said of one record, and its member's place after it.
type outcome struct {
	at      time.Duration
	verdict fold.Verdict
	place   fold.Place
}

// errand is one operation under way.
type errand struct {
	op       Op
	rec      int64 // its record, none while it has none
	reliable bool
}

var began = time.UnixMilli(1_800_000_000_000)

const halls = 3 // nodes

func newHall(c chance, campaigns map[string]fold.Definition) *hall {
	h := &hall{chance: c, truth: newModel(0), asked: map[[2]string]bool{},
		e: &Evidence{Topic: "t", Log: make([][]engine.LogRecord, 1), Users: map[string]fold.User{}, Gate: map[string]GateCount{}, Healed: true}}
	for range halls {
		h.nodes = append(h.nodes, newModel(0))
	}
	h.append(fold.Record{Kind: fold.KindGenesis, Partitions: 1})
	for _, id := range []string{"a", "b"} {
		if d, ok := campaigns[id]; ok {
			h.append(fold.Record{Kind: fold.KindCampaign, Campaign: id, Definition: &d})
		}
	}
	return h
}

func (h *hall) user(member string) (u fold.User) {
	copy(u[:], member)
	h.e.Users[member] = u
	return u
}

// append puts a record into the log, and returns its offset.
func (h *hall) append(r fold.Record) int64 {
	value, err := fold.Encode(&r)
	if err != nil {
		panic(err)
	}
	return h.put(value, r)
}

func (h *hall) put(value []byte, r fold.Record) int64 {
	rec := engine.LogRecord{Offset: int64(len(h.said)), At: began.Add(h.now).UnixMilli() - int64(h.chance(5)), Value: value}
	h.e.Log[0] = append(h.e.Log[0], rec)
	_, verdict := h.truth.apply(&rec)
	o := outcome{at: h.now, verdict: verdict}
	if c := h.truth.byID[r.Campaign]; c != nil {
		o.place = c.place(r.User)
	}
	h.said = append(h.said, o)
	return rec.Offset
}

// follow brings a node up to an offset.
func (h *hall) follow(n int, next int64) *model {
	m := h.nodes[n]
	for m.next < min(next, int64(len(h.said))) {
		m.apply(&h.e.Log[0][m.next])
	}
	return m
}

// ready brings a node as far as a request asks, and perhaps further.
func (h *hall) ready(o *Op) *model {
	m := h.nodes[o.Node]
	next := m.next
	for next < int64(len(h.said)) && (o.Exact || h.said[next].at <= h.now-stale) {
		next++
	}
	if o.After.Known {
		next = max(next, o.After.Offset+1)
	}
	return h.follow(o.Node, next+int64(h.chance(3)))
}

// ask begins an operation.
func (h *hall) ask(o Op) *errand {
	h.user(o.Member)
	o.Call = h.now
	t := &errand{op: o, rec: none}
	h.open = append(h.open, t)
	return t
}

// answer ends one; its answer may be lost on the way.
func (h *hall) answer(t *errand, status int, code string) {
	for i, other := range h.open {
		if other == t {
			h.open = append(h.open[:i], h.open[i+1:]...)
			break
		}
	}
	o := t.op
	o.Return, o.Status, o.Code = h.now, status, code
	if !t.reliable && h.chance(8) == 0 || status == 0 {
		o = Op{Kind: o.Kind, Campaign: o.Campaign, Member: o.Member, Node: o.Node, Call: o.Call, Return: h.now * time.Duration(h.chance(2)),
			Waitlist: o.Waitlist, Exact: o.Exact, After: o.After, Cap: o.Cap}
	}
	h.e.Ops = append(h.e.Ops, o)
}

// show puts a place into an answer as a node sees it now.
func (t *errand) show(c *course, last int64) {
	o := &t.op
	u := fold.User{}
	copy(u[:], o.Member)
	p := c.place(u)
	o.Log = engine.LogOffset{Offset: last, Known: true}
	o.State, o.Rank, o.Position, o.Claim = "none", 0, 0, ""
	switch p.State {
	case fold.Granted:
		o.State, o.Rank = "granted", p.Rank
	case fold.Waiting:
		o.State = "waitlisted"
		for _, m := range c.members {
			if m.now.State == fold.Waiting && m.now.Ticket <= p.Ticket {
				o.Position++
			}
		}
	case fold.Ended:
		o.State, o.Rank = "cancelled", p.Rank
	}
	if p.State != fold.NoPlace && p.State != fold.Fenced {
		o.Claim = engine.GrantID(0, p.Claim)
	}
}

// refusal is what a node says no with, empty when it would take the claim.
func refusal(c *course, p fold.Place, wait bool) (status int, code string) {
	switch {
	case c.status == fold.Scheduled:
		return 409, "not-open-yet"
	case c.status == fold.Paused:
		return 409, "campaign-paused"
	case c.status == fold.Closed || c.status == fold.Archived:
		return 410, "campaign-closed"
	case p.State == fold.Ended && c.d.Reclaim == fold.ReclaimRefused:
		return 409, "already-cancelled"
	case c.d.Soft && c.d.Cap >= 0 && c.granted >= c.d.Cap, !c.canGrant() && !(wait && c.canWait()):
		return 409, "sold-out"
	}
	return 0, ""
}

func (h *hall) String() string {
	return fmt.Sprintf("%d records, %d operations", len(h.said), len(h.e.Ops))
}
