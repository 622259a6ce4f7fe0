package gatetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"firstcome/engine"
)

var rosterTime = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// present is who signed, "name rules" each, in order.
func (r *rig) present() string {
	r.t.Helper()
	all, err := r.Roster.Present(r.ctx)
	r.must(err)
	names := make([]string, 0, len(all))
	for _, p := range all {
		name := p.Node + " " + string('0'+p.Rules)
		if p.Left {
			name += " left"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (r *rig) sign(node string, rules uint8, after time.Duration, left bool) {
	r.t.Helper()
	r.must(r.Roster.Sign(r.ctx, engine.Presence{Node: node, Rules: rules, Roles: engine.Roles{"api"}, SaidAt: rosterTime.Add(after), Left: left}))
}

func (r *rig) presents(want string) {
	r.t.Helper()
	if got := r.present(); got != want {
		r.t.Fatalf("present are %q, not %q", got, want)
	}
}

func testRoster(t *testing.T, s Subject) {
	r := newRig(t, s)
	r.must(r.Redis.Del(r.ctx, "fc:nodes").Err()) // every cluster has one roster
	r.presents("")
	r.sign("a", 1, 0, false)
	r.sign("b", 1, 0, false)
	r.sign("a", 2, time.Second, false)
	r.presents("a 2, b 1")
	r.sign("b", 1, 2*time.Second, true)
	r.presents("a 2, b 1 left")
	r.sign("c", 2, 62*time.Second, false) // b spoke just in time, a did not
	r.presents("b 1 left, c 2")
	if err := r.Roster.Sign(r.ctx, engine.Presence{}); err == nil {
		t.Fatal("a node without a name has signed")
	}
	if err := r.Roster.Sign(r.ctx, engine.Presence{Node: "d", Build: strings.Repeat("x", 5000)}); err == nil {
		t.Fatal("a node that says too much has signed")
	}
}

func testDamagedRoster(t *testing.T, s Subject) {
	r := newRig(t, s)
	r.must(r.Redis.Del(r.ctx, "fc:nodes").Err())
	r.sign("a", 1, 0, false)
	r.must(r.Redis.HSet(r.ctx, "fc:nodes", "b", "rubbish", "c", `{"node":"other"}`).Err())
	r.presents("a 1")
	if n := r.Redis.HLen(r.ctx, "fc:nodes").Val(); n != 1 {
		t.Fatalf("%d words are kept, not 1", n)
	}
	r.must(r.Redis.Del(r.ctx, "fc:nodes").Err())
	r.must(r.Redis.SAdd(r.ctx, "fc:nodes", "x").Err())
	if _, err := r.Roster.Present(r.ctx); err == nil {
		t.Fatal("a set was read as a roster")
	}
	r.sign("a", 1, 0, false)
	r.presents("a 1")
}
