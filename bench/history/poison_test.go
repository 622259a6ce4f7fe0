package history

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// poisons make the product's fold forget something just before a record, as a
// wrong rule would; the next claim then breaks the promise that is named.
var poisons = map[string]struct {
	rule   string
	claim  fold.Record
	poison func(c *fold.CampaignSnapshot)
}{
	"a cap that is one too high": {ruleCap, fold.Record{User: fold.User{9}}, func(c *fold.CampaignSnapshot) { c.Campaign.Definition.Cap++ }},
	"a member that is forgotten": {ruleOnce, fold.Record{User: fold.User{1}}, func(c *fold.CampaignSnapshot) {
		c.Members = slices.DeleteFunc(c.Members, func(m fold.Member) bool { return m.User == fold.User{1} })
		c.Campaign.Granted--
	}},
	"an end that is forgotten": {ruleGhost, fold.Record{User: fold.User{2}, Seen: 4}, func(c *fold.CampaignSnapshot) {
		c.Members = slices.DeleteFunc(c.Members, func(m fold.Member) bool { return m.User == fold.User{2} })
		c.Campaign.Definition.Cap++
		c.Campaign.Freed = 0
	}},
	"a freed that is forgotten": {ruleGhost, fold.Record{User: fold.User{9}, Seen: 4}, func(c *fold.CampaignSnapshot) { c.Campaign.Freed = 0 }},
	"a rank that is skipped":    {ruleReplicas, fold.Record{User: fold.User{9}}, func(c *fold.CampaignSnapshot) { c.Campaign.Seq++ }},
	"a status of long ago":      {ruleReplicas, fold.Record{User: fold.User{9}}, func(c *fold.CampaignSnapshot) { c.Campaign.Status = fold.Paused }},
}

// TestAWrongFoldIsNamed runs the product's fold from poisoned states, so that a
// mutant of its rules would be found although the judge was built with it.
func TestAWrongFoldIsNamed(t *testing.T) {
	for what, p := range poisons {
		t.Run(what, func(t *testing.T) {
			h := newHall(func(n int) int { return n - 1 }, map[string]fold.Definition{"a": {Cap: 2}})
			h.append(fold.Record{Kind: fold.KindOpen, Campaign: "a", Xv: 1})
			for _, u := range []byte{1, 2} {
				h.append(fold.Record{Kind: fold.KindClaim, Campaign: "a", User: fold.User{u}, Seen: 99})
			}
			h.append(fold.Record{Kind: fold.KindCancel, Campaign: "a", User: fold.User{2}, Claim: 4})
			if p.rule == ruleCap {
				h.append(fold.Record{Kind: fold.KindClaim, Campaign: "a", User: fold.User{3}, Seen: 99})
			}
			r := &refold{court: newCourt(h.e), model: h.truth, state: poisoned(t, h.e.Log[0], p.poison)}
			p.claim.Kind, p.claim.Campaign = fold.KindClaim, "a"
			if p.claim.Seen == 0 {
				p.claim.Seen = 99
			}
			at := h.append(p.claim)
			r.Log = h.e.Log
			r.product(int(at), &p.claim, h.said[at].verdict)
			if len(r.found) != 1 || r.found[0].Rule != p.rule || r.state != nil {
				t.Errorf("found %v", r.found)
			}
		})
	}
}

func poisoned(t *testing.T, log []engine.LogRecord, poison func(c *fold.CampaignSnapshot)) *fold.State {
	state := fold.New(0)
	for _, r := range log {
		if _, err := state.Apply(r.Offset, r.At, r.Value); err != nil {
			t.Fatal(err)
		}
	}
	s := state.Snapshot()
	poison(&s.Campaigns[0])
	_, err := fold.Restore(s)
	said := regexp.MustCompile("has ([0-9a-f]{16}),").FindStringSubmatch(fmt.Sprint(err))
	if said == nil {
		t.Fatal("the poison does not show: ", err)
	}
	s.Digest, _ = strconv.ParseUint(said[1], 16, 64) // a fold that is wrong believes itself
	wrong, err := fold.Restore(s)
	if err != nil {
		t.Fatal(err)
	}
	return wrong
}
