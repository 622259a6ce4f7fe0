package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// noticed is the version of the notice in an answer of GET /v1/notices; 0: there is none.
func noticed(r reply) int64 {
	items, _ := r.body["items"].([]any)
	if len(items) == 0 {
		return 0
	}
	return int64(items[0].(map[string]any)["version"].(float64))
}

// TestNoticesReachEveryNode: what an admin says on one node is on the other at once, and
// a client that goes from node to node and brings what it has seen never goes back.
func TestNoticesReachEveryNode(t *testing.T) {
	env := clusterEnv(t)
	a, b := startNode(t, env, false), startNode(t, env, false)
	a.admin("POST", "/notices", `{"id":"rain","title":"version 1"}`).expect(t, 201)
	var over atomic.Bool
	var reads atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			etag, last := "", int64(0)
			for n := i; !over.Load(); n++ {
				r, err := ask("GET", [2]*running{a, b}[n%2].members+"/v1/notices", "", "", "If-None-Match", etag)
				switch {
				case err != nil || r.status != 200 && r.status != 304:
					t.Errorf("%d %v %s", r.status, err, r.raw)
					return
				case r.status == 304:
				case noticed(r) < last:
					t.Errorf("a client saw version %d after %d", noticed(r), last)
				default:
					etag, last = r.header.Get("Etag"), noticed(r)
				}
				reads.Add(1)
			}
		})
	}
	prompt := 0
	const changes = 20
	for v := int64(1); v <= changes; v++ {
		a.admin("PUT", "/notices/rain", fmt.Sprintf(`{"title":"version %d"}`, v+1), "If-Match", fmt.Sprintf(`"v%d"`, v)).expect(t, 200)
		told := time.Now()
		for noticed(b.member("x", "GET", "/v1/notices", "")) <= v {
			if time.Since(told) > 5*time.Second {
				t.Fatalf("version %d is not on the other node after 5 s", v+1)
			}
		}
		if time.Since(told) < 500*time.Millisecond {
			prompt++
		}
	}
	over.Store(true)
	wg.Wait()
	if prompt < changes*9/10 {
		t.Errorf("%d of %d changes were on the other node in 500 ms", prompt, changes)
	}
	t.Logf("%d reads, %d of %d changes in 500 ms", reads.Load(), prompt, changes)
	b.admin("DELETE", "/notices/rain", "", "If-Match", "*").expect(t, 200)
	if r := b.member("x", "GET", "/v1/notices", ""); noticed(r) != 0 {
		t.Errorf("removed, and shown: %s", r.raw)
	}
}

// TestCampaignsReachEveryNode: the same for a campaign, whose list and detail are read in
// turn: what one has shown, the other does not take back, here or, by its tag or its
// record, on the other node.
func TestCampaignsReachEveryNode(t *testing.T) {
	env := clusterEnv(t)
	a, b := startNode(t, env, false), startNode(t, env, false)
	a.open("noon", `"cap":10`)
	version := a.admin("GET", "/campaigns/noon", "").number("version")
	var over atomic.Bool
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			last, etag, offset := int64(0), "", "0:0"
			for n := i; !over.Load(); n++ {
				p := [2]*running{a, b}[n/3%2]
				path, header := "/v1/campaigns/noon", []string{"If-None-Match", etag}
				if n%3 == 1 {
					path, header = "/v1/campaigns", []string{"X-Log-Offset", offset}
				}
				r, err := ask("GET", p.members+path, "", "", header...)
				if err != nil || r.status == 304 {
					continue
				}
				body := r.body
				if items, ok := body["items"].([]any); ok && len(items) == 1 {
					body, _ = items[0].(map[string]any)
				}
				seen, _ := body["version"].(float64)
				if int64(seen) < last {
					t.Errorf("%s: version %v after %d: %s", path, seen, last, r.raw)
				}
				last = max(last, int64(seen))
				if r.header.Get("Etag") != "" {
					etag, offset = r.header.Get("Etag"), r.header.Get("X-Log-Offset")
				}
			}
		})
	}
	prompt := 0
	for n := range 15 {
		title := fmt.Sprint("title ", n)
		a.admin("PATCH", "/campaigns/noon", fmt.Sprintf(`{"title":%q}`, title), "If-Match", fmt.Sprintf(`"v%d"`, version)).expect(t, 200)
		version++
		told := time.Now()
		for !strings.Contains(b.member("x", "GET", "/v1/campaigns", "").raw, title) {
			if time.Since(told) > 5*time.Second {
				t.Fatalf("%s is not in the other node's list after 5 s", title)
			}
		}
		if time.Since(told) < 500*time.Millisecond {
			prompt++
		}
	}
	over.Store(true)
	wg.Wait()
	if prompt < 13 {
		t.Errorf("%d of 15 titles were on the other node in 500 ms", prompt)
	}
}

// TestWhatOneNodeAnsweredTheOtherShows: after a claim or a cancellation on one node, every
// read of the other includes it when the client brings the record's offset, as a header
// or as a browser's cookie.
func TestWhatOneNodeAnsweredTheOtherShows(t *testing.T) {
	env := clusterEnv(t)
	a, b := startNode(t, env, false), startNode(t, env, false)
	const campaigns, rounds = 3, 60
	for i := range campaigns {
		a.open(fmt.Sprint("c", i), `"points":10`)
	}
	var reads atomic.Int64
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for round := range rounds {
				near, far := a, b
				if (worker+round)%2 == 0 {
					near, far = b, a
				}
				name, id := fmt.Sprint("m", worker, "-", round), fmt.Sprint("c", round%campaigns)
				won := near.member(name, "POST", claims(id), "").expect(t, 201)
				reads.Add(shows(t, far, name, id, won, round%2 == 0, "granted", 10))
				gone := far.member(name, "DELETE", claims(id)+"/me", "", "X-Log-Offset", won.header.Get("X-Log-Offset")).expect(t, 200)
				reads.Add(shows(t, near, name, id, gone, round%2 == 1, "cancelled", 0))
			}
		})
	}
	wg.Wait()
	t.Logf("%d reads, none older than what was answered", reads.Load())
}

// shows holds every read of a node against what another one answered.
func shows(t *testing.T, p *running, name, id string, answered reply, byCookie bool, state string, points int64) int64 {
	t.Helper()
	header := []string{"X-Log-Offset", answered.header.Get("X-Log-Offset")}
	if byCookie {
		cookie, _, _ := strings.Cut(answered.header.Get("Set-Cookie"), ";")
		header = []string{"Cookie", cookie}
	}
	check := func(what, got string) {
		if got != state {
			t.Errorf("%s of %s is %q, want %q", what, name, got, state)
		}
	}
	check("claims/me", p.member(name, "GET", claims(id)+"/me", "", header...).text("state"))
	history := p.member(name, "GET", "/v1/me/claims", "", header...)
	if items, _ := history.body["items"].([]any); len(items) == 1 {
		one, _ := items[0].(map[string]any)
		check("me/claims", one["state"].(string))
	} else {
		t.Errorf("the history of %s: %s", name, history.raw)
	}
	if got := p.member(name, "GET", "/v1/me/points", "", header...).number("total"); got != points {
		t.Errorf("the points of %s are %d, want %d", name, got, points)
	}
	view := p.member(name, "GET", "/v1/view?campaign_id="+id, "", header...)
	if me, ok := view.body["me"].(map[string]any); ok {
		check("the view", me["state"].(string))
	} else if !strings.Contains(view.raw, `{"part":"me","reason":"timeout"}`) { // late is allowed, older is not
		t.Errorf("the view of %s: %s", name, view.raw)
	}
	if sum, ok := view.body["points"].(map[string]any); ok && sum["total"] != float64(points) {
		t.Errorf("the view's points of %s: %s, want %s", name, view.raw, strconv.FormatInt(points, 10))
	}
	return 4
}

// TestReadsForEverybodyAskNoLedger: 5,000 first reads while the ledger is away.
func TestReadsForEverybodyAskNoLedger(t *testing.T) {
	p := startNode(t, append(clusterEnv(t), "FIRSTCOME_POSTGRES=postgres://nobody@127.0.0.1:1/away"), false)
	p.open("alone", `"cap":1`)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			for range 50 {
				path := [2]string{"/v1/campaigns", "/v1/campaigns/alone"}[i%2]
				if r, err := ask("GET", p.members+path, "", ""); err != nil || r.status != 200 || !strings.Contains(r.raw, `"alone"`) {
					t.Errorf("%s: %d %v", path, r.status, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if r := p.member("x", "GET", "/v1/notices", ""); r.status != 503 || r.header.Get("Retry-After") == "" {
		t.Errorf("notices that were never read: %d %s", r.status, r.raw)
	}
	view := p.member("x", "GET", "/v1/view?campaign_id=alone", "")
	if view.status != 200 || view.body["notices"] != nil || view.body["campaign"] == nil {
		t.Errorf("the view without a ledger: %s", view.raw)
	}
}
