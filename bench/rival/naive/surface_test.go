//go:build badengine

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"firstcome/bench/stack"
)

// step is one call of a member, or of the admin, and what must come back.
type step struct {
	who, method, path, body string
	status                  int
	say                     string // state or code
	rank, position          int64
}

// surface walks through the life of a campaign as the contract has it.
func surface(t *testing.T, d *stack.Deployment) {
	t.Helper()
	tokens, err := d.Tokens(t.Context(), "", []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	owner, err := d.Tokens(t.Context(), "owner", []string{"owner"})
	if err != nil {
		t.Fatal(err)
	}
	token := map[string]string{"a": tokens[0], "b": tokens[1], "c": tokens[2], "owner": owner[0]}
	const wait, claims, me = `{"if_full":"waitlist"}`, "/v1/campaigns/life/claims", "/v1/campaigns/life/claims/me"
	const admin = "/v1/admin/campaigns/life"
	for _, s := range []step{
		{"owner", "POST", "/v1/admin/campaigns", `{"id":"life","title":"Life","kind":"event","cap":1,"waitlist_cap":2}`, 201, "", 0, 0},
		{"owner", "POST", admin + "/opening", "", 200, "", 0, 0},
		{"a", "POST", claims, "", 201, "granted", 1, 0},
		{"a", "POST", claims, "", 200, "granted", 1, 0},
		{"b", "POST", claims, "", 409, "sold-out", 0, 0},
		{"b", "POST", claims, wait, 201, "waitlisted", 0, 1},
		{"c", "POST", claims, wait, 201, "waitlisted", 0, 2},
		{"a", "DELETE", me, "", 200, "cancelled", 1, 0},
		{"a", "DELETE", me, "", 200, "cancelled", 1, 0},
		{"b", "GET", me, "", 200, "granted", 2, 0},
		{"c", "GET", me, "", 200, "waitlisted", 0, 1},
		{"owner", "PUT", admin + "/cap", `{"cap":2,"reason":"a larger room"}`, 200, "", 0, 0},
		{"c", "GET", me, "", 200, "granted", 3, 0},
		{"a", "POST", claims, "", 409, "sold-out", 0, 0},
		{"owner", "POST", admin + "/pause", "", 200, "", 0, 0},
		{"a", "POST", claims, "", 409, "campaign-paused", 0, 0},
		{"owner", "POST", admin + "/cancellations", `{"member":"b","reason":"asked by mail"}`, 200, "", 2, 0},
		{"owner", "POST", admin + "/closure", "", 200, "", 0, 0},
		{"a", "POST", claims, "", 410, "campaign-closed", 0, 0},
	} {
		addr := d.Nodes[0].Members
		if s.who == "owner" {
			addr = d.Nodes[0].Admins
		}
		s.ask(t, addr, token[s.who])
	}
}

func (s *step) ask(t *testing.T, addr, token string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), s.method, "http://"+addr+s.path, strings.NewReader(s.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if s.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if s.method == "PUT" {
		req.Header.Set("If-Match", `"v2"`)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		State, Code string
		Rank        int64
		Position    any // a campaign's is a text
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%+v: %d %s", s, resp.StatusCode, text)
	}
	position, _ := got.Position.(float64)
	if resp.StatusCode != s.status || got.State+got.Code != s.say && s.who != "owner" || got.Rank != s.rank || int64(position) != s.position {
		t.Errorf("%+v: %d %s", s, resp.StatusCode, text)
	}
}
