package api

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"firstcome/engine"
)

func TestBucketsRefillAtTheirRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := newMeters(newRule("member", Rate{50, 200}), newRule("costly", Rate{5, 10}))
		if err != nil {
			t.Fatal(err)
		}
		one := m.of("alice")
		passed := func(f func() error) (n int) {
			for f() == nil {
				n++
			}
			return n
		}
		if n := passed(one.plain); n != 200 {
			t.Errorf("a burst of %d passed", n)
		}
		time.Sleep(time.Second)
		if n := passed(one.plain); n != 50 {
			t.Errorf("%d passed after a second", n)
		}
		if n := passed(m.of("bob").spend); n != 10 {
			t.Errorf("%d costly ones passed", n)
		}
		time.Sleep(2 * time.Second)
		if n := passed(m.of("bob").spend); n != 10 {
			t.Errorf("%d costly ones passed after two seconds", n)
		}
		p := asProblem(m.of("bob").spend())
		if p.kind != rateLimited || p.retry <= 0 || p.retry > 200*time.Millisecond {
			t.Errorf("refused with %+v", p)
		}
	})
}

func TestManyAtOnceShareABucket(t *testing.T) {
	m, err := newMeters(newRule("member", Rate{PerSecond: 0.001, Burst: 100}), nil)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	passed := 0
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if m.of("alice").plain() == nil {
					mu.Lock()
					passed++
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	if passed != 100 {
		t.Errorf("%d passed", passed)
	}
}

// 500 taps are one grant and 499 replays, and none of them is refused.
func TestReplaysAreNotLimited(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Limits = Limits{} })
	h.claim = func(call engine.ClaimCall) (engine.Decision, error) {
		if len(h.calls) == 1 {
			if err := call.Costly(); err != nil {
				return engine.Decision{}, err
			}
			return engine.Decision{Outcome: engine.Granted, Claim: granted()}, nil
		}
		return engine.Decision{Outcome: engine.Repeated, Claim: granted()}, nil
	}
	counts := map[int]int{}
	token := "Bearer " + h.token("alice", "")
	for range 500 {
		r := httptest.NewRequest("POST", "/v1/campaigns/noon/claims", nil)
		r.Header.Set("Authorization", token)
		w := httptest.NewRecorder()
		h.server.Members().ServeHTTP(w, r)
		counts[w.Code]++
	}
	if counts[201] != 1 || counts[200] != 499 {
		t.Errorf("answered %v", counts)
	}
}

func TestRateLimits(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Limits = Limits{Member: Rate{0.01, 8}, Costly: Rate{0.01, 3}} })
	h.claim = func(call engine.ClaimCall) (engine.Decision, error) { return engine.Decision{}, call.Costly() }
	for name, tt := range map[string]struct {
		request string
		passes  int
	}{
		"costly claims":    {"POST /v1/campaigns/noon/claims", 3},
		"cancels":          {"DELETE /v1/campaigns/noon/claims/me", 3},
		"changed answers":  {`PATCH /v1/campaigns/noon/claims/me {"answers":{}}`, 3},
		"reads":            {"GET /v1/campaigns/noon/claims/me", 8},
		"histories":        {"GET /v1/me/claims", 8},
		"points":           {"GET /v1/me/points", 8},
		"malformed claims": {"POST /v1/campaigns/noon/claims {", 8},
	} {
		for i := 0; ; i++ {
			w := h.member(strings.ReplaceAll(name, " ", "-"), tt.request)
			if w.Code != 429 {
				continue
			}
			if i != tt.passes {
				t.Errorf("%s: %d passed", name, i)
			}
			want(t, w, 429, "rate-limited")
			policy := `"costly";q=3;w=300`
			if tt.passes == 8 {
				policy = `"member";q=8;w=800`
			}
			if n, _ := strconv.Atoi(w.Header().Get("Retry-After")); n < 1 || w.Header().Get("RateLimit-Policy") != policy || !strings.Contains(w.Header().Get("RateLimit"), ";r=0;t=") {
				t.Errorf("%s: %v", name, w.Header())
			}
			break
		}
	}
	if w := h.ask("GET /v1/time"); w.Code != 200 {
		t.Errorf("strangers are limited: %d", w.Code)
	}
}

func TestAddressLimitIsOffUnlessAskedFor(t *testing.T) {
	h := newHouse(t, func(c *Config) {
		c.Limits.Address = Rate{0.01, 5}
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} // httptest's requests come from 192.0.2.1
	})
	count := func(forwarded string) (n int) {
		for h.ask("GET /v1/time", "X-Forwarded-For", forwarded).Code == 200 {
			n++
		}
		return n
	}
	if n := count("203.0.113.9"); n != 5 {
		t.Errorf("%d passed", n)
	}
	if n := count("198.51.100.7, 203.0.113.9"); n != 0 {
		t.Errorf("a spoofed address gave %d more", n)
	}
	if w := h.admin("viewer", "GET /v1/admin/nodes", "X-Forwarded-For", "203.0.113.9"); w.Code != 200 {
		t.Errorf("admins are limited: %d", w.Code)
	}
}

func TestClientAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tt := range []struct{ remote, forwarded, address string }{
		{"203.0.113.9:1", "", "203.0.113.9"},
		{"203.0.113.9:1", "1.2.3.4", "203.0.113.9"},
		{"10.0.0.1:1", "", "10.0.0.1"},
		{"10.0.0.1:1", "1.2.3.4", "1.2.3.4"},
		{"10.0.0.1:1", "6.6.6.6, 1.2.3.4", "1.2.3.4"},
		{"10.0.0.1:1", "6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4"},
		{"10.0.0.1:1", "nonsense", "10.0.0.1"},
		{"[::ffff:10.0.0.1]:1", "1.2.3.4", "1.2.3.4"},
		{"[fd00::1]:1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"},
		{"@", "1.2.3.4", "@"},
	} {
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{}}
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := clientAddress(r, proxies); got != tt.address {
			t.Errorf("%s behind %s: %s, want %s", tt.forwarded, tt.remote, got, tt.address)
		}
	}
}

// A full lane refuses at once, and only its own kind.
func TestShedding(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Limits.Claims = 1 })
	entered, leave := make(chan struct{}), make(chan struct{})
	h.claim = func(engine.ClaimCall) (engine.Decision, error) {
		close(entered)
		<-leave
		return engine.Decision{Outcome: engine.Granted, Claim: granted()}, nil
	}
	done := make(chan int)
	go func() {
		r := httptest.NewRequest("POST", "/v1/campaigns/noon/claims", nil)
		r.Header.Set("Authorization", "Bearer "+h.token("alice", ""))
		w := httptest.NewRecorder()
		h.server.Members().ServeHTTP(w, r)
		done <- w.Code
	}()
	<-entered
	w := h.member("bob", "POST /v1/campaigns/noon/claims")
	want(t, w, 503, "overloaded")
	if w.Header().Get("Retry-After") == "" {
		t.Error("there is no Retry-After")
	}
	want(t, h.member("bob", myClaim), 200, "")
	want(t, h.ask("GET /livez"), 200, "")
	close(leave)
	if code := <-done; code != 201 {
		t.Errorf("the one inside got %d", code)
	}
}
