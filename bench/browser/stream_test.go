package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"firstcome/bench/stack"
)

// frame is an event of a campaign's stream.
type frame struct {
	ID      string `json:"-"`
	Event   string `json:"-"`
	From    int    `json:"from"`
	To      int    `json:"to"`
	Granted int    `json:"granted"`
	Waiting int    `json:"waiting"`
	Status  string `json:"status"`
	Cap     int    `json:"cap"`
}

// frames are the numbered events that a client heard. They begin at 1, have no
// hole and no overlap, and each carries the number of its end as its id.
func frames(t testing.TB, l *listener) []frame {
	t.Helper()
	var all []frame
	next := 1
	for _, h := range events(l) {
		if h.Event == "claim" || h.Event == "reset" {
			continue
		}
		f := frame{ID: h.ID, Event: h.Event}
		if err := json.Unmarshal([]byte(h.Data), &f); err != nil {
			t.Fatalf("%s heard %q: %v", l.name, h.Data, err)
		}
		if f.From != next || f.To < f.From || !strings.HasSuffix(f.ID, "-"+strconv.Itoa(f.To)) {
			t.Fatalf("%s heard %+v after number %d", l.name, f, next-1)
		}
		next = f.To + 1
		all = append(all, f)
	}
	return all
}

// reaches waits until a client has heard the event with the campaign's position.
func (h *house) reaches(t testing.TB, l *listener, campaign string) reply {
	t.Helper()
	var c reply
	eventually(t, patience, func() string {
		c = ask(t, "GET", h.members()+"/v1/campaigns/"+campaign, "", "", "Cache-Control", "no-cache")
		all := events(l)
		if len(all) > 0 && all[len(all)-1].ID == c.text("position") {
			return ""
		}
		return fmt.Sprintf("%s has not come to %s: %+v", l.name, c.text("position"), l.all())
	})
	return c
}

// enters gives the browser the session of a member, as the page of signing in
// does.
func (b *tab) enters(name string) {
	b.t.Helper()
	body, _ := json.Marshal(map[string]string{"name": name})
	status := eval[int](b, `fetch("/session", {method: "POST", headers: {"Content-Type": "application/json"}, body: `+quoted(string(body))+`}).then(r => r.status)`)
	if status >= http.StatusMultipleChoices {
		b.fatalf("no session for %s: %d", name, status)
	}
}

// The same stream, heard by Chromium and by three other clients, is whole: also
// across a restart of the server, after which each comes back by itself; and it
// ends when nothing comes any more.
func TestFourClientsHearOurStream(t *testing.T) {
	t.Parallel()
	h := own(t, nil)
	id, node := stack.Unique("heard"), h.Nodes[0]
	h.open(t, id, "Heard", map[string]any{"cap": 3, "waitlist_cap": 5,
		"form": []map[string]any{{"id": "why", "label": "Why", "type": "long_text"}}})
	b := on(laptop).sits(t)
	b.open(h.members() + "/")
	b.enters("reader")
	token := h.tokens(t, "", "reader")[0]
	var all []*listener
	for _, kind := range kinds {
		l := kind.start(t, b, h.members()+"/v1/campaigns/"+id+"/events", token, "")
		h.reaches(t, l, id)
		all = append(all, l)
	}
	why := "two\nlines\n\ndata: x\n\nid: 7"
	body, _ := json.Marshal(map[string]any{"answers": map[string]string{"why": why}})
	if r := h.claim(t, id, "reader", string(body)); r.status != http.StatusCreated {
		t.Fatalf("the reader's claim: %d %s", r.status, r.raw)
	}
	h.crowd(t, id, "other", 4, `{"if_full":"waitlist"}`)
	h.admin(t, "POST", "/campaigns/"+id+"/pause", "")
	for _, l := range all {
		h.reaches(t, l, id)
	}
	node.Kill()
	if err := node.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.admin(t, "POST", "/campaigns/"+id+"/resumption", "")
	h.cancel(t, id, "other-01")
	for _, l := range all {
		c := h.reaches(t, l, id)
		heardAll(t, l, c, why)
	}
	h.ends(t, id, all)
}

// ends archives the campaign. Its stream has an end then: each client comes back
// once and is told 204.
func (h *house) ends(t *testing.T, id string, all []*listener) {
	t.Helper()
	h.admin(t, "POST", "/campaigns/"+id+"/closure", "")
	h.admin(t, "POST", "/campaigns/"+id+"/archive", "")
	for _, l := range all {
		eventually(t, patience, func() string {
			if heard := l.all(); heard[len(heard)-1].Event != "(closed)" {
				return fmt.Sprintf("%s does not end: %+v", l.name, heard)
			}
			return ""
		})
		if got := frames(t, l); got[len(got)-1].Status != "archived" {
			t.Errorf("%s heard last %+v", l.name, got[len(got)-1])
		}
	}
}

func heardAll(t *testing.T, l *listener, campaign reply, why string) {
	t.Helper()
	got := frames(t, l)
	var last frame
	for _, f := range got {
		if f.Event == "count" {
			last = f
		}
	}
	if last.Granted != campaign.number("granted") || last.Waiting != campaign.number("waiting") {
		t.Errorf("%s ends with %+v, the campaign with %s", l.name, last, campaign.raw)
	}
	var statuses []string
	for _, f := range got {
		if f.Event == "status" {
			statuses = append(statuses, f.Status)
		}
	}
	if !slices.Equal(statuses[max(0, len(statuses)-2):], []string{"paused", "open"}) {
		t.Errorf("%s heard the states %v", l.name, statuses)
	}
	claims := slices.DeleteFunc(events(l), func(h heard) bool { return h.Event != "claim" })
	if len(claims) == 0 {
		t.Fatalf("%s did not hear of the reader's own claim", l.name)
	}
	var claim struct {
		State   string
		Rank    int
		Answers map[string]string
	}
	if err := json.Unmarshal([]byte(claims[len(claims)-1].Data), &claim); err != nil {
		t.Fatal(err)
	}
	if claim.State != "granted" || claim.Rank != 1 || claim.Answers["why"] != why && claim.Answers != nil {
		t.Errorf("%s heard the claim %+v", l.name, claim)
	}
}
