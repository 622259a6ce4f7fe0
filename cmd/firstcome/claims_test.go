package main

import (
	"fmt"
	"io"
	"testing"
)

// suite is what must hold on either shape, driven over HTTP. The nodes are the
// same one when there is only one.
func suite(t *testing.T, a, b *running) {
	t.Run("a claim and its repeat", func(t *testing.T) {
		a, b := a.with(t), b.with(t)
		a.open("first", `"cap":10`)
		first := a.member("alice", "POST", claims("first"), "{}").expect(t, 201)
		if first.number("rank") != 1 || first.text("state") != "granted" || first.header.Get("Location") == "" {
			t.Fatalf("%s", first.raw)
		}
		again := b.member("alice", "POST", claims("first"), "", "X-Log-Offset", first.header.Get("X-Log-Offset")).expect(t, 200)
		if again.number("rank") != 1 || again.header.Get("Idempotent-Replayed") != "true" || again.text("grant_id") != first.text("grant_id") {
			t.Fatalf("%v %s", again.header, again.raw)
		}
		mine := b.member("alice", "GET", claims("first")+"/me", "", "X-Log-Offset", first.header.Get("X-Log-Offset")).expect(t, 200)
		if mine.number("rank") != 1 {
			t.Fatalf("%s", mine.raw)
		}
	})
	t.Run("sold out, then the waiting list, then a promotion", func(t *testing.T) {
		a, b := a.with(t), b.with(t)
		a.open("second", `"cap":1,"waitlist_cap":1`)
		a.member("alice", "POST", claims("second"), "").expect(t, 201)
		full := b.member("bora", "POST", claims("second"), "", "Cache-Control", "no-cache").expect(t, 409)
		if full.text("code") != "sold-out" || full.body["waitlist"] != "open" || len(full.raw) >= 600 {
			t.Fatalf("%s", full.raw)
		}
		waits := b.member("bora", "POST", claims("second"), `{"if_full":"waitlist"}`).expect(t, 201)
		if waits.text("state") != "waitlisted" || waits.number("position") != 1 || waits.number("ticket") != 1 {
			t.Fatalf("%s", waits.raw)
		}
		over := a.member("chul", "POST", claims("second"), `{"if_full":"waitlist"}`, "Cache-Control", "no-cache").expect(t, 409)
		if over.body["waitlist"] != "full" {
			t.Fatalf("%s", over.raw)
		}
		ended := a.member("alice", "DELETE", claims("second")+"/me", "").expect(t, 200)
		a.member("alice", "DELETE", claims("second")+"/me", "").expect(t, 200)
		promoted := b.member("bora", "GET", claims("second")+"/me", "", "X-Log-Offset", ended.header.Get("X-Log-Offset")).expect(t, 200)
		if promoted.text("state") != "granted" || promoted.number("rank") != 2 {
			t.Fatalf("%s", promoted.raw)
		}
		a.balanced("second", 1)
	})
	t.Run("a cap that changes", func(t *testing.T) {
		a, b := a.with(t), b.with(t)
		a.open("third", `"cap":1,"waitlist_cap":5`)
		for i, who := range []string{"a", "b", "c", "d"} {
			a.member(who, "POST", claims("third"), `{"if_full":"waitlist"}`).expect(t, 201)
			if i == 0 {
				a.balanced("third", 1)
			}
		}
		tag := a.admin("GET", "/campaigns/third", "").header.Get("ETag")
		a.admin("PUT", "/campaigns/third/cap", `{"cap":3,"reason":"larger"}`).expect(t, 428)
		a.admin("PUT", "/campaigns/third/cap", `{"cap":3,"reason":"larger"}`, "If-Match", `"v99"`).expect(t, 412)
		preview := a.admin("PUT", "/campaigns/third/cap?dry_run=true", `{"cap":3,"reason":"larger"}`, "If-Match", tag).expect(t, 200)
		if preview.number("promoted") != 2 || preview.number("granted") != 1 || preview.number("waiting") != 3 {
			t.Fatalf("%s", preview.raw)
		}
		a.balanced("third", 1)
		raised := a.admin("PUT", "/campaigns/third/cap", `{"cap":3,"reason":"larger"}`, "If-Match", tag).expect(t, 200)
		a.admin("PUT", "/campaigns/third/cap", `{"cap":4,"reason":"larger"}`, "If-Match", tag).expect(t, 412)
		if r := b.member("c", "GET", claims("third")+"/me", "", "X-Log-Offset", raised.header.Get("X-Log-Offset")); r.number("rank") != 3 {
			t.Fatalf("%s", r.raw)
		}
		lower := a.admin("PUT", "/campaigns/third/cap?dry_run=true", `{"cap":1,"reason":"smaller"}`, "If-Match", raised.header.Get("ETag")).expect(t, 200)
		if lower.number("over_by") != 2 || lower.number("promoted") != 0 {
			t.Fatalf("%s", lower.raw)
		}
	})
	t.Run("a small stampede on both nodes at once", func(t *testing.T) {
		a, b := a.with(t), b.with(t)
		a.open("fourth", `"cap":50`)
		stampede(t, "fourth", 50, 300, a, b)
	})
	t.Run("the audit finds nothing", func(t *testing.T) {
		report := a.admin("POST", "/audit", "").expect(t, 200)
		if report.body["clean"] != true || report.number("campaigns") < 4 {
			t.Fatalf("%s", report.raw)
		}
	})
}

func TestEmbedded(t *testing.T) {
	p := startEmbedded(t, t.TempDir())
	suite(t, p, p)
	if code := p.stop(); code != exitDone {
		t.Fatalf("exit code %d: %s", code, p.said)
	}
}

// The locks save work and decide nothing.
func TestEmbeddedWithoutLocks(t *testing.T) {
	data := t.TempDir()
	p := startHall(t, &hall{out: io.Discard, lockless: true}, "--data", data).trusting(data)
	for _, counting := range []string{"direct", "batched"} {
		p.open(counting, fmt.Sprintf(`"cap":50,"counting":%q`, counting))
		stampede(t, counting, 50, 300, p, p)
	}
}

func TestARestartKeepsRanks(t *testing.T) {
	data := t.TempDir()
	p := startEmbedded(t, data)
	p.open("kept", `"cap":5`)
	grants := map[string]reply{}
	for i := range 5 {
		who := fmt.Sprintf("member-%d", i)
		grants[who] = p.member(who, "POST", claims("kept"), "").expect(t, 201)
	}
	if code := p.stop(); code != exitDone {
		t.Fatalf("exit code %d: %s", code, p.said)
	}
	p = startEmbedded(t, data)
	for who, before := range grants {
		after := p.member(who, "POST", claims("kept"), "").expect(t, 200)
		if after.number("rank") != before.number("rank") || after.text("grant_id") != before.text("grant_id") {
			t.Errorf("%s had %s and has %s", who, before.raw, after.raw)
		}
	}
	p.member("late", "POST", claims("kept"), "").expect(t, 409)
	p.balanced("kept", 5)
}
