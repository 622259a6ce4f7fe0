package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// kills is how often the program is killed; -kills 200 by hand.
var kills = flag.Int("kills", 12, "SIGKILLs of an embedded node at random moments of stampedes")

const (
	eraKills   = 4   // kills that one campaign lives through
	eraCap     = 300 // of each campaign
	eraList    = 100 // of its waiting list
	eraMembers = 160 // who come between two kills; a third of them send twice
)

// told is what members of one campaign were told, until their program died.
type told struct {
	id       string
	mu       sync.Mutex // held for one entry
	ranks    map[string]int64
	waits    map[string]bool
	refused  atomic.Int64
	silenced atomic.Int64 // requests that a kill left without an answer
	odd      atomic.Pointer[string]
}

// stampede lets members claim until all have, or the program dies: shortly after
// so many answers, each moment of the stampede as likely as any other.
func (g *told) stampede(p *running, round int, die func()) {
	tokens := map[string]string{}
	for i := range eraMembers {
		who := fmt.Sprintf("r%d-m%03d", round, i)
		tokens[who] = p.token(who, "")
	}
	left := int64(rand.IntN(eraMembers))
	if left == 0 {
		die()
	}
	var all sync.WaitGroup
	for who, token := range tokens {
		for range 1 + rand.IntN(3)/2 {
			all.Go(func() {
				g.claim(p, who, token)
				if atomic.AddInt64(&left, -1) == 0 {
					time.AfterFunc(time.Duration(rand.IntN(2000))*time.Microsecond, die)
				}
			})
		}
	}
	all.Wait()
}

func (g *told) claim(p *running, who, token string) {
	r, err := ask("POST", p.members+claims(g.id), token, `{"if_full":"waitlist"}`)
	switch {
	case err != nil || r.body == nil:
		g.silenced.Add(1)
	case r.status == 200 || r.status == 201:
		g.mu.Lock()
		defer g.mu.Unlock()
		if r.text("state") == "waitlisted" {
			g.waits[who] = true
			return
		}
		if before := g.ranks[who]; before != 0 && before != r.number("rank") {
			g.odd.CompareAndSwap(nil, new(fmt.Sprintf("%s was told rank %d, and then %s", who, before, r.raw)))
		}
		g.ranks[who] = r.number("rank")
	case r.status == 409:
		g.refused.Add(1)
	case r.status != 202 && r.status != 503:
		g.odd.CompareAndSwap(nil, &r.raw)
	}
}

// check asks for everything that was answered, and reads the ledger.
func (g *told) check(t *testing.T, p *running) {
	t.Helper()
	if odd := g.odd.Load(); odd != nil {
		t.Fatal(*odd)
	}
	holders := map[int64]string{}
	for who, rank := range g.ranks {
		if other := holders[rank]; other != "" {
			t.Fatalf("%s and %s both have rank %d", who, other, rank)
		}
		holders[rank] = who
		if r := p.member(who, "GET", claims(g.id)+"/me", "").expect(t, 200); r.number("rank") != rank || r.text("state") != "granted" {
			t.Fatalf("%s was told rank %d, and now %s", who, rank, r.raw)
		}
	}
	for who := range g.waits {
		if r := p.member(who, "GET", claims(g.id)+"/me", "").expect(t, 200); r.text("state") != "waitlisted" {
			t.Fatalf("%s was told to wait, and now %s", who, r.raw)
		}
	}
	r := p.admin("GET", "/campaigns/"+g.id, "").expect(t, 200)
	granted := r.number("granted")
	if granted < int64(len(g.ranks)) || granted > eraCap || len(g.waits) > 0 && granted != eraCap {
		t.Fatalf("%d grants and %d waits were answered, %d grants are in the log, the cap is %d", len(g.ranks), len(g.waits), granted, eraCap)
	}
	p.balanced(g.id, granted)
	g.checkList(t, p, granted)
}

// end has everything audited, closes the campaign and puts it away.
func (g *told) end(t *testing.T, p *running) {
	t.Helper()
	if g == nil {
		return
	}
	audited(t, p)
	p.admin("POST", "/campaigns/"+g.id+"/closure", "").expect(t, 200)
	p.admin("POST", "/campaigns/"+g.id+"/archive", "").expect(t, 200)
}

// audited has everything audited. A gate that a busy machine keeps from
// answering is asked again; what is wrong stays wrong.
func audited(t *testing.T, p *running) {
	t.Helper()
	for late := time.Now().Add(2 * patience); ; {
		report := p.admin("POST", "/audit", "").expect(t, 200)
		if report.body["clean"] == true {
			return
		}
		if time.Now().After(late) || !strings.Contains(report.raw, "the gate cannot be reached") {
			t.Fatalf("%s", report.raw)
		}
	}
}

// checkList reads the whole list from the ledger: ranks from 1 on without a gap,
// nobody twice, everybody who was answered.
func (g *told) checkList(t *testing.T, p *running, granted int64) {
	t.Helper()
	seen, ranks := map[string]bool{}, map[int64]bool{}
	for cursor := ""; ; {
		page := p.admin("GET", "/campaigns/"+g.id+"/claims?limit=100&cursor="+cursor, "").expect(t, 200)
		for _, item := range page.body["items"].([]any) {
			row := item.(map[string]any)
			who := row["member"].(string)
			if seen[who] {
				t.Fatalf("%s is in the list twice", who)
			}
			seen[who] = true
			if rank, _ := row["rank"].(float64); row["state"] == "granted" {
				ranks[int64(rank)] = true
				if was := g.ranks[who]; was != 0 && was != int64(rank) {
					t.Fatalf("%s was told rank %d, the ledger has %v", who, was, row)
				}
			}
		}
		if cursor, _ = page.body["next_cursor"].(string); cursor == "" {
			break
		}
	}
	for rank := range granted {
		if !ranks[rank+1] {
			t.Fatalf("rank %d is missing among %d in the ledger", rank+1, granted)
		}
	}
	for who := range g.ranks {
		if !seen[who] {
			t.Fatalf("%s holds a grant and is not in the ledger", who)
		}
	}
}

// Killed at random moments of stampedes, on the same data directory: what was
// answered is there with its rank, nothing is there twice, the ranks have no
// gap, and log, gate and ledger agree.
func TestAKillInAStampedeLosesNothing(t *testing.T) {
	data, began := t.TempDir(), time.Now()
	var answered, silenced, midway int64
	var g *told
	for n := range *kills {
		if n%5 == 4 {
			startAndKill(t, data, time.Duration(rand.IntN(400))*time.Millisecond)
		}
		p, cmd := startChild(t, data)
		if g != nil {
			g.check(t, p)
		}
		if n%eraKills == 0 {
			g.end(t, p)
			g = &told{id: fmt.Sprintf("era-%d", n/eraKills), ranks: map[string]int64{}, waits: map[string]bool{}}
			p.open(g.id, fmt.Sprintf(`"cap":%d,"waitlist_cap":%d,"counting":%q`, eraCap, eraList, []string{"direct", "batched"}[n/eraKills%2]))
		}
		before, had := g.silenced.Load(), len(g.ranks)+len(g.waits)
		g.stampede(p, n, func() { _ = cmd.Process.Kill() })
		kill(cmd, p)
		crowd.CloseIdleConnections()
		lost, got := g.silenced.Load()-before, len(g.ranks)+len(g.waits)-had
		answered, silenced = answered+int64(got), silenced+lost
		if lost > 0 && got > 0 {
			midway++
		}
	}
	p, _ := startChild(t, data)
	g.check(t, p)
	audited(t, p)
	t.Logf("%d kills, %d of them between the first and the last answer of a stampede; %d places answered and all there, %d requests left without an answer; %s",
		*kills, midway, answered, silenced, time.Since(began).Round(time.Second))
}

// startAndKill kills the program on its way up.
func startAndKill(t *testing.T, data string, after time.Duration) {
	t.Helper()
	cmd := childCommand(t, data, "--no-example")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait() // how it ended is the test's doing
}
