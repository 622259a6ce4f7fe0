package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"
)

// claimSome leaves a data directory with grants, all of them booked, and no server.
func claimSome(t *testing.T) (data string) {
	t.Helper()
	data = t.TempDir()
	p := startEmbedded(t, data, "--no-example")
	claimSomeAt(t, p)
	p.stop()
	return data
}

// claimSomeAt gives rank 1 back, so that one who waited is promoted to 6; two wait.
func claimSomeAt(t *testing.T, p *running) {
	t.Helper()
	p.open("noon", `"cap":5,"waitlist_cap":5`)
	for i := range 8 {
		p.member(fmt.Sprintf("m%d", i), "POST", claims("noon"), `{"if_full":"waitlist"}`).expect(t, 201)
	}
	p.member("m0", "DELETE", claims("noon")+"/me", "").expect(t, 200)
	p.balanced("noon", 5)
}

func TestAuditWithoutAServer(t *testing.T) {
	got := verb(t, claimSome(t), "audit").done(t)
	must(t, got.out, "1 campaigns, 8 places", "nothing is wrong")
	must(t, got.err, "no server answers")
}

// changeBook changes a rank in the book behind everybody's back.
func changeBook(t *testing.T, data string) {
	t.Helper()
	change(t, filepath.Join(data, "book.db"), "UPDATE places SET rank = 77 WHERE rank = 2")
}

// change runs a statement on a file as somebody with other tools would.
func change(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)") // the node may be writing it
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// A book that somebody has changed by hand is found, without a server and with one.
func TestAuditFindsAChangedBook(t *testing.T) {
	data := claimSome(t)
	changeBook(t, data)
	got := verb(t, data, "audit", "--output", "json")
	var found finding
	if err := json.Unmarshal([]byte(got.out), &found); err != nil || found.Clean || len(found.Violations) == 0 || got.code != exitNotSo {
		t.Fatalf("exit code %d, %v: %s%s", got.code, err, got.out, got.err)
	}
	data = claimSome(t)
	startEmbedded(t, data)
	changeBook(t, data)
	got = verb(t, data, "audit")
	if got.code != exitNotSo {
		t.Fatalf("exit code %d: %s%s", got.code, got.out, got.err)
	}
	must(t, got.out, "ledger")
}
