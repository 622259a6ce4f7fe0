package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

var noon = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)

// world is an engine, a ledger and an auditor whose answers a test chooses. A
// function that is nil answers as an engine that holds one open campaign.
type world struct {
	mu        sync.Mutex
	campaigns map[string]engine.Campaign
	calls     []engine.ClaimCall
	reads     []engine.Read
	actors    []engine.Actor
	dryRuns   []bool

	claim    func(engine.ClaimCall) (engine.Decision, error)
	mine     func() (engine.Claim, error)
	cancel   func() (engine.Claim, error)
	answer   func(map[string]json.RawMessage) (engine.Claim, error)
	history  []engine.Claim
	verb     func(engine.Campaign) (engine.Campaign, error)
	change   engine.CapChange
	places   func(engine.PlaceQuery) ([]engine.PlaceRow, error)
	deeds    []engine.AuditRow
	health   engine.Health
	others   []engine.Presence
	lonely   error // of the list of nodes
	active   engine.Activation
	refused  error // of an upgrade
	upgrades []string
	books    engine.Books
	rate     engine.Throttle
	report   AuditReport
	board    engine.Board
	drawn    int   // how often a board was asked for
	err      error // of books, throttle, audit, board and deeds
}

func newWorld() *world {
	hundred := int64(100)
	open := engine.Campaign{
		ID: "noon", Title: "Noon", Description: "Two\nlines", Kind: "event", Cap: &hundred, CapMode: "hard", Counting: "direct",
		Points: 10, WaitlistCap: 5, Reclaim: "allowed", OpensAt: noon, ClosesAt: noon.Add(time.Hour),
		Form: []engine.Question{{ID: "name", Label: "Name", Type: "text", Required: true, MaxLength: 80},
			{ID: "size", Label: "Size", Type: "choice", Choices: []string{"S", "M"}}},
		Eligibility: []engine.Rule{{Claim: "campus", In: []string{"seoul"}}},
		Status:      fold.Open, Granted: 7, Version: 3, Ev: 12, CreatedAt: noon.Add(-time.Hour), Partition: 3, Next: 40, Epoch: "e1",
	}
	draft := open
	draft.ID, draft.Status, draft.Version, draft.Ev = "draft", fold.Draft, 1, 1
	archived := open
	archived.ID, archived.Status = "old", fold.Archived
	return &world{
		campaigns: map[string]engine.Campaign{"noon": open, "draft": draft, "old": archived},
		health: engine.Health{Node: "n1", Ready: true, Roles: engine.Roles{"api"},
			Partitions: []engine.PartitionHealth{{Partition: 0, Next: 4, End: 4, State: "following", Age: time.Millisecond}}},
		rate: engine.Throttle{RowsPerSecond: 5000, BacklogRows: 100, Drain: 20 * time.Millisecond, RowsTotal: 7},
	}
}

func granted() engine.Claim {
	return engine.Claim{Campaign: "noon", State: "granted", Rank: 8, GrantID: "00000000004H2", ClaimedAt: noon, Points: 10,
		Answers: json.RawMessage(`{"name":"Kim"}`), Offset: engine.LogOffset{Partition: 3, Offset: 41, Known: true}}
}

func (w *world) Claim(_ context.Context, call engine.ClaimCall) (engine.Decision, error) {
	w.mu.Lock()
	w.calls = append(w.calls, call)
	w.mu.Unlock()
	if w.claim != nil {
		return w.claim(call)
	}
	return engine.Decision{Outcome: engine.Granted, Claim: granted(), Offset: granted().Offset}, nil
}

func (w *world) read(r engine.Read) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads = append(w.reads, r)
}

func (w *world) Mine(_ context.Context, campaign string, _ engine.Member, read engine.Read) (engine.Claim, error) {
	w.read(read)
	if w.mine != nil {
		return w.mine()
	}
	if _, err := w.Campaign(campaign); err != nil {
		return engine.Claim{}, err
	}
	return granted(), nil
}

func (w *world) Cancel(_ context.Context, campaign string, _ engine.Member, read engine.Read) (engine.Claim, error) {
	w.read(read)
	if w.cancel != nil {
		return w.cancel()
	}
	if _, err := w.Campaign(campaign); err != nil {
		return engine.Claim{}, err
	}
	c := granted()
	c.State, c.EndedAt = "cancelled", noon.Add(time.Second)
	return c, nil
}

func (w *world) Answer(_ context.Context, campaign string, _ engine.Member, answers map[string]json.RawMessage, read engine.Read) (engine.Claim, error) {
	w.read(read)
	if w.answer != nil {
		return w.answer(answers)
	}
	if _, err := w.Campaign(campaign); err != nil {
		return engine.Claim{}, err
	}
	return granted(), nil
}

func (w *world) History(_ context.Context, _ engine.Member, read engine.Read) ([]engine.Claim, error) {
	w.read(read)
	return append([]engine.Claim(nil), w.history...), nil
}

func (w *world) Campaign(id string) (engine.Campaign, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.campaigns[id]
	if !ok {
		return c, engine.ErrNotFound
	}
	return c, nil
}

func (w *world) Campaigns() []engine.Campaign {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []engine.Campaign
	for _, c := range w.campaigns {
		all = append(all, c)
	}
	return all
}

func (w *world) Sync(_ context.Context, _ string, read engine.Read) error { w.read(read); return nil }

// Reach notes the record as a read does.
func (w *world) Reach(_ context.Context, o engine.LogOffset) error {
	w.read(engine.Read{After: o})
	return nil
}

func (w *world) Now() time.Time { return noon }

func (w *world) did(by engine.Actor, dryRun bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.actors, w.dryRuns = append(w.actors, by), append(w.dryRuns, dryRun)
}

func (w *world) Create(_ context.Context, c engine.Campaign, by engine.Actor, dryRun bool) (engine.Campaign, bool, error) {
	w.did(by, dryRun)
	if c.ID == "" {
		c.ID = "generated"
	}
	if there, err := w.Campaign(c.ID); err == nil {
		if there.Title != c.Title {
			return there, false, engine.ErrExists
		}
		return there, false, nil
	}
	c.Kind, c.Counting, c.CapMode, c.Reclaim = "event", "direct", "hard", "allowed"
	c.Status, c.Version, c.Ev, c.Epoch, c.CreatedAt = fold.Draft, 1, 1, "e1", noon
	if !dryRun {
		w.mu.Lock()
		w.campaigns[c.ID] = c
		w.mu.Unlock()
	}
	return c, true, nil
}

func (w *world) Edit(_ context.Context, c engine.Campaign, version int64, by engine.Actor, dryRun bool) (engine.Campaign, error) {
	w.did(by, dryRun)
	if w.verb != nil {
		return w.verb(c)
	}
	if c.Version != version {
		return c, engine.ErrVersion
	}
	c.Version++
	return c, nil
}

func (w *world) Move(_ context.Context, id string, _ engine.Verb, version int64, by engine.Actor, dryRun bool) (engine.Campaign, error) {
	w.did(by, dryRun)
	c, err := w.Campaign(id)
	if err != nil {
		return c, err
	}
	if w.verb != nil {
		return w.verb(c)
	}
	if version != 0 && version != c.Version {
		return c, engine.ErrVersion
	}
	return c, nil
}

func (w *world) SetCap(_ context.Context, id string, limit *int64, version int64, by engine.Actor, dryRun bool) (engine.Campaign, engine.CapChange, error) {
	w.did(by, dryRun)
	c, err := w.Campaign(id)
	if err == nil && version != c.Version {
		err = engine.ErrVersion
	}
	c.Cap = limit
	return c, w.change, err
}

func (w *world) CancelFor(_ context.Context, id, _ string, by engine.Actor, dryRun bool) (engine.Claim, error) {
	w.did(by, dryRun)
	return w.Cancel(context.Background(), id, engine.Member{}, engine.Read{})
}

func (w *world) Places(_ context.Context, q engine.PlaceQuery) ([]engine.PlaceRow, error) {
	if w.places != nil {
		return w.places(q)
	}
	return nil, nil
}

func (w *world) Deeds(_ context.Context, id string, after int64, limit int) ([]engine.AuditRow, error) {
	if _, err := w.Campaign(id); err != nil {
		return nil, err
	}
	var page []engine.AuditRow
	for _, d := range w.deeds {
		if d.Ev > after && len(page) < limit {
			page = append(page, d)
		}
	}
	return page, w.err
}

func (w *world) Health() engine.Health { return w.health }

func (w *world) Folds() (next []int64, digests []uint64) { return []int64{4}, []uint64{0xfeed} }

func (w *world) Nodes(context.Context) ([]engine.Presence, error) {
	return append([]engine.Presence{{Node: w.health.Node, Address: "10.0.0.1:8080", Build: "v2", Rules: 2, Roles: w.health.Roles,
		StartedAt: noon, SaidAt: w.Now()}}, w.others...), w.lonely
}

func (w *world) Activate(_ context.Context, rules uint8, force bool, by engine.Actor, dryRun bool) (engine.Activation, error) {
	w.upgrades = append(w.upgrades, fmt.Sprintf("activate %d force %v dry %v by %s because %q", rules, force, dryRun, by.Subject, by.Reason))
	return w.active, w.refused
}

func (w *world) Books(_ context.Context, id string) (engine.Books, error) {
	if _, err := w.Campaign(id); err != nil {
		return engine.Books{}, err
	}
	return w.books, w.err
}

func (w *world) Status(context.Context) (engine.Throttle, error) { return w.rate, w.err }

func (w *world) Set(_ context.Context, rows int64) error {
	w.rate.RowsPerSecond = rows
	return w.err
}

func (w *world) Rate() int64 { return w.rate.RowsPerSecond }

func (w *world) Board(_ context.Context, id string) (engine.Board, error) {
	w.mu.Lock()
	w.drawn++
	w.mu.Unlock()
	if _, err := w.Campaign(id); err != nil {
		return engine.Board{}, err
	}
	return w.board, w.err
}

func (w *world) Audit(context.Context) (AuditReport, error) { return w.report, w.err }

// house is a server on a world, and tokens for it.
type house struct {
	t testing.TB
	*world
	server *Server
	issuer *Issuer
}

func newHouse(t testing.TB, change ...func(*Config)) *house {
	t.Helper()
	return newHouseOf(t, newWorld(), Ports{}, change...)
}

// newHouseOf opens a house on a world, with what else there is.
func newHouseOf(t testing.TB, w *world, more Ports, change ...func(*Config)) *house {
	t.Helper()
	cfg := Config{Logger: slog.New(slog.DiscardHandler), Limits: Limits{Costly: Rate{PerSecond: -1}}}
	for _, c := range change {
		c(&cfg)
	}
	if more.Notices == nil {
		more.Notices = &corkboard{}
	}
	s, err := New(cfg, Ports{Claims: w, Campaigns: w, Verbs: w, Register: w, Node: w, Cluster: w, Books: w, Throttle: w, Auditor: w, Board: w,
		Feed: more.Feed, Glances: more.Glances, Notices: more.Notices})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, world: w, server: s}
	if cfg.Identity.Trial() {
		if h.issuer, err = NewIssuer(cfg.Identity); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func (h *house) token(subject, role string) string {
	h.t.Helper()
	token, err := h.issuer.Mint(subject, role, time.Hour)
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// ask sends a request through a door: "POST /v1/… {body}", headers as pairs. An
// answer that the door's document does not describe fails the test.
func (h *house) ask(request string, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	method, rest, _ := strings.Cut(request, " ")
	target, body, _ := strings.Cut(rest, " ")
	var r *http.Request
	if body != "" {
		r = httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	} else {
		r = httptest.NewRequest(method, target, nil)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return h.send(r)
}

func (h *house) send(r *http.Request) *httptest.ResponseRecorder {
	h.t.Helper()
	w := httptest.NewRecorder()
	door, name := h.server.Members(), "members"
	if isAdmins(r.URL.Path) {
		door, name = h.server.Admins(), "admins"
	}
	door.ServeHTTP(w, r)
	validate(h.t, name, r, w)
	return w
}

func isAdmins(path string) bool {
	return strings.HasPrefix(path, "/v1/admin") || strings.HasPrefix(path, "/debug") || path == "/metrics"
}

// member and admin send with a token of the subject, or of the role.
func (h *house) member(subject, request string, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	return h.ask(request, append([]string{"Authorization", "Bearer " + h.token(subject, "")}, headers...)...)
}

func (h *house) admin(role, request string, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	return h.ask(request, append([]string{"Authorization", "Bearer " + h.token("boss", role)}, headers...)...)
}

func decode(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("the answer is not JSON: %v: %s", err, w.Body)
	}
	return v
}

// want checks a status code and, for refusals, the problem's code.
func want(t *testing.T, w *httptest.ResponseRecorder, status int, code string) map[string]any {
	t.Helper()
	if w.Code != status {
		t.Fatalf("answered %d, want %d: %s", w.Code, status, w.Body)
	}
	if code == "" {
		return nil
	}
	p := decode(t, w)
	if p["code"] != code || p["type"] != "/problems/"+code || p["status"] != float64(status) {
		t.Fatalf("answered %v, want the problem %s", p, code)
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
		t.Fatalf("a problem is %s", ct)
	}
	return p
}
