package api

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// The head comes at once, then retry, one count of everything so far, and what
// happens, each with an id to go on from; the next stream goes on exactly there.
func TestAStreamBeginsAndGoesOn(t *testing.T) {
	c := newCinema(t)
	v := c.watch(t, "")
	h := v.resp.Header
	if v.resp.StatusCode != 200 || h.Get("Content-Type") != "text/event-stream" || h.Get("Cache-Control") != "no-store" ||
		h.Get("X-Accel-Buffering") != "no" || h.Get("Request-Id") == "" || h.Get("X-Content-Type-Options") != "nosniff" || !v.resp.Close {
		t.Fatalf("the head is %d %v", v.resp.StatusCode, h)
	}
	if f, _ := v.next(); f.retry < "1000" || f.retry > "3000" || len(f.retry) != 4 {
		t.Fatalf("first came %+v", f)
	}
	v.want("count", "e1-12", `{"from":1,"to":12,"granted":7,"waiting":0,"remaining":93,"at":"`)
	c.happens(fold.PausedNow, "", 0)
	v.want("status", "e1-13", `{"from":13,"to":13,"status":"paused","at":"2026-03-02T03:00:00.000Z"}`)
	c.happens(fold.Resumed, "", 0)
	c.happens(fold.GrantedNow, "bob", 1)
	v.want("status", "e1-14", `{"from":14,"to":14,"status":"open",`)
	v.want("count", "e1-15", `{"from":15,"to":15,"granted":8,"waiting":0,"remaining":92,`)
	again := c.watch(t, "?last_event_id=e1-99", "Last-Event-ID", "e1-12") // the header wins
	again.want("status", "e1-13", `{"from":13,"to":13,`)
	again.want("status", "e1-14", `{"from":14,"to":14,`)
	again.want("count", "e1-15", `{"from":15,"to":15,`)
	at := c.watch(t, "?last_event_id=e1-15")
	c.happens(fold.GrantedNow, "eve", 1)
	at.want("count", "e1-16", `{"from":16,"to":16,`)
}

// What is of another log, or of none, is a reset and goes on from now. What this
// node does not know yet is waited for, and then it is a reset, too.
func TestResets(t *testing.T) {
	c := newCinema(t)
	for _, id := range []string{"e2-5", "e1-x", "nonsense", "e1--3", "e1-99999999999999999999", "e1-", strings.Repeat("e", 9000) + "-1"} {
		v := c.watch(t, "", "Last-Event-ID", id)
		v.want("reset", "e1-12", `{"position":"e1-12",`)
		v.conn.Close()
	}
	ahead, far := c.watch(t, "?last_event_id=e1-13"), c.watch(t, "?last_event_id=e1-500")
	began := time.Now()
	c.happens(fold.GrantedNow, "bob", 1)
	c.happens(fold.GrantedNow, "eve", 1)
	ahead.want("count", "e1-14", `{"from":14,"to":14,`)
	far.want("reset", "e1-14", `{"position":"e1-14",`)
	if took := time.Since(began); took < aheadMost-100*time.Millisecond || took > aheadMost+5*time.Second {
		t.Errorf("the reset came after %s", took)
	}
	c.happens(fold.GrantedNow, "dan", 1)
	far.want("count", "e1-15", `{"from":15,"to":15,`)
}

// An archived campaign's stream ends, and EventSource, which comes back with the
// last id, is told to stay away.
func TestAStreamThatIsOver(t *testing.T) {
	c := newCinema(t)
	v := c.watch(t, "?last_event_id=e1-12")
	c.happens(fold.ArchivedNow, "", 0)
	v.want("status", "e1-13", `{"from":13,"to":13,"status":"archived",`)
	if f, ok := v.next(); ok {
		t.Errorf("after the end came %+v", f)
	}
	if v := c.watch(t, "", "Last-Event-ID", "e1-13"); v.resp.StatusCode != 204 {
		t.Errorf("who has seen everything is answered %d", v.resp.StatusCode)
	}
	late := c.watch(t, "")
	late.want("count", "e1-13", `{"from":1,"to":13,`)
	if f, ok := late.next(); ok {
		t.Errorf("after the end came %+v", f)
	}
}

// refusal opens a stream that must be refused.
func (c *cinema) refused(t *testing.T, status int, code, query string, headers ...string) *viewer {
	t.Helper()
	v := c.watch(t, query, headers...)
	var p struct{ Code string }
	raw, _ := io.ReadAll(v.resp.Body)
	if err := json.Unmarshal(raw, &p); err != nil || v.resp.StatusCode != status || p.Code != code || v.resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("answered %d %s, not %d %s", v.resp.StatusCode, raw, status, code)
	}
	return v
}

func TestStreamsAreBounded(t *testing.T) {
	c := newCinema(t, func(cfg *Config) {
		cfg.Streams = StreamLimits{Most: 8, PerAddress: 6}
		cfg.TrustedProxies = loopback
	})
	var mine []*viewer
	for range 4 {
		mine = append(mine, c.watch(t, "", c.as("alice")...))
	}
	v := c.refused(t, 429, "rate-limited", "", c.as("alice")...)
	if v.resp.Header.Get("Retry-After") == "" || v.resp.Header.Get("RateLimit-Policy") != `"streams";q=4;w=1` {
		t.Errorf("the head is %v", v.resp.Header)
	}
	mine[1].conn.Close()
	poll(t, func() bool { // the place is free at once, whoever looks after the lost one
		v := c.watch(t, "", c.as("alice")...)
		defer v.resp.Body.Close()
		return v.resp.StatusCode == 200
	})
	elsewhere := []string{"X-Forwarded-For", "192.0.2.1"}
	c.watch(t, "")
	c.watch(t, "")
	c.refused(t, 429, "rate-limited", "")
	c.watch(t, "", elsewhere...)
	c.watch(t, "", elsewhere...)
	v = c.refused(t, 503, "overloaded", "", elsewhere...)
	if v.resp.Header.Get("Retry-After") < "5" && len(v.resp.Header.Get("Retry-After")) < 2 {
		t.Errorf("a full house says Retry-After %s", v.resp.Header.Get("Retry-After"))
	}
}

// A member's own changes come to that member's streams only, as new as the fold,
// once each, and once at the beginning so that nothing is missed while away.
func TestClaimsArePrivate(t *testing.T) {
	c := newCinema(t)
	alice, bob, anyone := c.watch(t, "", c.as("alice")...), c.watch(t, "", c.as("bob")...), c.watch(t, "")
	for _, v := range []*viewer{alice, bob, anyone} {
		v.want("count", "e1-12", "")
	}
	c.grants("alice")
	seen := map[string]string{}
	for range 2 {
		f, _ := alice.next()
		seen[f.event] = f.id
		if f.event == "claim" && f.data != `{"campaign":"noon","state":"granted","rank":8,"grant_id":"00000000004H2","claimed_at":"2026-03-02T03:00:00.000Z","ledger":"queued","points":10,"poll_after_ms":3000}` {
			t.Errorf("the claim is %s", f.data)
		}
	}
	if seen["count"] != "e1-13" || seen["claim"] != "e1-12" && seen["claim"] != "e1-13" {
		t.Errorf("alice saw %v", seen)
	}
	bob.want("count", "e1-13", "")
	anyone.want("count", "e1-13", "")
	c.grants("bob")
	alice.want("count", "e1-14", "")
	anyone.want("count", "e1-14", "")
	back := c.watch(t, "?last_event_id=e1-14", c.as("alice")...)
	back.want("claim", "e1-14", `{"campaign":"noon","state":"granted","rank":8,`)
	c.happens(fold.GrantedNow, "eve", 1)
	back.want("count", "e1-15", "")
}

// The place in the list moves without a change of one's own, and is told.
func TestAMovingPlaceInTheListIsTold(t *testing.T) {
	c := newCinema(t)
	wait := func(position int64) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.claims[c.User("alice")] = engine.Claim{Campaign: "noon", State: "waitlisted", Ticket: 3, Position: position, ClaimedAt: noon}
	}
	wait(3)
	v := c.watch(t, "?last_event_id=e1-12", c.as("alice")...)
	v.want("claim", "e1-12", `{"campaign":"noon","state":"waitlisted","position":3,`)
	wait(2)
	v.want("claim", "e1-12", `{"campaign":"noon","state":"waitlisted","position":2,`)
}

func TestTickets(t *testing.T) {
	c, other := newCinema(t), newCinema(t, func(cfg *Config) { cfg.TicketKey[0] = 1 })
	var made struct {
		Ticket    string
		ExpiresAt time.Time `json:"expires_at"`
	}
	w := c.member("alice", "POST /v1/stream-tickets")
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != 200 || strings.Contains(w.Body.String(), "alice") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if left := time.Until(made.ExpiresAt); left < 58*time.Second || left > 60*time.Second {
		t.Errorf("a ticket lives %s", left)
	}
	c.grants("alice")
	c.watch(t, "?last_event_id=e1-13&ticket="+made.Ticket).want("claim", "e1-13", `{"campaign":"noon","state":"granted",`)
	other.refused(t, 401, "unauthenticated", "?ticket="+made.Ticket)
	last := "A"
	if strings.HasSuffix(made.Ticket, last) {
		last = "B"
	}
	who := watcher{c.User("alice"), time.Now().Add(time.Hour)}
	for _, bad := range []string{"", "x", made.Ticket[:20], made.Ticket[:len(made.Ticket)-1] + last, c.server.sealTicket(who, time.Now().Add(-2*time.Second))} {
		c.refused(t, 401, "unauthenticated", "?ticket="+bad)
	}
	c.refused(t, 401, "unauthenticated", "", "Authorization", "Bearer nonsense")
	ends := c.server.sealTicket(watcher{who.user, time.Now().Add(-time.Second)}, time.Now().Add(time.Minute))
	c.watch(t, "?ticket="+ends).end() // the token behind it is not good any more
}

func TestWhatCannotBeStreamed(t *testing.T) {
	c := newCinema(t)
	want(t, c.ask("GET /v1/campaigns/noon/events"), 406, "not-acceptable") // a recorder has no connection
	want(t, c.ask("GET /v1/campaigns/noon/events", "Accept", "text/html"), 406, "not-acceptable")
	want(t, c.ask("GET /v1/campaigns/nowhere/events"), 404, "not-found")
	want(t, c.ask("GET /v1/campaigns/draft/events"), 404, "not-found")
	want(t, c.ask("GET /v1/campaigns/draft/events", "Accept", "application/json"), 404, "not-found")
	if w := c.ask("HEAD /v1/campaigns/noon/events"); w.Code != 200 || w.Header().Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
	c.mu.Lock()
	c.broken = engine.ErrStopped
	c.mu.Unlock()
	if v := c.refused(t, 503, "stopped", ""); v.resp.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	blind := newHouse(t)
	want(t, blind.ask("GET /v1/campaigns/noon/events"), 503, "unavailable")
	want(t, blind.member("alice", "POST /v1/stream-tickets"), 503, "unavailable")
	want(t, blind.admin("viewer", "GET /v1/admin/campaigns/noon/feed"), 503, "unavailable")
	only := newCinema(t, func(cfg *Config) { cfg.StreamsOnly = true })
	want(t, only.member("alice", "POST /v1/campaigns/noon/claims"), 503, "unavailable")
	want(t, only.member("alice", "GET /v1/me/claims"), 503, "unavailable")
	if w := only.member("alice", "POST /v1/stream-tickets"); w.Code != 200 {
		t.Errorf("a ticket of a node that only streams: %d", w.Code)
	}
	only.watch(t, "").want("count", "e1-12", "")
}

func TestTheMissingAsJSON(t *testing.T) {
	c := newCinema(t)
	c.happens(fold.GrantedNow, "bob", 1)
	c.happens(fold.PausedNow, "", 0)
	c.happens(fold.GrantedNow, "eve", 1)
	get := func(query string) (ids []string, position string) {
		t.Helper()
		w := c.ask("GET /v1/campaigns/noon/events"+query, "Accept", "application/json")
		var page struct {
			Items    []struct{ ID, Event string }
			Position string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for _, i := range page.Items {
			ids = append(ids, i.ID+" "+i.Event)
		}
		return ids, page.Position
	}
	for query, want := range map[string]string{
		"": "e1-15 count at e1-15", "?after=e1-12": "e1-13 count,e1-14 status,e1-15 count at e1-15",
		"?after=e1-12&limit=2": "e1-13 count,e1-14 status at e1-14", "?after=e1-15": " at e1-15",
		"?after=e0-15": "e1-15 reset at e1-15", "?after=junk": "e1-15 reset at e1-15",
	} {
		if ids, at := get(query); strings.Join(ids, ",")+" at "+at != want {
			t.Errorf("%s: %v at %s, not %s", query, ids, at, want)
		}
	}
	for _, limit := range []string{"0", "201", "x", ""} {
		want(t, c.ask("GET /v1/campaigns/noon/events?limit="+limit, "Accept", "application/json"), 422, "invalid")
	}
}

// Streams end spread over a time, each with its own time to come back, and the
// node waits for the last.
func TestStreamsEndOneAfterTheOther(t *testing.T) {
	c := newCinema(t, func(cfg *Config) { cfg.Streams = StreamLimits{Spread: 400 * time.Millisecond} })
	var all []*viewer
	for range 40 {
		v := c.watch(t, "?last_event_id=e1-12")
		v.next()
		all = append(all, v)
	}
	began := time.Now()
	c.server.Leave()
	v := c.watch(t, "")
	if v.resp.StatusCode != 503 {
		t.Errorf("who comes at the end is answered %d", v.resp.StatusCode)
	}
	ends := make(chan time.Duration, len(all))
	retries := make(chan string, len(all))
	for _, v := range all {
		go func() { retries <- v.end().retry; ends <- time.Since(began) }()
	}
	var when []time.Duration
	back := map[string]bool{}
	for range all {
		when = append(when, <-ends)
		back[<-retries] = true
	}
	slices.Sort(when)
	if when[20] < 100*time.Millisecond || when[39] < 300*time.Millisecond || when[39] > 10*time.Second {
		t.Errorf("they ended at %v", when)
	}
	if len(back) < 20 || back[""] {
		t.Errorf("they come back after %v", back)
	}
	c.stop()
}

func TestAsyncAPIIsServedOnBothListeners(t *testing.T) {
	h := newHouse(t)
	for _, w := range []http.Handler{h.server.Members(), h.server.Admins()} {
		if doc := decode(t, serve(w, "/asyncapi.json")); doc["asyncapi"] != "3.0.0" {
			t.Errorf("%v", doc)
		}
	}
}
