package main

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"
)

// relayedEnv is what a node needs that others tell the news: no log, no database.
func relayedEnv(env []string) (kept []string) {
	for _, e := range env {
		if !strings.HasPrefix(e, "FIRSTCOME_KAFKA") && !strings.HasPrefix(e, "FIRSTCOME_POSTGRES") {
			kept = append(kept, e)
		}
	}
	return append(kept, "FIRSTCOME_ROLES=stream", "FIRSTCOME_STREAM_SOURCE=redis")
}

// A node that others tell the news serves streams, the missing frames and a
// member's own changes, and knows nothing else. Nobody was told of it.
func TestANodeThatFollowsNoLogServesStreams(t *testing.T) {
	env := clusterEnv(t)
	claimer := startNode(t, append(env, "FIRSTCOME_ROLES=api,ledger,scheduler"), false)
	claimer.open("told", `"cap":10`)
	at := claimer.position("told")
	shower := startNode(t, relayedEnv(env), false)
	shower.member("alice", "GET", "/readyz", "").expect(t, 200)
	for _, elsewhere := range []string{"/v1/campaigns", "/v1/campaigns/told", "/v1/campaigns/told/claims/me", "/v1/me/claims", "/v1/time"} {
		shower.member("alice", "GET", elsewhere, "").expect(t, 503)
	}
	shower.member("alice", "POST", claims("told"), "").expect(t, 503)
	shower.member("alice", "GET", "/v1/campaigns/nowhere/events", "", "Accept", "application/json").expect(t, 404)
	ticket := shower.member("alice", "POST", "/v1/stream-tickets", "").expect(t, 200).text("ticket")
	mine, err := http.Get(shower.members + "/v1/campaigns/told/events?last_event_id=" + at + "&ticket=" + ticket)
	if err != nil || mine.StatusCode != 200 {
		t.Fatalf("%v %v", mine, err)
	}
	defer mine.Body.Close()
	claimer.member("alice", "POST", claims("told"), "").expect(t, 201)
	s := &screening{t, mine, bufio.NewReader(mine.Body)}
	told := map[string]shown{}
	for len(told) < 2 {
		e, ok := s.next()
		if !ok {
			t.Fatal("the stream ended")
		}
		told[e.event] = e
	}
	if told["claim"].State != "granted" || told["claim"].Rank != 1 || told["count"].Granted != 1 || told["count"].From != 3 {
		t.Errorf("told %v", told)
	}
	late := time.Now().Add(patience)
	for { // a claim's answer may be ahead of what is relayed
		r := shower.member("anyone", "GET", "/v1/campaigns/told/events?after="+at, "", "Accept", "application/json").expect(t, 200)
		if r.text("position") == claimer.position("told") && strings.Contains(r.raw, `"granted":1`) {
			break
		}
		if time.Now().After(late) {
			t.Fatal(r.raw)
		}
	}
	if code := shower.stop(); code != exitDone {
		t.Errorf("exit code %d: %s", code, shower.said)
	}
}
