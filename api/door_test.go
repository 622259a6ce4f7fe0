package api

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"

	"firstcome/engine"
)

// Every route that needs a token, with every token: generated from the documents.
func TestRolesAndRoutes(t *testing.T) {
	h := newHouse(t)
	strength := map[string]int{"": 0, "viewer": 1, "operator": 2, "owner": 3}
	for _, name := range docNames {
		eachOperation(t, name, func(method, path string, op docOperation) {
			request := method + " " + strings.NewReplacer("{id}", "noon", "{profile}", "symbol", "{code}", "sold-out", "{file}", "style.css").Replace(path)
			if op.RequestBody != nil {
				request += " {"
			}
			if op.streams() {
				return // stream_test.go: it needs a connection
			}
			if op.Security != nil {
				if w := h.ask(request); w.Code >= 300 && op.RequestBody == nil {
					t.Errorf("%s without a token: %d", request, w.Code)
				}
				return
			}
			want(t, h.ask(request), 401, "unauthenticated")
			for role := range strength {
				w := h.ask(request, "Authorization", "Bearer "+h.token("somebody", role), "If-Match", `"v3"`)
				allowed := name == "members" && role == "" || name == "admins" && role != "" && strength[role] >= strength[op.Role]
				switch {
				case allowed && (w.Code == 401 || w.Code == 403):
					t.Errorf("%s as %q: %d", request, role, w.Code)
				case !allowed && name == "admins" && role != "" && w.Code != 403:
					t.Errorf("%s as %q: %d, want 403", request, role, w.Code)
				case !allowed && (name == "members" || role == "") && w.Code != 401:
					t.Errorf("%s as %q: %d, want 401", request, role, w.Code)
				}
			}
		})
	}
}

// HEAD is GET without the body, wherever there is a GET.
func TestHeadWhereGetIs(t *testing.T) {
	h := newHouse(t)
	for _, name := range docNames {
		eachOperation(t, name, func(method, path string, op docOperation) {
			if method != "GET" || op.OperationID == "getProfile" || op.streams() {
				return
			}
			path = strings.NewReplacer("{id}", "noon", "{code}", "sold-out", "{file}", "style.css").Replace(path)
			ask := h.member
			if name == "admins" {
				ask = h.admin
			}
			get, head := ask("viewer", "GET "+path), ask("viewer", "HEAD "+path)
			if head.Code != get.Code || head.Header().Get("Content-Type") != get.Header().Get("Content-Type") {
				t.Errorf("%s: HEAD %d %v, GET %d", path, head.Code, head.Header(), get.Code)
			}
		})
	}
}

// One member's answers are never another's: whoever asks, it is their own
// subject that the engine is asked for.
func TestTheTokenDecidesWhoAsks(t *testing.T) {
	h := newHouse(t)
	h.member("alice", `POST /v1/campaigns/noon/claims`)
	want(t, h.member("bob", `POST /v1/campaigns/noon/claims {"member":"alice"}`), 422, "invalid")
	h.member("bob", `POST /v1/campaigns/noon/claims?member=alice&sub=alice`, "X-User", "alice")
	if len(h.calls) != 2 || h.calls[1].Member.Subject != "bob" {
		t.Errorf("asked %+v", h.calls)
	}
}

func TestEveryProblemSpeaksBothLanguages(t *testing.T) {
	h := newHouse(t)
	hangul := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Hangul, r) })
	}
	seen := map[string]bool{}
	for _, k := range kinds {
		if seen[k.code] || k.status < 400 {
			t.Errorf("%s: a code twice, or no refusal", k.code)
		}
		seen[k.code] = true
		for lang, t2 := range k.texts {
			for _, s := range []string{t2.title, t2.detail, t2.next} {
				if s == "" || hangul(s) != (language(lang) == korean) {
					t.Errorf("%s: %q is not in its language", k.code, s)
				}
			}
		}
		for header, title := range map[string]string{"ko": k.texts[korean].title, "fr": k.texts[english].title} {
			w := h.ask("GET /problems/"+k.code, "Accept-Language", header)
			want(t, w, 200, "")
			if !strings.Contains(w.Body.String(), "<h1>"+title+"</h1>") {
				t.Errorf("the page of %s in %s: %s", k.code, header, w.Body)
			}
		}
	}
}

func TestLanguageOfProblems(t *testing.T) {
	english, korean := newHouse(t), newHouse(t, func(c *Config) { c.DefaultLanguage = "ko" })
	for _, tt := range []struct{ header, en, ko string }{
		{"", "en", "ko"}, {"ko", "ko", "ko"}, {"ko-KR", "ko", "ko"}, {"KO-kr, en;q=0.9", "ko", "ko"}, {"en-US,en;q=0.9,ko;q=0.8", "en", "en"},
		{"ko;q=0.5, en;q=0.8", "en", "en"}, {"fr, ko;q=0.1", "ko", "ko"}, {"fr", "en", "ko"}, {"*", "en", "ko"}, {"ko;q=0", "en", "ko"}, {";;,=", "en", "ko"},
	} {
		for house, lang := range map[*house]string{english: tt.en, korean: tt.ko} {
			w := house.ask("GET /nowhere", "Accept-Language", tt.header)
			title := decode(t, w)["title"]
			if w.Header().Get("Content-Language") != lang || (title == "Not found") != (lang == "en") {
				t.Errorf("%q: %v in %s, want %s", tt.header, title, w.Header().Get("Content-Language"), lang)
			}
		}
	}
}

func TestAccept(t *testing.T) {
	both := []string{jsonMedia, csvType}
	for header, media := range map[string]string{
		"": jsonMedia, "*/*": jsonMedia, "application/json": jsonMedia, "text/csv": csvType, "text/*": csvType, "application/*": jsonMedia,
		"text/csv, application/json;q=0.5": csvType, "text/csv;q=0.2, */*;q=0.1": csvType, "application/json;q=0, */*": csvType,
		"text/html": "", "TEXT/CSV": csvType, "application/json;q=x": "",
	} {
		var accept []string
		if header != "" {
			accept = []string{header}
		}
		if got := negotiate(accept, both); got != media {
			t.Errorf("%q: %q, want %q", header, got, media)
		}
	}
}

func TestPagesAreSelfContained(t *testing.T) {
	h := newHouse(t)
	for _, page := range []string{"/docs", "/problems/sold-out"} {
		w := h.ask("GET " + page)
		want(t, w, 200, "")
		csp := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", page, csp)
		}
		for _, outside := range []string{"<script", " style=", "http://", "//cdn", "<style"} {
			if strings.Contains(w.Body.String(), outside) {
				t.Errorf("%s has %s", page, outside)
			}
		}
	}
	if w := h.ask("GET /docs"); !strings.Contains(w.Body.String(), "/v1/campaigns/{id}/claims") {
		t.Error("the docs do not show the claim")
	}
	want(t, h.ask("GET /assets/style.css"), 200, "")
}

func TestNoCrossOriginAccess(t *testing.T) {
	w := newHouse(t).ask("GET /v1/time", "Origin", "https://evil.example")
	for name := range w.Header() {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s is sent", name)
		}
	}
}

func TestRequestID(t *testing.T) {
	h := newHouse(t)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	if id := h.ask("GET /v1/time", "Traceparent", "00-"+trace+"-00f067aa0ba902b7-01").Header().Get("Request-Id"); id != trace {
		t.Errorf("Request-Id %s", id)
	}
	for _, bad := range []string{"", "x", "00-" + strings.Repeat("Z", 32) + "-00f067aa0ba902b7-01", "00-<script>"} {
		if id := h.ask("GET /v1/time", "Traceparent", bad).Header().Get("Request-Id"); len(id) != 32 || !isHex(id) {
			t.Errorf("Request-Id %q for %q", id, bad)
		}
	}
}

// A bug in one request is that request's alone, and is not shown.
func TestAPanicIsContained(t *testing.T) {
	h := newHouse(t)
	h.claim = func(engine.ClaimCall) (engine.Decision, error) { panic("a secret of ours") }
	w := h.member("alice", "POST /v1/campaigns/noon/claims")
	if want(t, w, 500, "internal"); strings.Contains(w.Body.String(), "secret") {
		t.Errorf("it shows %s", w.Body)
	}
	want(t, h.ask("GET /v1/time"), 200, "")
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	h := newHouse(t, func(c *Config) { c.Metrics, c.Gatherer = reg, reg })
	h.member("alice", "POST /v1/campaigns/noon/claims")
	h.ask("GET /nowhere/alice")
	w := h.ask("GET /metrics")
	want(t, w, 200, "")
	for _, line := range []string{`firstcome_api_requests_total{code="201",operation="claim"} 1`, `firstcome_api_claims_total{outcome="granted"} 1`,
		`firstcome_api_problems_total{problem="not-found"} 1`, `firstcome_api_request_seconds_count{operation="unknown"} 1`, `firstcome_api_requests_in_flight{lane="claims"} 0`} {
		if !strings.Contains(w.Body.String(), line) {
			t.Errorf("there is no %s", line)
		}
	}
	if strings.Contains(w.Body.String(), "alice") || strings.Contains(w.Body.String(), "noon") {
		t.Error("the metrics name a member or a campaign")
	}
}

func TestProfiles(t *testing.T) {
	h := newHouse(t)
	if w := h.admin("operator", "GET /debug/pprof/"); w.Code != 200 || !strings.Contains(w.Body.String(), "goroutine") {
		t.Errorf("index: %d", w.Code)
	}
	want(t, h.admin("operator", "GET /debug/pprof/cmdline"), 404, "not-found")
}

func TestServerLimits(t *testing.T) {
	s := HTTPServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if s.ReadHeaderTimeout != 2*time.Second || s.ReadTimeout != 5*time.Second || s.IdleTimeout != time.Minute || s.MaxHeaderBytes != 16<<10 {
		t.Errorf("limits %+v", s)
	}
}

// The doors on a real socket: a head without an end is cut off, a HEAD has no
// body, and an oversized body does not hold the connection.
func TestOnASocket(t *testing.T) {
	h := newHouse(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := HTTPServer(h.server.Members(), slog.New(slog.DiscardHandler))
	done := make(chan error)
	go func() { done <- server.Serve(l) }()
	client := &http.Client{Transport: &http.Transport{}}
	defer func() {
		client.CloseIdleConnections()
		server.Close()
		<-done
	}()
	base := "http://" + l.Addr().String()
	resp, err := client.Head(base + "/v1/campaigns/noon")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || resp.ContentLength <= 0 || resp.Header.Get("ETag") == "" {
		t.Errorf("HEAD: %d, %d bytes, %v", resp.StatusCode, resp.ContentLength, resp.Header)
	}
	r, err := http.NewRequest("POST", base+"/v1/campaigns/noon/claims", io.LimitReader(endless{}, 1<<30))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.token("alice", ""))
	r.Header.Set("Content-Type", "application/json")
	if resp, err = client.Do(r); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 413 {
		t.Errorf("a gigabyte: %d", resp.StatusCode)
	}
	r, _ = http.NewRequest("GET", base+"/v1/time", nil)
	r.Header.Set("X-Bomb", strings.Repeat("x", 64<<10))
	if resp, err = client.Do(r); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 431 {
		t.Errorf("a bomb of headers: %d", resp.StatusCode)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}
