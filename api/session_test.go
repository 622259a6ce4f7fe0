package api

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// browser is a request of a page, from this machine unless a test says otherwise.
func browser(method, target, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost:8080", "127.0.0.1:5000"
	if body == "" {
		r = httptest.NewRequest(method, target, nil)
		r.Host, r.RemoteAddr = "localhost:8080", "127.0.0.1:5000"
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func (h *house) at(door http.Handler, name string, r *http.Request) *httptest.ResponseRecorder {
	h.t.Helper()
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	validate(h.t, name, r, w)
	return w
}

func (h *house) members(r *http.Request) *httptest.ResponseRecorder {
	h.t.Helper()
	return h.at(h.server.Members(), "members", r)
}

func (h *house) admins(r *http.Request) *httptest.ResponseRecorder {
	h.t.Helper()
	return h.at(h.server.Admins(), "admins", r)
}

// kept is the cookie that an answer leaves; nil when it leaves none.
func kept(w *httptest.ResponseRecorder) *http.Cookie {
	for _, c := range w.Result().Cookies() {
		if strings.Contains(c.Name, "fc_") && c.Name != languageCookie && c.MaxAge > 0 {
			return c
		}
	}
	return nil
}

func TestTheSessionsCookie(t *testing.T) {
	trusting := func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }
	for name, tt := range map[string]struct {
		change func(*http.Request)
		body   string
		cookie string
		secure bool
	}{
		"on this machine": {func(*http.Request) {}, `{"name":"alice"}`, "__Host-fc_session", true},
		"by address":      {func(r *http.Request) { r.Host = "127.0.0.1:8080" }, `{"name":"alice"}`, "__Host-fc_session", true},
		"on IPv6":         {func(r *http.Request) { r.Host = "[::1]:8080" }, `{"name":"alice"}`, "__Host-fc_session", true},
		"on another host": {func(r *http.Request) { r.Host = "192.0.2.7:8080" }, `{"name":"alice"}`, "fc_session", false},
		"behind TLS": {func(r *http.Request) {
			r.Host, r.RemoteAddr = "club.example", "10.0.0.1:4000"
			r.Header.Set("X-Forwarded-Proto", "https")
		}, `{"name":"alice"}`, "__Host-fc_session", true},
		"a liar": {func(r *http.Request) {
			r.Host = "club.example"
			r.Header.Set("X-Forwarded-Proto", "https")
		}, `{"name":"alice"}`, "fc_session", false},
		"a browser that keeps no secure one": {func(*http.Request) {}, `{"name":"alice","plain":true}`, "fc_session", false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, trusting)
			r := browser("POST", "/session", tt.body)
			tt.change(r)
			w := h.members(r)
			want(t, w, 200, "")
			c := kept(w)
			if c == nil || c.Name != tt.cookie || c.Secure != tt.secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
				t.Fatalf("the cookie is %+v", c)
			}
			if c.MaxAge < int((11*time.Hour).Seconds()) || c.MaxAge > int(trialSession.Seconds()) {
				t.Errorf("it lives %d s", c.MaxAge)
			}
			if w.Header().Get("Cache-Control") != "no-store" || decode(t, w)["name"] != "alice" {
				t.Errorf("%v %s", w.Header(), w.Body)
			}
			next := browser("POST", "/v1/campaigns/noon/claims", "", "Cookie", c.Name+"="+c.Value)
			next.Host = r.Host
			want(t, h.members(next), 201, "")
			if got := h.calls[0].Member.Subject; got != "alice" {
				t.Errorf("%q has claimed", got)
			}
		})
	}
}

// signedIn is the cookie of a member's page.
func (h *house) signedIn(name string) string {
	h.t.Helper()
	c := kept(h.members(browser("POST", "/session", `{"name":"`+name+`"}`)))
	return c.Name + "=" + c.Value
}

// Another site's page can do nothing with the cookie, and nobody can be signed
// in behind their back.
func TestNoForgedRequests(t *testing.T) {
	h := newHouse(t)
	cookie := h.signedIn("alice")
	for _, site := range []string{"cross-site", "same-site"} {
		for _, request := range []string{"POST /v1/campaigns/noon/claims", "DELETE /v1/campaigns/noon/claims/me", "POST /session", "DELETE /session"} {
			method, target, _ := strings.Cut(request, " ")
			body := map[bool]string{true: `{"name":"mallory"}`}[request == "POST /session"]
			w := h.members(browser(method, target, body, "Cookie", cookie, "Sec-Fetch-Site", site))
			want(t, w, 403, "forbidden")
			if kept(w) != nil {
				t.Errorf("%s from a %s page leaves a cookie", request, site)
			}
		}
	}
	r := browser("POST", "/v1/campaigns/noon/claims", "", "Cookie", cookie, "Origin", "https://evil.example")
	r.Header.Del("Sec-Fetch-Site") // an old browser
	want(t, h.members(r), 403, "forbidden")
	want(t, h.members(browser("POST", "/session", `{"name":"mallory"}`, "Content-Type", "text/plain")), 415, "unsupported-media-type")
	if len(h.calls) > 0 {
		t.Errorf("%d claims came through", len(h.calls))
	}
	token := "Bearer " + h.token("alice", "")
	want(t, h.members(browser("POST", "/v1/campaigns/noon/claims", "", "Authorization", token, "Sec-Fetch-Site", "cross-site")), 201, "")
}

func TestWhoIsHere(t *testing.T) {
	h := newHouse(t)
	cookie := h.signedIn("홍길동 <b>")
	for request, name := range map[string]any{cookie: "홍길동 <b>", "": nil, "__Host-fc_session=nonsense": nil, "other=1": nil} {
		if got := decode(t, h.members(browser("GET", "/session", "", "Cookie", request))); got["name"] != name || got["trial"] != true {
			t.Errorf("%q is %v", request, got)
		}
	}
	page := h.members(browser("GET", "/", "", "Cookie", cookie)).Body.String()
	if !strings.Contains(page, `<meta name="fc-member" content="홍길동 &lt;b&gt;">`) {
		t.Error("the page does not know who is here, or believes what they are called")
	}
	w := h.members(browser("GET", "/", "", "Cookie", "__Host-fc_session=nonsense"))
	if c := w.Result().Cookies(); len(c) == 0 || c[0].MaxAge >= 0 {
		t.Errorf("a session that is good no more is kept: %v", c)
	}
	want(t, h.members(browser("GET", "/v1/me/points", "", "Cookie", cookie)), 200, "")
	want(t, h.members(browser("GET", "/v1/me/points", "", "Cookie", cookie, "Authorization", "Bearer nonsense")), 401, "unauthenticated")
	want(t, h.members(browser("GET", "/v1/me/points", "", "Cookie", "__Host-fc_session=nonsense")), 401, "unauthenticated")
	for range 2 {
		w := h.members(browser("DELETE", "/session", "", "Cookie", cookie))
		if want(t, w, 204, ""); len(w.Result().Cookies()) == 0 || kept(w) != nil {
			t.Errorf("signing out leaves %v", w.Result().Cookies())
		}
	}
}

func TestBadSignIns(t *testing.T) {
	h := newHouse(t)
	for body, code := range map[string]string{
		``: "malformed", `{`: "malformed", `[]`: "invalid", `{}`: "invalid", `{"name":""}`: "invalid", `{"name":"a","token":"b"}`: "invalid", `{"name":"a\u0000"}`: "invalid",
		`{"name":"a\u202eb"}`: "invalid", `{"name":"a","role":"owner"}`: "invalid", `{"name":"` + strings.Repeat("a", 129) + `"}`: "invalid", `{"token":"nonsense"}`: "unauthenticated",
		`{"token":"` + strings.Repeat("a", 3801) + `"}`: "invalid", `{"name":"a","sub":"b"}`: "invalid", `{"name":"` + strings.Repeat("a", 9000) + `"}`: "too-large",
	} {
		w := h.members(browser("POST", "/session", body))
		if want(t, w, kindOf(code).status, code); kept(w) != nil {
			t.Errorf("%.40s leaves a cookie", body)
		}
	}
}

// An admin who only says so must sit at this machine.
func TestAdminsByName(t *testing.T) {
	h := newHouse(t)
	const root = `{"name":"root","role":"owner"}`
	w := h.admins(browser("POST", "/session", root))
	want(t, w, 200, "")
	c := kept(w)
	if c.Name != adminCookie || decode(t, w)["role"] != "owner" {
		t.Errorf("%+v %s", c, w.Body)
	}
	cookie := c.Name + "=" + c.Value
	want(t, h.admins(browser("GET", "/v1/admin/campaigns", "", "Cookie", cookie)), 200, "")
	want(t, h.admins(browser("POST", "/v1/admin/campaigns/noon/pause", "", "Cookie", cookie)), 200, "")
	want(t, h.admins(browser("POST", "/v1/admin/campaigns/noon/pause", "", "Cookie", cookie, "Sec-Fetch-Site", "cross-site")), 403, "forbidden")
	want(t, h.admins(browser("GET", "/v1/admin/campaigns", "", "Cookie", strings.Replace(h.signedIn("alice"), memberCookie, adminCookie, 1))), 401, "unauthenticated")
	want(t, h.members(browser("GET", "/v1/me/points", "", "Cookie", strings.Replace(cookie, adminCookie, memberCookie, 1))), 401, "unauthenticated")
	for name, change := range map[string]func(*http.Request){
		"another machine":                 func(r *http.Request) { r.RemoteAddr = "192.0.2.9:1" },
		"a name that was pointed here":    func(r *http.Request) { r.Host = "evil.example:8081" },
		"through a proxy on this machine": func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.9") },
	} {
		r := browser("POST", "/session", root)
		change(r)
		w := h.admins(r)
		if want(t, w, 403, "forbidden"); kept(w) != nil {
			t.Errorf("%s signs in", name)
		}
	}
	r := browser("POST", "/session", `{"token":"`+h.token("boss", "viewer")+`"}`)
	r.RemoteAddr = "192.0.2.9:1"
	want(t, h.admins(r), 200, "")
}

// With an issuer of its own the program believes tokens, not names, and keeps
// nothing without TLS.
func TestSignInByToken(t *testing.T) {
	h := newHouse(t, withKey(secret))
	want(t, h.members(browser("POST", "/session", `{"name":"alice"}`)), 403, "forbidden")
	token := sign(t, jwt.SigningMethodHS256, []byte(secret), good())
	r := browser("POST", "/session", `{"token":"`+token+`","plain":true}`)
	r.Host = "club.example"
	w := h.members(r)
	want(t, w, 200, "")
	c := kept(w)
	if c.Name != memberCookie || !c.Secure || c.MaxAge < 3500 || c.MaxAge > 3600 || decode(t, w)["trial"] != false {
		t.Errorf("%+v %s", c, w.Body)
	}
	want(t, h.members(browser("GET", "/v1/me/points", "", "Cookie", c.Name+"="+c.Value)), 200, "")
	want(t, h.members(browser("GET", "/v1/me/points", "", "Cookie", "fc_session="+c.Value)), 401, "unauthenticated")
	old := sign(t, jwt.SigningMethodHS256, []byte(secret), good(set("exp", time.Now().Add(-time.Hour).Unix())))
	want(t, h.members(browser("POST", "/session", `{"token":"`+old+`"}`)), 401, "unauthenticated")
}
