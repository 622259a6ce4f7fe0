package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

func TestTime(t *testing.T) {
	w := newHouse(t).ask("GET /v1/time")
	want(t, w, 200, "")
	got := decode(t, w)
	if got["now"] != "2026-03-02T03:00:00.000Z" || got["unix_ms"] != float64(noon.UnixMilli()) || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %v %v", got, w.Header())
	}
}

func TestCampaignDetail(t *testing.T) {
	h := newHouse(t)
	w := h.ask("GET /v1/campaigns/noon")
	want(t, w, 200, "")
	got := decode(t, w)
	for name, v := range map[string]any{"id": "noon", "cap": 100.0, "remaining": 93.0, "granted": 7.0, "status": "open", "sold_out": false,
		"position": "e1-12", "version": 3.0, "opens_at": "2026-03-02T03:00:00.000Z", "description": "Two\nlines", "cancellable_until": nil} {
		if got[name] != v {
			t.Errorf("%s is %v, want %v", name, got[name], v)
		}
	}
	if cc := w.Header().Get("Cache-Control"); cc != "public, max-age=5, stale-while-revalidate=30, stale-if-error=300" {
		t.Errorf("Cache-Control %s", cc)
	}
	etag := w.Header().Get("ETag")
	for _, known := range []string{etag, "W/" + etag, `"x", ` + etag, "*"} {
		w := h.ask("GET /v1/campaigns/noon", "If-None-Match", known)
		if w.Code != 304 || w.Body.Len() != 0 || w.Header().Get("ETag") != etag || w.Header().Get("Cache-Control") == "" {
			t.Errorf("If-None-Match %s: %d %s", known, w.Code, w.Body)
		}
	}
	if w := h.ask("GET /v1/campaigns/noon", "If-None-Match", `"other"`); w.Code != 200 {
		t.Errorf("another tag: %d", w.Code)
	}
	if w := h.ask("HEAD /v1/campaigns/noon"); w.Code != 200 || w.Header().Get("ETag") != etag {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
	want(t, h.ask("GET /v1/campaigns/draft"), 404, "not-found")
	want(t, h.ask("GET /v1/campaigns/nobody"), 404, "not-found")
	if got := decode(t, h.ask("GET /v1/campaigns/old")); got["status"] != "archived" {
		t.Errorf("an archived campaign is %v", got["status"])
	}
	h.ask("GET /v1/campaigns/noon", "X-Log-Offset", "3:50")
	if len(h.reads) != 1 || h.reads[0].After.Offset != 50 {
		t.Errorf("waited for %+v", h.reads)
	}
	h.ask("GET /v1/campaigns/noon", "Cache-Control", "no-cache")
	if len(h.reads) != 1 {
		t.Error("a passer-by's reload cost a barrier")
	}
}

// A new state is a new print and a new ETag; an old one is used again.
func TestPrintsAreMadeOncePerState(t *testing.T) {
	w := newWorld()
	var p prints
	c := w.campaigns["noon"]
	first := p.of(&c)
	if p.of(&c) != first {
		t.Error("the same state was encoded twice")
	}
	c.Granted, c.Ev = 8, 13
	second := p.of(&c)
	if second == first || second.etag[0] == first.etag[0] || &second.definition[0] != &first.definition[0] {
		t.Error("a new state must be a new print on the same definition")
	}
	c.Version, c.Title = 4, "Later"
	if third := p.of(&c); !strings.Contains(string(third.body), `"title":"Later"`) || !json.Valid(third.body) {
		t.Errorf("print %s", third.body)
	}
}

func TestCampaignList(t *testing.T) {
	h := newHouse(t)
	for i, id := range []string{"b", "a", "c"} {
		c := h.campaigns["noon"]
		c.ID, c.CreatedAt = id, noon.Add(time.Duration(i/2)*time.Minute)
		c.Status = []fold.Status{fold.Open, fold.Closed, fold.Scheduled}[i]
		h.campaigns[id] = c
	}
	ids := func(request string, headers ...string) string {
		w := h.ask(request, headers...)
		want(t, w, 200, "")
		var page struct {
			Items []struct{ ID string }
			Next  *string `json:"next_cursor"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, i := range page.Items {
			all = append(all, i.ID)
		}
		if page.Next != nil {
			all = append(all, *page.Next)
		}
		return strings.Join(all, " ")
	}
	if got := ids("GET /v1/campaigns"); got != "c a b noon" {
		t.Errorf("members see %s", got)
	}
	if got := ids("GET /v1/campaigns?status=open"); got != "b noon" {
		t.Errorf("open are %s", got)
	}
	if got := ids("GET /v1/campaigns?status=draft"); got != "" {
		t.Errorf("members see drafts: %s", got)
	}
	first, next, _ := strings.Cut(ids("GET /v1/campaigns?limit=3"), " b ")
	if first != "c a" || next == "" {
		t.Fatalf("first page %q, then %q", first, next)
	}
	if got := ids("GET /v1/campaigns?limit=3&cursor=" + next); got != "noon" {
		t.Errorf("second page %q", got)
	}
	token := "Bearer " + h.token("boss", "viewer")
	if got := ids("GET /v1/admin/campaigns?status=draft", "Authorization", token); got != "draft" {
		t.Errorf("admins' drafts are %s", got)
	}
}

// The list may be a moment old, but never older than a change made here.
func TestTheListShowsAChangeMadeHereAtOnce(t *testing.T) {
	h := newHouse(t)
	h.admin("viewer", "GET /v1/admin/campaigns")
	want(t, h.admin("operator", `POST /v1/admin/campaigns {"id":"new","title":"New"}`), 201, "")
	if w := h.admin("viewer", "GET /v1/admin/campaigns"); !strings.Contains(w.Body.String(), `"id":"new"`) {
		t.Error("the list does not show it")
	}
	if w := h.ask("GET /v1/campaigns"); strings.Contains(w.Body.String(), `"id":"new"`) {
		t.Error("members see a draft")
	}
}

func TestNamesInPagesCannotBreakOut(t *testing.T) {
	c := engine.Campaign{Title: "</script><b>\u2028", Status: fold.Open}
	b := appendLive(appendDefinition(nil, &c), &c)
	if strings.Contains(string(b), "<") || strings.Contains(string(b), "\u2028") || !json.Valid(b) {
		t.Errorf("printed %s", b)
	}
}
