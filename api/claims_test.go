package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"firstcome/engine"
)

// Every row of «A claim's answers», and every error that a claim can end in.
func TestAClaimsAnswers(t *testing.T) {
	offset := engine.LogOffset{Partition: 3, Offset: 41, Known: true}
	waiting := engine.Claim{Campaign: "noon", State: "waitlisted", Position: 2, Ticket: 2, GrantID: "X", ClaimedAt: noon, Offset: offset}
	for _, tt := range []struct {
		name     string
		decision engine.Decision
		err      error
		status   int
		code     string
		body     map[string]any
		headers  map[string]string
	}{
		{"granted", engine.Decision{Outcome: engine.Granted, Claim: granted(), Offset: offset}, nil, 201, "",
			map[string]any{"state": "granted", "rank": 8.0, "ledger": "queued", "campaign": "noon", "points": 10.0, "claimed_at": "2026-03-02T03:00:00.000Z"},
			map[string]string{"Location": "/v1/campaigns/noon/claims/me", "X-Log-Offset": "3:41", "Idempotent-Replayed": ""}},
		{"waitlisted", engine.Decision{Outcome: engine.Waitlisted, Claim: waiting, Offset: offset}, nil, 201, "",
			map[string]any{"state": "waitlisted", "position": 2.0, "ticket": 2.0, "rank": nil}, map[string]string{"Location": "/v1/campaigns/noon/claims/me"}},
		{"repeated", engine.Decision{Outcome: engine.Repeated, Claim: granted(), Offset: offset}, nil, 200, "",
			map[string]any{"state": "granted", "rank": 8.0}, map[string]string{"Idempotent-Replayed": "true", "X-Log-Offset": "3:41"}},
		{"deciding", engine.Decision{Outcome: engine.Deciding, Claim: engine.Claim{Campaign: "noon", State: "deciding"}}, nil, 202, "",
			map[string]any{"state": "deciding"}, map[string]string{"Location": "/v1/campaigns/noon/claims/me", "Retry-After": "1"}},
		{"not open yet", engine.Decision{Outcome: engine.Early, OpensAt: noon.Add(90 * time.Second)}, nil, 409, "not-open-yet",
			map[string]any{"opens_at": "2026-03-02T03:01:30.000Z", "server_time": "2026-03-02T03:00:00.000Z", "retryable": true}, map[string]string{"Retry-After": "90"}},
		{"not open yet, and nobody knows when", engine.Decision{Outcome: engine.Early}, nil, 409, "not-open-yet", map[string]any{"opens_at": nil}, map[string]string{"Retry-After": "5"}},
		{"sold out", engine.Decision{Outcome: engine.SoldOut, List: engine.NoList, Offset: offset}, nil, 409, "sold-out", map[string]any{"waitlist": "none", "retryable": true}, map[string]string{"X-Log-Offset": "3:41"}},
		{"sold out, list open", engine.Decision{Outcome: engine.SoldOut, List: engine.ListOpen}, nil, 409, "sold-out", map[string]any{"waitlist": "open"}, nil},
		{"sold out, list full", engine.Decision{Outcome: engine.SoldOut, List: engine.ListFull}, nil, 409, "sold-out", map[string]any{"waitlist": "full"}, nil},
		{"paused", engine.Decision{Outcome: engine.Paused}, nil, 409, "campaign-paused", map[string]any{"retryable": true}, nil},
		{"closed", engine.Decision{Outcome: engine.Late}, nil, 410, "campaign-closed", map[string]any{"retryable": false}, nil},
		{"not eligible", engine.Decision{Outcome: engine.Ineligible, Rule: "campus"}, nil, 403, "not-eligible", map[string]any{"rule": "campus"}, nil},
		{"cancelled before", engine.Decision{Outcome: engine.Refused}, nil, 409, "already-cancelled", nil, nil},
		{"superseded", engine.Decision{Outcome: engine.Superseded}, nil, 409, "superseded", map[string]any{"retryable": true}, nil},
		{"bad answers", engine.Decision{}, &engine.InvalidError{Answers: true, Fields: []engine.FieldError{{Pointer: "/answers/name", Detail: "is needed"}}}, 422, "invalid-answers",
			map[string]any{"errors": []any{map[string]any{"pointer": "/answers/name", "detail": "is needed"}}}, nil},
		{"unknown campaign", engine.Decision{}, engine.ErrNotFound, 404, "not-found", nil, nil},
		{"overloaded", engine.Decision{}, engine.ErrOverloaded, 503, "overloaded", map[string]any{"retryable": true}, nil},
		{"log away", engine.Decision{}, engine.ErrUnavailable, 503, "unavailable", map[string]any{"retryable": true}, nil},
		{"partition stopped", engine.Decision{}, engine.ErrStopped, 503, "stopped", map[string]any{"retryable": true}, nil},
		{"ours", engine.Decision{}, errors.New("a secret of ours"), 500, "internal", nil, nil},
		{"an outcome that there is not", engine.Decision{Outcome: 99}, nil, 500, "internal", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			h.claim = func(engine.ClaimCall) (engine.Decision, error) { return tt.decision, tt.err }
			w := h.member("alice", "POST /v1/campaigns/noon/claims")
			want(t, w, tt.status, tt.code)
			got := decode(t, w)
			for name, v := range tt.body {
				if a, b := mustJSON(got[name]), mustJSON(v); a != b {
					t.Errorf("%s is %s, want %s", name, a, b)
				}
			}
			for name, v := range tt.headers {
				if w.Header().Get(name) != v {
					t.Errorf("%s: %q, want %q", name, w.Header().Get(name), v)
				}
			}
			if tt.status == 503 {
				if n, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || n < 1 {
					t.Errorf("Retry-After: %q", w.Header().Get("Retry-After"))
				}
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Error("an error of ours is shown")
			}
			if w.Header().Get("Request-Id") == "" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("headers: %v", w.Header())
			}
		})
	}
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestAClaimIsAskedAsItWasSent(t *testing.T) {
	h := newHouse(t)
	h.member("alice", `POST /v1/campaigns/noon/claims {"answers":{"name":"Kim","size":["S"]},"if_full":"waitlist"}`,
		"Cache-Control", "max-age=0, no-cache", "X-Log-Offset", "3:17", "Idempotency-Key", "k")
	h.member("bob", `POST /v1/campaigns/noon/claims {"if_full":"refuse","answers":null}`)
	h.member("carol", `POST /v1/campaigns/noon/claims`)
	a, b, c := h.calls[0], h.calls[1], h.calls[2]
	if a.Member.Subject != "alice" || a.Campaign != "noon" || !a.Waitlist || !a.Exact || string(a.Answers["size"]) != `["S"]` ||
		a.After != (engine.LogOffset{Partition: 3, Offset: 17, Known: true}) || a.Costly == nil {
		t.Errorf("asked %+v", a)
	}
	if b.Waitlist || b.Exact || b.Answers != nil || b.After.Known || c.Member.Subject != "carol" {
		t.Errorf("asked %+v and %+v", b, c)
	}
}

// The answers outlive the request: the engine may still hold them when the
// buffers are somebody else's.
func TestAnswersAreNotKeptInASharedBuffer(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{"alice", "bob"} {
		h.member(name, `POST /v1/campaigns/noon/claims {"answers":{"name":"`+name+`"}}`)
	}
	if got := string(h.calls[0].Answers["name"]); got != `"alice"` {
		t.Errorf("the first claim's answer became %s", got)
	}
}

func TestMyClaim(t *testing.T) {
	h := newHouse(t)
	w := h.member("alice", "GET /v1/campaigns/noon/claims/me", "X-Log-Offset", "3:41")
	want(t, w, 200, "")
	if got := decode(t, w); got["state"] != "granted" || w.Header().Get("X-Log-Offset") != "3:41" || !h.reads[0].After.Known {
		t.Errorf("got %v %v", got, w.Header())
	}
	h.mine = func() (engine.Claim, error) { return engine.Claim{Campaign: "noon", State: "none"}, nil }
	if got := decode(t, h.member("bob", "GET /v1/campaigns/noon/claims/me")); got["state"] != "none" || got["ledger"] != nil {
		t.Errorf("got %v", got)
	}
	h.mine = func() (engine.Claim, error) { return engine.Claim{}, context.DeadlineExceeded }
	want(t, h.member("bob", "GET /v1/campaigns/noon/claims/me"), 503, "unavailable")
}

func TestCancel(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		code   string
	}{
		{nil, 200, ""}, {engine.ErrNoPlace, 404, "not-found"}, {engine.ErrNotFound, 404, "not-found"},
		{engine.ErrCancellationClosed, 409, "cancellation-closed"}, {engine.ErrUndecided, 202, ""}, {engine.ErrOverloaded, 503, "overloaded"},
	} {
		h := newHouse(t)
		h.cancel = func() (engine.Claim, error) {
			c := granted()
			c.State = "cancelled"
			return c, tt.err
		}
		w := h.member("alice", "DELETE /v1/campaigns/noon/claims/me")
		want(t, w, tt.status, tt.code)
		if tt.status == 200 && (decode(t, w)["state"] != "cancelled" || w.Header().Get("X-Log-Offset") != "3:41") {
			t.Errorf("got %s %v", w.Body, w.Header())
		}
		if tt.status == 202 && (decode(t, w)["state"] != "deciding" || w.Header().Get("Retry-After") == "") {
			t.Errorf("got %s %v", w.Body, w.Header())
		}
	}
}

func TestChangeAnswers(t *testing.T) {
	h := newHouse(t)
	var got map[string]json.RawMessage
	h.answer = func(a map[string]json.RawMessage) (engine.Claim, error) { got = a; return granted(), nil }
	want(t, h.member("alice", `PATCH /v1/campaigns/noon/claims/me {"answers":{"name":"Lee","size":null}}`, "Content-Type", "application/merge-patch+json"), 200, "")
	if string(got["name"]) != `"Lee"` || string(got["size"]) != "null" {
		t.Errorf("asked %v", got)
	}
	want(t, h.member("alice", `PATCH /v1/campaigns/noon/claims/me`), 400, "malformed")
	want(t, h.member("alice", `PATCH /v1/campaigns/noon/claims/me {}`), 422, "invalid")
	h.answer = func(map[string]json.RawMessage) (engine.Claim, error) { return engine.Claim{}, engine.ErrState }
	want(t, h.member("alice", `PATCH /v1/campaigns/noon/claims/me {"answers":{}}`), 409, "state-forbids")
}

// A browser sends the cookies of its last answers; the one of the campaign's
// partition is waited for, and a history waits for all of them.
func TestBrowsersRememberOffsets(t *testing.T) {
	h := newHouse(t)
	w := h.member("alice", "POST /v1/campaigns/noon/claims")
	cookie := w.Result().Cookies()[0]
	if cookie.Name != "fc_o3" || cookie.Value != "41" || cookie.MaxAge != 10 || !cookie.HttpOnly || cookie.Path != "/v1" {
		t.Fatalf("cookie %+v", cookie)
	}
	h.member("alice", "GET /v1/campaigns/noon/claims/me", "Cookie", "x=1; fc_o3=41; fc_o9=7; fc_oz=1; fc_o4=-1")
	if got := h.reads[0].After; got != (engine.LogOffset{Partition: 3, Offset: 41, Known: true}) {
		t.Errorf("waited for %+v", got)
	}
	h.reads = nil
	h.member("alice", "GET /v1/me/claims", "Cookie", "fc_o3=41; fc_o9=7")
	if len(h.reads) != 3 || h.reads[0].After.Partition == h.reads[1].After.Partition {
		t.Errorf("waited for %+v", h.reads)
	}
}

func TestHistoryPagesAndPoints(t *testing.T) {
	h := newHouse(t)
	for i := range 5 {
		c := granted()
		c.Campaign, c.ClaimedAt = "c"+strconv.Itoa(i), noon.Add(time.Duration(i/2)*time.Minute)
		h.history = append(h.history, c)
	}
	h.history[4].State, h.history[3].Points = "cancelled", 0
	var seen []string
	next := "/v1/me/claims?limit=2"
	for range 3 {
		w := h.member("alice", "GET "+next)
		want(t, w, 200, "")
		page := decode(t, w)
		for _, item := range page["items"].([]any) {
			seen = append(seen, item.(map[string]any)["campaign"].(string))
		}
		next, _, _ = strings.Cut(strings.TrimPrefix(w.Header().Get("Link"), "<"), ">")
		if (next == "") != (page["next_cursor"] == nil) {
			t.Fatalf("Link %q with the cursor %v", w.Header().Get("Link"), page["next_cursor"])
		}
	}
	if got := strings.Join(seen, " "); got != "c4 c2 c3 c0 c1" || next != "" {
		t.Errorf("paged %s, then %q", got, next)
	}
	points := decode(t, h.member("alice", "GET /v1/me/points"))
	if points["total"] != 30.0 || len(points["by_campaign"].([]any)) != 3 {
		t.Errorf("points %v", points)
	}
}

// The refusal that most of a stampede gets is small, in both languages.
func TestSoldOutIsSmall(t *testing.T) {
	h := newHouse(t)
	h.claim = func(engine.ClaimCall) (engine.Decision, error) {
		return engine.Decision{Outcome: engine.SoldOut, List: engine.ListOpen}, nil
	}
	for _, lang := range []string{"en", "ko"} {
		w := h.member("alice", "POST /v1/campaigns/"+strings.Repeat("a", 63)+"/claims", "Accept-Language", lang)
		want(t, w, 409, "sold-out")
		if n := w.Body.Len(); n >= 300 {
			t.Errorf("%s: %d bytes: %s", lang, n, w.Body)
		}
	}
}

func TestAnsweredToNobody(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	h.claim = func(engine.ClaimCall) (engine.Decision, error) { cancel(); return engine.Decision{}, ctx.Err() }
	r := httptest.NewRequest("POST", "/v1/campaigns/noon/claims", nil).WithContext(ctx)
	r.Header.Set("Authorization", "Bearer "+h.token("alice", ""))
	w := httptest.NewRecorder()
	h.server.Members().ServeHTTP(w, r)
	if !bytes.Equal(w.Body.Bytes(), nil) {
		t.Errorf("somebody who left was told %s", w.Body)
	}
}
