package api

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

// What nobody should send. Each gets a clear refusal, nothing reaches the
// engine, and the server goes on.
func TestMalformedRequests(t *testing.T) {
	const claims, mine, list = "/v1/campaigns/noon/claims", "/v1/campaigns/noon/claims/me", "/v1/admin/campaigns"
	long := strings.Repeat("x", 5<<10)
	for _, tt := range []struct {
		request string
		status  int
		code    string
		headers []string
	}{
		// bodies that are not JSON, or not JSON that can be trusted
		{"POST " + claims + " {", 400, "malformed", nil},
		{"POST " + claims + " }", 400, "malformed", nil},
		{"POST " + claims + " {}{}", 400, "malformed", nil},
		{"POST " + claims + ` {"if_full":"refuse"} x`, 400, "malformed", nil},
		{"POST " + claims + ` {"if_full":"refuse",}`, 400, "malformed", nil},
		{"POST " + claims + ` {'if_full':'refuse'}`, 400, "malformed", nil},
		{"POST " + claims + ` {if_full:"refuse"}`, 400, "malformed", nil},
		{"POST " + claims + " \xff\xfe{}", 400, "malformed", nil},
		{"POST " + claims + " {\"if_full\":\"\xc3\"}", 400, "malformed", nil},
		{"POST " + claims + ` {"if_full":"refuse","if_full":"waitlist"}`, 400, "malformed", nil},
		{"POST " + claims + ` {"if_full":"refuse","if_\u0066ull":"waitlist"}`, 400, "malformed", nil},
		{"POST " + claims + ` {"answers":{"a":1,"a":2}}`, 400, "malformed", nil},
		{"POST " + claims + ` {"answers":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}", 400, "malformed", nil},
		{"POST " + claims + ` <claim/>`, 400, "malformed", nil},
		{"POST " + claims + ` NaN`, 400, "malformed", nil},
		{"POST " + claims + ` undefined`, 400, "malformed", nil},
		// JSON of another shape
		{"POST " + claims + " []", 422, "invalid", nil},
		{"POST " + claims + " null", 422, "invalid", nil},
		{"POST " + claims + ` "claim"`, 422, "invalid", nil},
		{"POST " + claims + " 1", 422, "invalid", nil},
		{"POST " + claims + ` {"if_full":"maybe"}`, 422, "invalid", nil},
		{"POST " + claims + ` {"if_full":1}`, 422, "invalid", nil},
		{"POST " + claims + ` {"if_full":["waitlist"]}`, 422, "invalid", nil},
		{"POST " + claims + ` {"user":"bob"}`, 422, "invalid", nil},
		{"POST " + claims + ` {"member":"bob","rank":1}`, 422, "invalid", nil},
		{"POST " + claims + ` {"IF_FULL":"waitlist"}`, 422, "invalid", nil},
		{"POST " + claims + ` {"answers":[]}`, 422, "invalid-answers", nil},
		{"POST " + claims + ` {"answers":"x"}`, 422, "invalid-answers", nil},
		{"POST " + claims + ` {"answers":{"name":"a\u0000b"}}`, 422, "invalid-answers", nil},
		{"POST " + claims + ` {"answers":{"name":"a\u202eb"}}`, 422, "invalid-answers", nil},
		{"POST " + claims + ` {"answers":{"name":"\ud800"}}`, 422, "invalid-answers", nil},
		{"POST " + claims + ` {"answers":{"name":["\u2066"]}}`, 422, "invalid-answers", nil},
		{"POST " + claims + ` {"answers":{"name":{"first":"a"}}}`, 422, "invalid-answers", nil},
		// sizes and kinds of bodies
		{"POST " + claims + ` {"answers":{"name":"` + long + `"}}`, 413, "too-large", nil},
		{"PATCH " + mine + ` {"answers":{"name":"` + long + `"}}`, 413, "too-large", nil},
		{"POST " + claims + " a=b", 415, "unsupported-media-type", []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"POST " + claims + " {}", 415, "unsupported-media-type", []string{"Content-Type", "text/plain"}},
		{"POST " + claims + " {}", 415, "unsupported-media-type", []string{"Content-Type", "application/merge-patch+json"}},
		{"POST " + claims + " {}", 415, "unsupported-media-type", []string{"Content-Type", "application/json; charset=utf-16"}},
		{"POST " + claims + " {}", 415, "unsupported-media-type", []string{"Content-Type", ";;;"}},
		{"POST " + claims + " {}", 415, "unsupported-media-type", []string{"Content-Encoding", "gzip"}},
		// addresses
		{"POST /v1/campaigns/UPPER/claims", 404, "not-found", nil},
		{"POST /v1/campaigns/-noon/claims", 404, "not-found", nil},
		{"POST /v1/campaigns/no%00on/claims", 404, "not-found", nil},
		{"POST /v1/campaigns/no%2Fon/claims", 404, "not-found", nil},
		{"POST /v1/campaigns/%7Bnoon%7D/claims", 404, "not-found", nil},
		{"POST /v1/campaigns/" + strings.Repeat("a", 64) + "/claims", 404, "not-found", nil},
		{"POST /v1/campaigns//claims", 404, "not-found", nil},
		{"POST /v1/campaigns/../claims", 404, "not-found", nil},
		{"GET /v1/campaigns/noon/", 404, "not-found", nil},
		{"GET //v1/time", 404, "not-found", nil},
		{"GET /none", 404, "not-found", nil},
		{"GET /v2/time", 404, "not-found", nil},
		{"GET /problems/none", 404, "not-found", nil},
		// methods
		{"GET " + claims, 405, "method-not-allowed", nil},
		{"DELETE " + claims, 405, "method-not-allowed", nil},
		{"POST " + mine, 405, "method-not-allowed", nil},
		{"OPTIONS " + claims, 405, "method-not-allowed", nil},
		{"TRACE /v1/time", 405, "method-not-allowed", nil},
		{"BREW /v1/time", 405, "method-not-allowed", nil},
		// headers
		{"POST " + claims, 406, "not-acceptable", []string{"Accept", "text/html"}},
		{"GET /v1/time", 406, "not-acceptable", []string{"Accept", "application/json;q=0"}},
		{"GET " + mine, 400, "malformed", []string{"X-Log-Offset", "3"}},
		{"GET " + mine, 400, "malformed", []string{"X-Log-Offset", "-1:4"}},
		{"GET " + mine, 400, "malformed", []string{"X-Log-Offset", "0:99999999999999999999"}},
		{"POST " + claims, 400, "malformed", []string{"X-Log-Offset", "a:b"}},
		// queries
		{"GET /v1/campaigns?limit=0", 422, "invalid", nil},
		{"GET /v1/campaigns?limit=201", 422, "invalid", nil},
		{"GET /v1/campaigns?limit=ten", 422, "invalid", nil},
		{"GET /v1/campaigns?limit=", 422, "invalid", nil},
		{"GET /v1/campaigns?limit=99999999999999999999", 422, "invalid", nil},
		{"GET /v1/campaigns?cursor=!!", 422, "invalid", nil},
		{"GET /v1/campaigns?cursor=" + cursor(historyList, "1.noon"), 422, "invalid", nil},
		{"GET /v1/campaigns?cursor=" + cursor(campaignList, "soon"), 422, "invalid", nil},
		{"GET /v1/campaigns?cursor=" + strings.Repeat("A", 300), 422, "invalid", nil},
		{"GET /v1/campaigns?status=ajar", 422, "invalid", nil},
		{"GET /v1/campaigns?limit=%zz", 400, "malformed", nil},
		{"GET /v1/me/claims?limit=-1", 422, "invalid", nil},
		// admins
		{"POST " + list, 400, "malformed", nil},
		{"POST " + list + ` {"title":1}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"x","id":"Not A Slug"}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"x","status":"open"}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"a\u202eb"}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"a\nb"}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"x","cap":1.5}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"x","cap":"100"}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"x","cap":9223372036854775808}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"x","opens_at":"noon"}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"x","opens_at":1772420400}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"x","end_promotion":"yes"}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"x","form":{}}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"x","form":[1]}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"x","form":[{"id":"a","kind":"text"}]}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"x","eligibility":[{"claim":"a","in":[1]}]}`, 422, "invalid", nil},
		{"POST " + list + `?dry_run=perhaps {"title":"x"}`, 422, "invalid", nil},
		{"POST " + list + ` {"title":"` + strings.Repeat("x", 65<<10) + `"}`, 413, "too-large", nil},
		{"GET " + list + "/noon/claims?q=%E2%80%AE", 422, "invalid", nil},
		{"GET " + list + "/noon/claims?cursor=" + cursor(placeList, "-1"), 422, "invalid", nil},
		{"POST " + list + `/noon/opening {"reason":1}`, 422, "invalid", nil},
		{"POST " + list + `/noon/opening {"force":true}`, 422, "invalid", nil},
		{"DELETE " + list + "/noon", 405, "method-not-allowed", nil},
	} {
		name := tt.request
		if len(name) > 60 {
			name = name[:60]
		}
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			ask := h.member
			who := "alice"
			if strings.Contains(tt.request, " /v1/admin") {
				ask, who = h.admin, "owner"
			}
			w := ask(who, tt.request, tt.headers...)
			p := want(t, w, tt.status, tt.code)
			if tt.status == 422 && len(p["errors"].([]any)) == 0 {
				t.Errorf("it does not say what is wrong: %s", w.Body)
			}
			if tt.status == 405 && w.Header().Get("Allow") == "" {
				t.Error("there is no Allow")
			}
			if len(h.calls)+len(h.actors) > 0 {
				t.Error("it reached the engine")
			}
			want(t, h.ask("GET /v1/time"), 200, "")
		})
	}
}

func TestErrorsPointAtTheField(t *testing.T) {
	h := newHouse(t)
	w := h.admin("owner", `POST /v1/admin/campaigns {"title":1,"form":[{"id":"a"},{"id":2}],"a/b~c":1,"eligibility":[{"claim":"c","in":["x",3]}]}`)
	p := want(t, w, 422, "invalid")
	var got []string
	for _, e := range p["errors"].([]any) {
		got = append(got, e.(map[string]any)["pointer"].(string))
	}
	if s := strings.Join(got, " "); s != "/title /form/1/id /eligibility/0/in/1 /a~1b~0c" {
		t.Errorf("pointers %s", s)
	}
}

func TestAllowNamesTheMethods(t *testing.T) {
	h := newHouse(t)
	for request, allow := range map[string]string{
		"PUT /v1/time":                        "GET, HEAD",
		"PUT /v1/campaigns/noon/claims":       "POST",
		"PUT /v1/campaigns/noon/claims/me":    "GET, HEAD, PATCH, DELETE",
		"DELETE /v1/admin/ledger/throttle":    "GET, HEAD, PUT",
		"OPTIONS /v1/admin/campaigns/noon":    "GET, HEAD, PATCH",
		"POST /v1/admin/campaigns/noon/books": "GET, HEAD",
	} {
		if got := h.ask(request).Header().Get("Allow"); got != allow {
			t.Errorf("%s: Allow is %s, want %s", request, got, allow)
		}
	}
}

// A body without an end is read to the limit and no further.
func TestEndlessBody(t *testing.T) {
	h := newHouse(t)
	endless := strings.NewReader(strings.Repeat(" ", 1<<20))
	r := httptest.NewRequest("POST", "/v1/campaigns/noon/claims", endless)
	r.ContentLength = -1
	r.Header.Set("Authorization", "Bearer "+h.token("alice", ""))
	want(t, h.send(r), 413, "too-large")
	if endless.Len() < 1<<20-8<<10 {
		t.Errorf("%d bytes were read", 1<<20-endless.Len())
	}
	r = httptest.NewRequest("POST", "/v1/campaigns/noon/claims", iotest.TimeoutReader(strings.NewReader("{}")))
	r.ContentLength = 400
	r.Header.Set("Authorization", "Bearer "+h.token("alice", ""))
	want(t, h.send(r), 400, "malformed")
}

// A body that is not declared as anything is taken at its word.
func TestUndeclaredBody(t *testing.T) {
	h := newHouse(t)
	r := httptest.NewRequest("POST", "/v1/campaigns/noon/claims", strings.NewReader(`{"if_full":"waitlist"}`))
	r.Header.Set("Authorization", "Bearer "+h.token("alice", ""))
	want(t, h.send(r), 201, "")
}
