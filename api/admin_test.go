package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

func TestCreate(t *testing.T) {
	h := newHouse(t)
	body := `POST /v1/admin/campaigns {"id":"spring","title":"Spring","description":"a\nb","kind":"event","cap":3,"waitlist_cap":2,"points":5,
		"opens_at":"2026-03-02T12:00:00.1234+09:00","end_promotion":true,
		"form":[{"id":"size","label":"Size","type":"choice","required":true,"choices":["S","M"]},{"id":"n","label":"N","type":"number","min":0,"max":2.5}],
		"eligibility":[{"claim":"campus","in":["seoul"]}]}`
	w := h.admin("operator", body)
	want(t, w, 201, "")
	if w.Header().Get("Location") != "/v1/admin/campaigns/spring" || w.Header().Get("ETag") != `"v1"` {
		t.Errorf("headers %v", w.Header())
	}
	c := h.campaigns["spring"]
	if *c.Cap != 3 || c.WaitlistCap != 2 || !c.EndPromotion || len(c.Form) != 2 || *c.Form[1].Max != 2.5 || !c.Form[0].Required ||
		c.Eligibility[0].In[0] != "seoul" || !c.OpensAt.Equal(noon.Add(123*time.Millisecond)) || h.actors[0].Subject != "boss" {
		t.Errorf("made %+v", c)
	}
	want(t, h.admin("operator", body), 200, "")
	want(t, h.admin("operator", `POST /v1/admin/campaigns {"id":"spring","title":"Other"}`), 409, "already-exists")
	w = h.admin("operator", `POST /v1/admin/campaigns?dry_run=true {"id":"dry","title":"Dry"}`)
	want(t, w, 200, "")
	if _, made := h.campaigns["dry"]; made || decode(t, w)["dry_run"] != true {
		t.Errorf("a dry run made %s", w.Body)
	}
}

func TestEdit(t *testing.T) {
	h := newHouse(t)
	var got engine.Campaign
	h.verb = func(c engine.Campaign) (engine.Campaign, error) { got = c; c.Version++; return c, nil }
	w := h.admin("operator", `PATCH /v1/admin/campaigns/noon {"title":"Later","cap":null,"form":null}`, "If-Match", `"v3"`)
	want(t, w, 200, "")
	if got.Title != "Later" || got.Cap != nil || got.Form != nil || got.Description != "Two\nlines" || w.Header().Get("ETag") != `"v4"` {
		t.Errorf("edited to %+v, %v", got, w.Header())
	}
	if !h.reads[0].Exact {
		t.Error("the patch was merged into a state that may be old")
	}
	for tag, status := range map[string]int{`"v2"`: 412, `W/"v3"`: 412, `v3`: 412, `"v3`: 412, `"x"`: 412, ``: 412, `*`: 200, `"v1", "v3"`: 200} {
		if w := h.admin("operator", `PATCH /v1/admin/campaigns/noon {"title":"Later"}`, "If-Match", tag); w.Code != status {
			t.Errorf("If-Match %s: %d", tag, w.Code)
		}
	}
	want(t, h.admin("operator", `PATCH /v1/admin/campaigns/noon {"title":"Later"}`), 428, "precondition-required")
	want(t, h.admin("operator", `PATCH /v1/admin/campaigns/noon {"id":"other"}`, "If-Match", "*"), 422, "invalid")
	h.verb = func(c engine.Campaign) (engine.Campaign, error) { return c, engine.ErrState }
	want(t, h.admin("operator", `PATCH /v1/admin/campaigns/noon {"title":"Later"}`, "If-Match", "*"), 409, "state-forbids")
	want(t, h.admin("operator", `PATCH /v1/admin/campaigns/nobody {"title":"Later"}`, "If-Match", "*"), 404, "not-found")
}

func TestVerbs(t *testing.T) {
	h := newHouse(t)
	for i, verb := range []string{"publication", "opening", "pause", "resumption", "closure", "archive"} {
		path := "POST /v1/admin/campaigns/noon/" + verb
		want(t, h.admin("operator", path), 200, "")
		want(t, h.admin("operator", path+` {"reason":"rain"}`, "If-Match", `"v3"`), 200, "")
		want(t, h.admin("operator", path, "If-Match", `"v2"`), 412, "precondition-failed")
		if h.actors[3*i+1].Reason != "rain" {
			t.Errorf("%s: the reason is %q", verb, h.actors[3*i+1].Reason)
		}
		w := h.admin("operator", path+"?dry_run=true")
		if want(t, w, 200, ""); decode(t, w)["dry_run"] != true {
			t.Errorf("%s: a dry run does not say so", verb)
		}
		h.actors = h.actors[:3*(i+1)]
	}
	h.verb = func(c engine.Campaign) (engine.Campaign, error) { return c, engine.ErrState }
	want(t, h.admin("operator", "POST /v1/admin/campaigns/noon/opening"), 409, "state-forbids")
	want(t, h.admin("operator", "POST /v1/admin/campaigns/nobody/opening"), 404, "not-found")
	h.verb = func(c engine.Campaign) (engine.Campaign, error) { return c, engine.ErrUndecided }
	want(t, h.admin("operator", "POST /v1/admin/campaigns/noon/opening"), 503, "unavailable")
}

func TestSetCap(t *testing.T) {
	h := newHouse(t)
	from, to := int64(100), int64(120)
	h.change = engine.CapChange{From: &from, To: &to, Granted: 100, Waiting: 25, Promoted: 20, Members: []string{"ann", "ben"}}
	w := h.admin("operator", `PUT /v1/admin/campaigns/noon/cap?dry_run=true {"cap":120}`, "If-Match", `"v3"`)
	want(t, w, 200, "")
	const preview = `{"dry_run":true,"cap":{"from":100,"to":120},"granted":100,"waiting":25,"promoted":20,"over_by":0,"promoted_members":["ann","ben"]}`
	if w.Body.String() != preview {
		t.Errorf("previewed %s", w.Body)
	}
	w = h.admin("operator", `PUT /v1/admin/campaigns/noon/cap {"cap":120,"reason":"a larger hall"}`, "If-Match", `"v3"`)
	if want(t, w, 200, ""); decode(t, w)["cap"] != 120.0 || h.actors[1].Reason != "a larger hall" {
		t.Errorf("answered %s for %+v", w.Body, h.actors)
	}
	w = h.admin("operator", `PUT /v1/admin/campaigns/noon/cap {"cap":null,"reason":"no limit"}`, "If-Match", `*`)
	if want(t, w, 200, ""); decode(t, w)["cap"] != nil {
		t.Errorf("answered %s", w.Body)
	}
	want(t, h.admin("operator", `PUT /v1/admin/campaigns/noon/cap {"cap":120}`, "If-Match", `"v3"`), 422, "invalid")
	want(t, h.admin("operator", `PUT /v1/admin/campaigns/noon/cap {"reason":"x"}`, "If-Match", `"v3"`), 422, "invalid")
	want(t, h.admin("operator", `PUT /v1/admin/campaigns/noon/cap {"cap":1,"reason":"x"}`, "If-Match", `"v2"`), 412, "precondition-failed")
	want(t, h.admin("operator", `PUT /v1/admin/campaigns/noon/cap {"cap":1,"reason":"x"}`), 428, "precondition-required")
}

func TestCancelForAMember(t *testing.T) {
	h := newHouse(t)
	w := h.admin("operator", `POST /v1/admin/campaigns/noon/cancellations {"member":"alice","reason":"asked by phone"}`)
	want(t, w, 200, "")
	if got := decode(t, w); got["member"] != "alice" || got["state"] != "cancelled" || got["ended_at"] == nil || h.actors[0].Reason != "asked by phone" {
		t.Errorf("got %v by %+v", got, h.actors)
	}
	for _, body := range []string{`{"member":"alice"}`, `{"reason":"x"}`, `{"member":"","reason":"x"}`, `{"member":"alice","reason":"  "}`,
		`{"member":"alice","reason":"` + strings.Repeat("x", 501) + `"}`} {
		want(t, h.admin("operator", `POST /v1/admin/campaigns/noon/cancellations `+body), 422, "invalid")
	}
	h.cancel = func() (engine.Claim, error) { return engine.Claim{}, engine.ErrNoPlace }
	want(t, h.admin("operator", `POST /v1/admin/campaigns/noon/cancellations {"member":"bob","reason":"x"}`), 404, "not-found")
}

// rows answers like a register that holds n places.
func rows(n int) func(engine.PlaceQuery) ([]engine.PlaceRow, error) {
	return func(q engine.PlaceQuery) ([]engine.PlaceRow, error) {
		var page []engine.PlaceRow
		for i := q.After + 1; i < int64(n) && len(page) < q.Limit; i++ {
			page = append(page, engine.PlaceRow{Campaign: "noon", Member: fmt.Sprintf("m%04d", i), State: "granted", Rank: i + 1, ClaimOff: i,
				ClaimedAt: noon, Points: 10, Booked: i%2 == 0, Answers: json.RawMessage(`{"name":"=1+1","size":["S","M"]}`)})
		}
		return page, nil
	}
}

func TestListOfClaims(t *testing.T) {
	h := newHouse(t)
	h.places = rows(5)
	w := h.admin("viewer", "GET /v1/admin/campaigns/noon/claims?limit=3&state=granted&q=m0")
	want(t, w, 200, "")
	page := decode(t, w)
	first := page["items"].([]any)[0].(map[string]any)
	if len(page["items"].([]any)) != 3 || first["member"] != "m0000" || first["grant_id"] != engine.GrantID(3, 0) || first["ledger"] != "booked" {
		t.Errorf("page %v", page)
	}
	if link := w.Header().Get("Link"); !strings.Contains(link, "state=granted") || !strings.Contains(link, "q=m0") {
		t.Errorf("Link %s", link)
	}
	w = h.admin("viewer", "GET /v1/admin/campaigns/noon/claims?cursor="+page["next_cursor"].(string))
	if page := decode(t, w); len(page["items"].([]any)) != 2 || page["next_cursor"] != nil {
		t.Errorf("second page %v", page)
	}
	want(t, h.admin("viewer", "GET /v1/admin/campaigns/noon/claims?state=lost"), 422, "invalid")
	want(t, h.admin("viewer", "GET /v1/admin/campaigns/nobody/claims"), 404, "not-found")
	h.places = func(engine.PlaceQuery) ([]engine.PlaceRow, error) { return nil, engine.ErrUnavailable }
	want(t, h.admin("viewer", "GET /v1/admin/campaigns/noon/claims"), 503, "unavailable")
}

func TestExport(t *testing.T) {
	h := newHouse(t)
	h.places = rows(exportPage + 3)
	w := h.admin("viewer", "GET /v1/admin/campaigns/noon/claims", "Accept", "text/csv")
	want(t, w, 200, "")
	lines := strings.Split(strings.TrimSuffix(w.Body.String(), "\n"), "\n")
	if len(lines) != exportPage+4 || lines[0] != "member,state,rank,position,grant_id,claimed_at,ended_at,points,ledger,name,size" {
		t.Fatalf("%d lines, the first %s", len(lines), lines[0])
	}
	if lines[2] != "m0001,granted,2,,"+engine.GrantID(3, 1)+",2026-03-02T03:00:00.000Z,,10,queued,'=1+1,S; M" {
		t.Errorf("line %s", lines[2])
	}
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/csv") || !strings.Contains(w.Header().Get("Content-Disposition"), "noon.csv") {
		t.Errorf("headers %v", w.Header())
	}
	h.places = func(engine.PlaceQuery) ([]engine.PlaceRow, error) { return nil, errors.New("gone") }
	want(t, h.admin("viewer", "GET /v1/admin/campaigns/noon/claims", "Accept", "text/csv"), 500, "internal")
}

// An export that breaks on the way must not look whole.
func TestABrokenExportIsCutOff(t *testing.T) {
	h := newHouse(t)
	all := rows(2 * exportPage)
	h.places = func(q engine.PlaceQuery) ([]engine.PlaceRow, error) {
		if q.After > 0 {
			return nil, engine.ErrUnavailable
		}
		return all(q)
	}
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("it ended as if it were whole")
		}
	}()
	h.admin("viewer", "GET /v1/admin/campaigns/noon/claims", "Accept", "text/csv")
}

func TestSpreadsheetsSeeNoFormula(t *testing.T) {
	for in, out := range map[string]string{"=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "x=1": "x=1", "": ""} {
		if got := harmless(in); got != out {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestAuditTrail(t *testing.T) {
	h := newHouse(t)
	for i := range 3 {
		h.deeds = append(h.deeds, engine.AuditRow{Ev: int64(i + 1), At: noon, Actor: "boss", Action: "cap-changed", Version: int64(i), Reason: "r",
			Change: json.RawMessage(`{"cap":{"from":100,"to":120}}`)})
	}
	page := decode(t, h.admin("viewer", "GET /v1/admin/campaigns/noon/audit?limit=2"))
	first := page["items"].([]any)[0].(map[string]any)
	if first["actor"] != "boss" || first["reason"] != "r" || first["change"].(map[string]any)["cap"] == nil {
		t.Errorf("first %v", first)
	}
	rest := decode(t, h.admin("viewer", "GET /v1/admin/campaigns/noon/audit?cursor="+page["next_cursor"].(string)))
	if len(rest["items"].([]any)) != 1 || rest["next_cursor"] != nil {
		t.Errorf("rest %v", rest)
	}
	want(t, h.admin("viewer", "GET /v1/admin/campaigns/nobody/audit"), 404, "not-found")
}

func TestBooks(t *testing.T) {
	h := newHouse(t)
	totals := engine.Totals{Granted: 7, Waiting: 1, Seq: 8, Offset: 40, Digest: 1<<63 + 1}
	h.books = engine.Books{Log: totals, Gate: engine.GateCount{Count: 9, Leased: 2}, GateReached: true, Ledger: totals, LedgerKnown: true, Backlog: 4, Drain: 800 * time.Microsecond}
	w := h.admin("viewer", "GET /v1/admin/campaigns/noon/books")
	want(t, w, 200, "")
	const equal = `{"log":{"granted":7,"waiting":1,"seq":8,"offset":40,"digest":"8000000000000001"},"gate":{"reachable":true,"count":9,"leased":2},` +
		`"ledger":{"granted":7,"waiting":1,"seq":8,"offset":40,"digest":"8000000000000001","backlog_rows":4,"drain_seconds":0.001},"equal":true,"differences":[]}`
	if w.Body.String() != equal {
		t.Errorf("books %s", w.Body)
	}
	h.books = engine.Books{Log: totals, Differences: []string{"the gate is away"}}
	if got := decode(t, h.admin("viewer", "GET /v1/admin/campaigns/noon/books")); got["equal"] != false || got["ledger"] != nil {
		t.Errorf("books %v", got)
	}
	want(t, h.admin("viewer", "GET /v1/admin/campaigns/nobody/books"), 404, "not-found")
}

func TestThrottle(t *testing.T) {
	h := newHouse(t)
	if got := decode(t, h.admin("viewer", "GET /v1/admin/ledger/throttle")); got["rows_per_second"] != 5000.0 || got["drain_seconds"] != 0.02 {
		t.Errorf("throttle %v", got)
	}
	if got := decode(t, h.admin("owner", `PUT /v1/admin/ledger/throttle?dry_run=true {"rows_per_second":200}`)); got["rows_per_second"] != 200.0 || got["drain_seconds"] != 0.5 || h.rate.RowsPerSecond != 5000 {
		t.Errorf("dry run %v", got)
	}
	if got := decode(t, h.admin("owner", `PUT /v1/admin/ledger/throttle {"rows_per_second":200}`)); got["rows_per_second"] != 200.0 || h.rate.RowsPerSecond != 200 {
		t.Errorf("set %v", got)
	}
	for _, body := range []string{`{}`, `{"rows_per_second":0}`, `{"rows_per_second":-1}`, `{"rows_per_second":1.5}`, `{"rows_per_second":"9"}`, `{"rows_per_second":99999999}`} {
		want(t, h.admin("owner", `PUT /v1/admin/ledger/throttle `+body), 422, "invalid")
	}
}

func TestFullAudit(t *testing.T) {
	h := newHouse(t)
	h.report = AuditReport{Campaigns: 2, Places: 9, Violations: []Violation{{Rule: "cap", Campaign: "noon", Detail: "101 of 100"}, {Rule: "ranks", Detail: "a hole"}}}
	got := decode(t, h.admin("owner", "POST /v1/admin/audit"))
	if got["clean"] != false || len(got["violations"].([]any)) != 2 || got["campaigns"] != 2.0 {
		t.Errorf("audit %v", got)
	}
	h.server.auditing.Lock()
	want(t, h.admin("owner", "POST /v1/admin/audit"), 503, "overloaded")
	h.server.auditing.Unlock()
}

func TestPartsThatANodeDoesNotHave(t *testing.T) {
	h := newHouse(t)
	h.server.ports.Books, h.server.ports.Throttle, h.server.ports.Auditor = nil, nil, nil
	want(t, h.admin("owner", "GET /v1/admin/campaigns/noon/books"), 503, "unavailable")
	want(t, h.admin("owner", "GET /v1/admin/ledger/throttle"), 503, "unavailable")
	want(t, h.admin("owner", "POST /v1/admin/audit"), 503, "unavailable")
}

func TestHealth(t *testing.T) {
	h := newHouse(t)
	want(t, h.ask("GET /livez"), 200, "")
	want(t, h.ask("GET /readyz"), 200, "")
	nodes := decode(t, h.admin("viewer", "GET /v1/admin/nodes"))
	node := nodes["items"].([]any)[0].(map[string]any)
	if node["roles"].([]any)[0] != "api" || node["partitions"].([]any)[0].(map[string]any)["state"] != "following" {
		t.Errorf("nodes %v", nodes)
	}
	h.health = engine.Health{Node: "n1", Reason: "partition 3 has stopped"}
	want(t, h.ask("GET /livez"), 200, "")
	w := h.ask("GET /readyz")
	if want(t, w, 503, "unavailable"); strings.Contains(w.Body.String(), "partition 3") {
		t.Error("strangers are told what is wrong")
	}
	if got := decode(t, h.admin("viewer", "GET /v1/admin/nodes")); got["items"].([]any)[0].(map[string]any)["reason"] != "partition 3 has stopped" {
		t.Errorf("nodes %v", got)
	}
}

// Partitions that have stopped are named at both doors, why at the admins' only,
// and the node stays ready for the others.
func TestReadinessNamesWhatHasStopped(t *testing.T) {
	h := newHouse(t)
	h.health = engine.Health{Node: "n1", Ready: true, Partitions: []engine.PartitionHealth{
		{Partition: 0, State: "following"},
		{Partition: 3, State: "stopped", Reason: "offset 17 is missing", Ledger: "the fold stops at 17"},
		{Partition: 5, State: "following", Ledger: "the book's rule places_rank is violated"},
	}}
	w := h.ask("GET /readyz")
	if want(t, w, 200, ""); w.Body.String() != `{"status":"ready","stopped":[{"partition":3,"what":"claims"},{"partition":3,"what":"ledger"},{"partition":5,"what":"ledger"}]}` {
		t.Errorf("members' door: %s", w.Body)
	}
	w = atAdmins(t, h, "GET", "/readyz")
	if want(t, w, 200, ""); !strings.Contains(w.Body.String(), `{"partition":5,"what":"ledger","reason":"the book's rule places_rank is violated"}`) {
		t.Errorf("admins' door: %s", w.Body)
	}
	nodes := h.admin("viewer", "GET /v1/admin/nodes").Body.String()
	for _, reason := range []string{`"reason":"offset 17 is missing"`, `"ledger":"the fold stops at 17"`, `"ledger":"the book's rule places_rank is violated"`, `"digest":"000000000000feed","next":4`} {
		if !strings.Contains(nodes, reason) {
			t.Errorf("%s is missing in %s", reason, nodes)
		}
	}
	h.health.Ready, h.health.Reason = false, "no partition can answer"
	w = atAdmins(t, h, "GET", "/readyz")
	if want(t, w, 503, "unavailable"); !strings.Contains(w.Body.String(), `"reason":"offset 17 is missing"`) || w.Header().Get("Retry-After") == "" {
		t.Errorf("nobody is answered: %s", w.Body)
	}
}

// atAdmins asks the admins' door for what both doors have.
func atAdmins(t *testing.T, h *house, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	r, w := httptest.NewRequest(method, path, nil), httptest.NewRecorder()
	h.server.Admins().ServeHTTP(w, r)
	validate(t, "admins", r, w)
	return w
}

func TestStatusesHaveNames(t *testing.T) {
	for s := fold.Draft; s <= fold.Archived; s++ {
		if statusNames[s] == "" {
			t.Errorf("status %d has no name", s)
		}
	}
}
