package history

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"firstcome/engine"
)

// others are answers to put in the place of one that was given.
var others = []Op{
	{Status: 409, Code: "sold-out"}, {Status: 409, Code: "superseded"}, {Status: 409, Code: "already-cancelled"}, {Status: 409, Code: "campaign-paused"},
	{Status: 409, Code: "not-open-yet"}, {Status: 410, Code: "campaign-closed"}, {Status: 404, Code: "not-found"}, {Status: 409, Code: "state-forbids"},
	{Status: 409, Code: "cancellation-closed"}, {Status: 201, State: "granted", Rank: 1}, {Status: 200, State: "granted", Rank: 2},
	{Status: 201, State: "waitlisted", Position: 1}, {Status: 200, State: "cancelled"}, {Status: 200, State: "none"}, {Status: 410, Code: "sold-out"},
	{Status: 500, Code: "internal"}, {Status: 418, Code: "teapot"}, {Status: 200},
}

// mutate changes one answer.
func mutate(c chance, e *Evidence) (before, after Op) {
	e.Ops = slices.Clone(e.Ops)
	var told []int
	for i := range e.Ops {
		if e.Ops[i].Status != 0 && e.Ops[i].own() && e.Ops[i].Kind != Erase {
			told = append(told, i)
		}
	}
	if len(told) == 0 {
		return
	}
	o := &e.Ops[told[c(len(told))]]
	before = *o
	switch c(8) {
	case 0:
		o.Rank += int64(1 - 2*c(2))
	case 1:
		o.Position += int64(1 + c(2))
	case 2:
		o.Log = engine.LogOffset{Offset: max(0, o.Log.Offset+int64(c(12)-4)), Known: true}
	case 3:
		o.Claim = engine.GrantID(0, int64(c(len(e.Log[0]))))
	case 4:
		other := &e.Ops[told[c(len(told))]]
		o.Status, o.Code, o.State, o.Rank, o.Position, o.Claim = other.Status, other.Code, other.State, other.Rank, other.Position, other.Claim
	default:
		n := others[c(len(others))]
		o.Status, o.Code, o.State, o.Rank, o.Position, o.Claim = n.Status, n.Code, n.State, n.Rank, n.Position, n.Claim
	}
	return before, *o
}

// A judge that passes a history passes nothing that an honest engine could not
// have said; and the oracle that says so passes what honest engines say.
func TestOneChangedAnswerIsCaughtOrHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawn(t)
		e := honestRun(c, rapid.IntRange(20, 150).Draw(t, "steps"))
		if why := newOracle(e).complains(); why != "" {
			t.Fatalf("an honest history, but %s", why)
		}
		before, after := mutate(c, e)
		found := Judge(e)
		if len(found) > 0 {
			return
		}
		if why := newOracle(e).complains(); why != "" {
			t.Fatalf("passed, but %s\nwas %+v", why, before)
		}
		_ = after
	})
}
