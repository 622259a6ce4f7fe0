package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestArchivedHistories: what members had in archived campaigns is read from copies, is
// what it was while the campaigns were live, on every node, and grows with the archive.
func TestArchivedHistories(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		p := startEmbedded(t, t.TempDir(), "--no-example")
		archivedHistories(t, p, p)
	})
	t.Run("cluster", func(t *testing.T) {
		env := clusterEnv(t)
		archivedHistories(t, startNode(t, env, false), startNode(t, env, false))
	})
}

func archivedHistories(t *testing.T, a, b *running) {
	const campaigns, members = 4, 12
	shown := map[string]string{} // by member: what they saw of each campaign while it was live
	for i := range campaigns {
		id := fmt.Sprint("c", i)
		a.open(id, fmt.Sprintf(`"cap":4,"waitlist_cap":3,"points":%d,"form":[{"id":"name","label":"Name","type":"text"}]`, 10*(i+1)))
		for m := range members {
			name := fmt.Sprint("m", m)
			if (m+i)%3 == 0 {
				continue // had nothing to do with it
			}
			r := a.member(name, "POST", claims(id), `{"if_full":"waitlist","answers":{"name":"`+name+`"}}`)
			if r.status == 201 && m%4 == 1 {
				b.member(name, "DELETE", claims(id)+"/me", "", "X-Log-Offset", r.header.Get("X-Log-Offset")).expect(t, 200)
			}
		}
		for m := range members {
			name := fmt.Sprint("m", m)
			live := a.member(name, "GET", claims(id)+"/me", "", "Cache-Control", "no-cache").expect(t, 200)
			shown[name+id] = place(live.body)
		}
		a.admin("POST", "/campaigns/"+id+"/closure", "").expect(t, 200)
		archived := a.admin("POST", "/campaigns/"+id+"/archive", "").expect(t, 200)
		offset := []string{"X-Log-Offset", archived.header.Get("X-Log-Offset")}
		for m := range members {
			name := fmt.Sprint("m", m)
			for _, p := range []*running{a, b, a} {
				remembers(t, p, name, i+1, shown, offset)
			}
			own := b.member(name, "GET", claims(id)+"/me", "", offset...).expect(t, 200)
			if place(own.body) != shown[name+id] {
				t.Errorf("%s of %s: %s, was %s", id, name, own.raw, shown[name+id])
			}
			if state := own.text("state"); (state == "granted" || state == "waitlisted") && !strings.Contains(own.raw, `"answers":{"name":"`+name+`"}`) {
				t.Errorf("%s of %s lost its answers: %s", id, name, own.raw)
			}
		}
	}
	metrics, err := ask("GET", b.admins+"/metrics", "", "")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(metrics.raw, `firstcome_cache_reads_total{from="memory",kind="past"}`) {
		t.Errorf("the copies tell nothing")
	}
}

// place is what a claim shows and keeps showing.
func place(claim map[string]any) string {
	return fmt.Sprint(claim["state"], claim["rank"], claim["position"], claim["ticket"], claim["grant_id"], claim["claimed_at"], claim["points"])
}

// remembers holds a member's history against what was shown.
func remembers(t *testing.T, p *running, name string, campaigns int, shown map[string]string, offset []string) {
	t.Helper()
	r := p.member(name, "GET", "/v1/me/claims", "", offset...).expect(t, 200)
	items, _ := r.body["items"].([]any)
	had := 0
	for i := range campaigns {
		if !strings.HasPrefix(shown[fmt.Sprint(name, "c", i)], "none") {
			had++
		}
	}
	if len(items) != had {
		t.Errorf("%s had %d places: %s", name, had, r.raw)
	}
	for _, item := range items {
		claim := item.(map[string]any)
		if was := shown[name+claim["campaign"].(string)]; place(claim) != was {
			t.Errorf("%s of %s: %s, was %s", claim["campaign"], name, place(claim), was)
		}
	}
}
