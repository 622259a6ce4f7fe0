package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/pb33f/jsonschema/v6"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// messages compiles the schema of every message of the AsyncAPI document.
func messages(t *testing.T) (byName map[string]*jsonschema.Schema, doc map[string]any) {
	t.Helper()
	raw, err := asyncDocument("")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	doc = tree.(map[string]any)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("asyncapi.json", tree); err != nil {
		t.Fatal(err)
	}
	byName = map[string]*jsonschema.Schema{}
	for name := range doc["components"].(map[string]any)["messages"].(map[string]any) {
		if byName[name], err = compiler.Compile("asyncapi.json#/components/messages/" + name + "/payload"); err != nil {
			t.Fatal(err)
		}
	}
	return byName, doc
}

func TestTheAsyncAPIsExamplesAreAsItsSchemas(t *testing.T) {
	byName, doc := messages(t)
	for name, m := range doc["components"].(map[string]any)["messages"].(map[string]any) {
		for _, e := range m.(map[string]any)["examples"].([]any) {
			if err := byName[name].Validate(e.(map[string]any)["payload"]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// Everything that a stream and a feed send is as the document says.
func TestRealFramesAreAsTheAsyncAPISays(t *testing.T) {
	byName, _ := messages(t)
	c := newCinema(t)
	seen := map[string]bool{}
	check := func(v *viewer, n int) {
		t.Helper()
		for n > 0 {
			f, ok := v.next()
			if !ok {
				t.Fatal("the stream ended")
			}
			if f.event == "" {
				continue
			}
			data, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(f.data)))
			if err == nil && byName[f.event] == nil {
				err = fmt.Errorf("the document does not know it")
			}
			if err == nil {
				err = byName[f.event].Validate(data)
			}
			if err != nil {
				t.Errorf("%+v: %v", f, err)
			}
			seen[f.event] = true
			n--
		}
	}
	c.mu.Lock()
	c.claims[c.User("alice")] = engine.Claim{Campaign: "noon", State: "waitlisted", Ticket: 3, Position: 2, ClaimedAt: noon}
	c.mu.Unlock()
	v := c.watch(t, "?last_event_id=other-7", c.as("alice")...)
	check(v, 2)
	c.grants("alice")
	check(v, 2)
	c.happens(fold.PausedNow, "", 0)
	check(v, 1)
	c.caps(nil)
	check(v, 1)
	c.happens(fold.GrantedNow, "bob", 1) // without a cap
	check(v, 1)
	limit := int64(5)
	c.caps(&limit)
	check(v, 1)
	f := c.follow(t, "", "viewer")
	check(f, 5)
	check(c.follow(t, "?last_event_id=e0-3", "viewer"), 6)
	if len(seen) != len(byName) {
		t.Errorf("seen %v of %d", seen, len(byName))
	}
}

// caps changes noon's cap.
func (c *cinema) caps(limit *int64) {
	c.world.mu.Lock()
	now := c.world.campaigns["noon"]
	now.Cap = limit
	c.world.campaigns["noon"] = now
	c.world.mu.Unlock()
	c.happens(fold.CapChanged, "", 0)
}

// An admin's feed tells every change, goes on behind an id, and ends with the node.
func TestTheFeedTellsEveryChange(t *testing.T) {
	c := newCinema(t)
	c.happens(fold.GrantedNow, "bob", 1)
	c.happens(fold.PausedNow, "", 0)
	v := c.follow(t, "", "viewer")
	v.want("change", "e1-13", `{"ev":13,"what":"granted","granted":8,"waiting":0,"remaining":92,"status":"open","at":"`)
	v.want("change", "e1-14", `{"ev":14,"what":"paused",`)
	for range 3 {
		c.happens(fold.GrantedNow, "eve", 1)
	}
	for ev := 15; ev <= 17; ev++ {
		v.want("change", fmt.Sprintf("e1-%d", ev), fmt.Sprintf(`{"ev":%d,"what":"granted","granted":%d,`, ev, ev-6))
	}
	c.follow(t, "?last_event_id=e1-16", "viewer").want("change", "e1-17", `{"ev":17,`)
	old := c.follow(t, "?last_event_id=e1-3", "viewer") // nobody kept what was before
	old.want("reset", "e1-12", `{"position":"e1-12",`)
	old.want("change", "e1-13", "")
	if v := c.follow(t, "", ""); v.resp.StatusCode != 401 {
		t.Errorf("without a role: %d", v.resp.StatusCode)
	}
	c.server.Leave()
	if last := v.end(); last.retry == "" {
		t.Errorf("the feed ended with %+v", last)
	}
}

func TestDraftsAreNobodysNews(t *testing.T) {
	c := newCinema(t)
	var p struct{ Code string }
	if err := json.Unmarshal(c.ask("GET /v1/campaigns/draft/events").Body.Bytes(), &p); err != nil || p.Code != "not-found" {
		t.Errorf("%v %v", p, err)
	}
}
