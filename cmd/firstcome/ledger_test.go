package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The ledger is written at its rate while grants are decided as fast as they
// come, and the rate can be raised while it drains.
func TestTheLedgerKeepsItsRate(t *testing.T) {
	const rate, grants = 20, 400 // far more than the rate books while they are claimed, on a busy machine too
	p := startEmbedded(t, t.TempDir(), "--no-example", "--ledger-rate", fmt.Sprint(rate))
	p.open("rush", fmt.Sprintf(`"cap":%d`, grants))
	began, before := time.Now(), p.throttle().number("rows_total")
	for i := range grants {
		p.member(fmt.Sprintf("m%03d", i), "POST", claims("rush"), "").expect(t, 201)
	}
	for p.throttle().number("rows_total") < before+rate {
		if time.Since(began) > patience {
			t.Fatalf("nothing is written: %s", p.throttle().raw)
		}
	}
	now := p.throttle()
	allowed := float64(rate)*time.Since(began).Seconds()*1.05 + rate/20.0
	if written := now.number("rows_total") - before; float64(written) > allowed {
		t.Fatalf("%d rows in %v, at %d rows a second", written, time.Since(began), rate)
	}
	if now.number("backlog_rows") == 0 || now.body["drain_seconds"] == 0.0 {
		t.Fatalf("the backlog is not shown: %s", now.raw)
	}
	p.admin("PUT", "/ledger/throttle", `{"rows_per_second":5000}`).expect(t, 200)
	p.balanced("rush", grants)
}

func (p *running) throttle() reply {
	p.t.Helper()
	return p.admin("GET", "/ledger/throttle", "").expect(p.t, 200)
}

// A book that was lost is written anew from the log.
func TestALostBookIsWrittenAnew(t *testing.T) {
	data := claimSome(t)
	for _, name := range []string{"book.db", "book.db-wal", "book.db-shm"} {
		if err := os.Remove(filepath.Join(data, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	p := startEmbedded(t, data, "--no-example")
	p.balanced("noon", 5)
	if r := p.member("m1", "GET", claims("noon")+"/me", "").expect(t, 200); r.number("rank") != 2 {
		t.Fatalf("%s", r.raw)
	}
}
