package api

import (
	"errors"
	"sync"
	"testing"
	"time"

	"firstcome/engine"
)

func atNoon(h *house) {
	h.board = engine.Board{
		Outcomes: map[string]int64{"granted": 7, "repeated": 40, "sold-out": 3, "errors": 1}, Whole: true, Backlog: 2500,
		Pace: engine.Pace{Claims: 51, P50: 250 * time.Microsecond, P95: 6 * time.Millisecond, P99: 11 * time.Millisecond},
		Log:  "ok", Gate: "slow", Ledger: "away",
	}
	h.others = []engine.Presence{
		{Node: "n2", Address: "10.0.0.2:8080", Roles: engine.Roles{"api"}, SaidAt: h.Now().Add(-3 * time.Second), Unready: "the log is still being read"},
		{Node: "n3", Roles: engine.Roles{"stream"}, SaidAt: h.Now().Add(-12 * time.Second)},
	}
}

func TestBoard(t *testing.T) {
	h := newHouse(t)
	atNoon(h)
	got := decode(t, h.admin("viewer", "GET /v1/admin/campaigns/noon/board"))
	for name, want := range map[string]any{"status": "open", "version": 3.0, "granted": 7.0, "remaining": 93.0, "cap": 100.0, "decisions_whole": true, "nodes_complete": true} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	decisions, latency := got["decisions"].(map[string]any), got["latency_ms"].(map[string]any)
	if len(decisions) != 12 || decisions["repeated"] != 40.0 || decisions["sold-out"] != 3.0 || decisions["late"] != 0.0 || decisions["errors"] != 1.0 {
		t.Errorf("decisions are %v", decisions)
	}
	if latency["p50"] != 0.25 || latency["p99"] != 11.0 || latency["claims"] != 51.0 {
		t.Errorf("latency is %v", latency)
	}
	if l := got["ledger"].(map[string]any); l["backlog_rows"] != 2500.0 || l["drain_seconds"] != 0.5 || l["rows_per_second"] != 5000.0 {
		t.Errorf("the ledger is %v", l)
	}
	if s := got["services"].(map[string]any); s["log"] != "ok" || s["redis"] != "slow" || s["postgres"] != "away" {
		t.Errorf("services are %v", s)
	}
	reasons := []any{nil, "the log is still being read", "silent for 12 s"}
	for i, n := range got["nodes"].([]any) {
		node := n.(map[string]any)
		if node["reason"] != reasons[i] || node["ready"] != (i == 0) || (node["this"] == true) != (i == 0) {
			t.Errorf("node %d is %v", i, node)
		}
	}
}

// What nobody knows is not made up.
func TestBoardOfAYoungNode(t *testing.T) {
	h := newHouse(t)
	h.board = engine.Board{Backlog: -1, Log: "ok"}
	h.server.ports.Cluster = nil
	got := decode(t, h.admin("viewer", "GET /v1/admin/campaigns/noon/board"))
	latency, services := got["latency_ms"].(map[string]any), got["services"].(map[string]any)
	if got["ledger"] != nil || len(latency) != 1 || len(services) != 1 || got["nodes_complete"] != false || got["decisions_whole"] != false {
		t.Errorf("the board is %v", got)
	}
}

// Ten admins who look every second cost one look.
func TestBoardIsDrawnOnceForAll(t *testing.T) {
	h := newHouse(t)
	atNoon(h)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { h.admin("viewer", "GET /v1/admin/campaigns/noon/board") })
	}
	all.Wait()
	if h.drawn != 1 {
		t.Errorf("drawn %d times", h.drawn)
	}
	h.admin("viewer", "GET /v1/admin/campaigns/old/board")
	if h.drawn != 2 {
		t.Error("another campaign has another board")
	}
	slot, _ := h.server.boards.byID.Load("noon")
	slot.(*drawn).at = time.Now().Add(-boardAge)
	if h.admin("viewer", "GET /v1/admin/campaigns/noon/board"); h.drawn != 3 {
		t.Error("an old board was not drawn anew")
	}
}

func TestBoardRefuses(t *testing.T) {
	h := newHouse(t)
	want(t, h.admin("viewer", "GET /v1/admin/campaigns/nothing/board"), 404, "not-found")
	if _, there := h.server.boards.byID.Load("nothing"); there {
		t.Error("a board is kept of a campaign that is none")
	}
	h.err = errors.New("away")
	want(t, h.admin("viewer", "GET /v1/admin/campaigns/noon/board"), 500, "internal")
	h.server.ports.Board = nil
	want(t, h.admin("viewer", "GET /v1/admin/campaigns/noon/board"), 503, "unavailable")
	want(t, h.ask("GET /v1/admin/campaigns/noon/board"), 401, "unauthenticated")
	want(t, h.member("alice", "GET /v1/admin/campaigns/noon/board"), 401, "unauthenticated")
}
