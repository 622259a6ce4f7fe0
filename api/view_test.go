package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"firstcome/engine"
)

func viewOf(t *testing.T, h *house, subject, query string) (parts map[string]json.RawMessage, late map[string]string) {
	t.Helper()
	w := h.ask("GET /v1/view" + query)
	if subject != "" {
		w = h.member(subject, "GET /v1/view"+query)
	}
	want(t, w, 200, "")
	if err := json.Unmarshal(w.Body.Bytes(), &parts); err != nil {
		t.Fatal(err)
	}
	var list []struct{ Part, Reason string }
	if err := json.Unmarshal(parts["late"], &list); err != nil {
		t.Fatal(err)
	}
	late = map[string]string{}
	for _, l := range list {
		late[l.Part] = l.Reason
	}
	delete(parts, "late")
	return parts, late
}

// TestViewEqualsItsParts: the same values as the separate calls.
func TestViewEqualsItsParts(t *testing.T) {
	h, b := newCorkHouse(t)
	for i := range 60 { // more than a page
		b.all = append(b.all, engine.Notice{ID: fmt.Sprint("n", i), Title: "t", Body: "<b>", Level: "info", Version: 1, CreatedAt: noon})
		c := h.campaigns["noon"]
		c.ID = fmt.Sprint("c", i)
		h.campaigns[c.ID] = c
	}
	h.world.history = []engine.Claim{granted()}
	parts, late := viewOf(t, h, "alice", "?campaign_id=noon")
	calls := map[string]string{"time": "/v1/time", "campaigns": "/v1/campaigns", "campaign": "/v1/campaigns/noon", "me": "/v1/campaigns/noon/claims/me",
		"points": "/v1/me/points", "notices": "/v1/notices"}
	if len(late) != 0 || !slices.Equal(slices.Sorted(maps.Keys(parts)), slices.Sorted(maps.Keys(calls))) {
		t.Fatalf("%d parts, late %v", len(parts), late)
	}
	for name, path := range calls {
		if own := h.member("alice", "GET "+path).Body.Bytes(); string(own) != string(parts[name]) {
			t.Errorf("%s: the view has\n%s\nits own call\n%s", name, parts[name], own)
		}
	}
}

func TestViewOfAPasserBy(t *testing.T) {
	h, _ := newCorkHouse(t)
	parts, late := viewOf(t, h, "", "")
	if want := map[string]string{"me": "unauthenticated", "points": "unauthenticated"}; !maps.Equal(late, want) {
		t.Errorf("late: %v", late)
	}
	for name, body := range parts {
		if null := string(body) == "null"; null != slices.Contains([]string{"campaign", "me", "points"}, name) {
			t.Errorf("%s is %s", name, body)
		}
	}
	_, late = viewOf(t, h, "alice", "?campaign_id=never")
	if want := map[string]string{"campaign": "not-found", "me": "not-found"}; !maps.Equal(late, want) {
		t.Errorf("late: %v", late)
	}
	if _, late = viewOf(t, h, "alice", ""); len(late) != 0 {
		t.Errorf("nobody asked for a campaign: %v", late)
	}
	want(t, h.ask("GET /v1/view?campaign_id=A"), 422, "invalid")
}

// hanging is a port that answers after 2 s, whatever its context says.
type hanging struct {
	*corkboard
	world *world
	part  string
	free  chan struct{}
}

func (g *hanging) wait(part string) {
	if g.part == part {
		select {
		case <-time.After(2 * time.Second):
		case <-g.free:
		}
	}
}

func (g *hanging) Notices(ctx context.Context, seen int64) (int64, []engine.Notice, error) {
	g.wait("notices")
	return g.corkboard.Notices(ctx, seen)
}

func (g *hanging) History(ctx context.Context, m engine.Member, r engine.Read) ([]engine.Claim, error) {
	g.wait("points")
	return g.world.History(ctx, m, r)
}

func (g *hanging) Mine(ctx context.Context, id string, m engine.Member, r engine.Read) (engine.Claim, error) {
	g.wait("me")
	return g.world.Mine(ctx, id, m, r)
}

type slowClaims struct {
	Claims
	*hanging
}

func (s slowClaims) History(ctx context.Context, m engine.Member, r engine.Read) ([]engine.Claim, error) {
	return s.hanging.History(ctx, m, r)
}

func (s slowClaims) Mine(ctx context.Context, id string, m engine.Member, r engine.Read) (engine.Claim, error) {
	return s.hanging.Mine(ctx, id, m, r)
}

// TestViewWaitsForNobody: one part takes 2 s and heeds no deadline; the rest is there
// in its own, whole.
func TestViewWaitsForNobody(t *testing.T) {
	for _, slow := range []string{"notices", "points", "me"} {
		t.Run(slow, func(t *testing.T) {
			w := newWorld()
			g := &hanging{corkboard: &corkboard{}, world: w, part: slow, free: make(chan struct{})}
			h := newHouseOf(t, w, Ports{Notices: g})
			h.server.ports.Claims = slowClaims{h.server.ports.Claims, g}
			defer func() { close(g.free); waitFor(t, func() bool { return h.server.parts.inUse.Load() == 0 }) }()
			start := time.Now()
			parts, late := viewOf(t, h, "alice", "?campaign_id=noon")
			if took := time.Since(start); took > partDeadline+700*time.Millisecond {
				t.Errorf("took %v", took)
			}
			if !reflect.DeepEqual(late, map[string]string{slow: "timeout"}) {
				t.Errorf("late: %v", late)
			}
			for name, body := range parts {
				if (string(body) == "null") != (name == slow) {
					t.Errorf("%s is %s", name, body)
				}
			}
		})
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.After(10 * time.Second); !ok(); {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("never happened")
		}
	}
}

// When parts hang, their number is bounded and the view goes on without them.
func TestViewIsBounded(t *testing.T) {
	h, _ := newCorkHouse(t)
	h.server.parts = newLane(0)
	_, late := viewOf(t, h, "alice", "")
	if len(late) != 4 || late["notices"] != "overloaded" {
		t.Errorf("late: %v", late)
	}
}

// A bug in a part is that part's loss.
func TestViewOutlivesABug(t *testing.T) {
	h, _ := newCorkHouse(t)
	h.mine = func() (engine.Claim, error) { panic("a bug") }
	if _, late := viewOf(t, h, "alice", "?campaign_id=noon"); !maps.Equal(late, map[string]string{"me": "internal"}) {
		t.Errorf("late: %v", late)
	}
}

// A view counts as one request of its member.
func TestViewCountsOnce(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Limits.Member = Rate{PerSecond: 0.001, Burst: 3} })
	for range 3 {
		want(t, h.member("alice", "GET /v1/view"), 200, "")
	}
	want(t, h.member("alice", "GET /v1/view"), 429, "rate-limited")
	want(t, h.ask("GET /v1/view"), 200, "")
}
