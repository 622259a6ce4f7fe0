package api

import (
	"errors"
	"strings"
	"testing"
	"time"

	"firstcome/engine"
)

func TestNodesListsTheOthersToo(t *testing.T) {
	h := newHouse(t)
	h.others = []engine.Presence{{Node: "n2", Address: "10.0.0.2:8080", Build: "v1", Rules: 1, Roles: engine.Roles{"api", "ledger"},
		StartedAt: noon, SaidAt: h.Now().Add(-2500 * time.Millisecond)}}
	got := decode(t, h.admin("viewer", "GET /v1/admin/nodes"))
	items := got["items"].([]any)
	if len(items) != 2 || got["complete"] != true {
		t.Fatalf("nodes %v", got)
	}
	one, two := items[0].(map[string]any), items[1].(map[string]any)
	if one["this"] != true || one["rules"] != 2.0 || one["build"] != "v2" || len(one["partitions"].([]any)) != 1 {
		t.Errorf("this node is %v", one)
	}
	if two["node"] != "n2" || two["rules"] != 1.0 || two["address"] != "10.0.0.2:8080" || two["age_seconds"] != 2.5 || two["partitions"] != nil || two["this"] != nil {
		t.Errorf("the other is %v", two)
	}
	h.lonely, h.others = errors.New("redis is away"), nil
	got = decode(t, h.admin("viewer", "GET /v1/admin/nodes"))
	if got["complete"] != false || len(got["items"].([]any)) != 1 {
		t.Errorf("alone: %v", got)
	}
	h.server.ports.Cluster = nil
	if got = decode(t, h.admin("viewer", "GET /v1/admin/nodes")); got["complete"] != false || len(got["items"].([]any)) != 1 {
		t.Errorf("without a cluster: %v", got)
	}
	want(t, h.admin("owner", `POST /v1/admin/upgrade {"rules":2}`), 503, "unavailable")
}

func TestUpgrade(t *testing.T) {
	h := newHouse(t)
	h.active = engine.Activation{Rules: 2, Changed: true, Partitions: []engine.ActivatedPartition{
		{Partition: 0, Offset: 17, Changed: true}, {Partition: 1, Err: engine.ErrStopped}}}
	got := decode(t, h.admin("owner", `POST /v1/admin/upgrade {"rules":2,"force":true,"reason":"new rules"}`))
	if got["rules"] != 2.0 || got["changed"] != true || len(got["partitions"].([]any)) != 2 || got["dry_run"] != nil {
		t.Errorf("upgrade %v", got)
	}
	if got = decode(t, h.admin("owner", `POST /v1/admin/upgrade?dry_run=true {"rules":2}`)); got["dry_run"] != true {
		t.Errorf("dry run %v", got)
	}
	const did = `activate 2 force true dry false by boss because "new rules"; activate 2 force false dry true by boss because ""`
	if all := strings.Join(h.upgrades, "; "); all != did {
		t.Errorf("did %s", all)
	}
	want(t, h.admin("operator", `POST /v1/admin/upgrade {"rules":2}`), 403, "forbidden")
	for _, body := range []string{`{}`, `{"rules":0}`, `{"rules":256}`, `{"rules":"2"}`, `{"rules":2,"force":1}`, `{"rules":2,"much":true}`} {
		want(t, h.admin("owner", `POST /v1/admin/upgrade `+body), 422, "invalid")
	}
}

func TestUpgradeIsRefused(t *testing.T) {
	h := newHouse(t)
	h.refused = &engine.TooOldError{Rules: 2, Old: []engine.Presence{{Node: "n2", Address: "10.0.0.2:8080", Rules: 1, SaidAt: h.Now()}}, Unknown: []string{"n3"}}
	p := want(t, h.admin("owner", `POST /v1/admin/upgrade {"rules":2}`), 409, "nodes-too-old")
	nodes := p["nodes"].([]any)
	if len(nodes) != 2 || nodes[0].(map[string]any)["rules"] != 1.0 || nodes[1].(map[string]any)["node"] != "n3" || !strings.Contains(p["detail"].(string), "10.0.0.2:8080") {
		t.Errorf("refused with %v", p)
	}
	h.refused = engine.ErrNoRoster
	if p = want(t, h.admin("owner", `POST /v1/admin/upgrade {"rules":2}`), 503, "unavailable"); !strings.Contains(p["detail"].(string), "list of the nodes") {
		t.Errorf("refused with %v", p)
	}
	h.refused = &engine.InvalidError{Fields: []engine.FieldError{{Pointer: "/rules", Detail: "must be a version from 1 to 2"}}}
	want(t, h.admin("owner", `POST /v1/admin/upgrade {"rules":9}`), 422, "invalid")
}

// A node that ends is not ready, and every answer, a refusal too, is the last of
// its connection.
func TestLeave(t *testing.T) {
	h := newHouse(t)
	if w := h.ask("GET /v1/time"); w.Header().Get("Connection") != "" {
		t.Fatal("an answer closes its connection")
	}
	h.server.Leave()
	if p := want(t, h.ask("GET /readyz"), 503, "unavailable"); p["stopped"] != nil {
		t.Errorf("readiness %v", p)
	}
	want(t, h.ask("GET /livez"), 200, "")
	for _, request := range []string{"GET /v1/time", "GET /nothing", "GET //", "GET /v1/me/claims"} {
		if w := h.ask(request); w.Header().Get("Connection") != "close" {
			t.Errorf("%s -> %d keeps its connection", request, w.Code)
		}
	}
}
