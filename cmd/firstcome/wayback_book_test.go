package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
)

// spoilBook takes the next rank for a row that no record of the log knows, as a
// hand in the database may: the next grant cannot be booked.
const spoilBook = `INSERT INTO places (campaign, claim_off, user_ref, state, rank, wseq, off_end, off_last, at, ended_at, points, answers)
	VALUES ('noon', 999, NULL, 1, 7, 0, 0, 0, 0, 0, 0, NULL)`

// grantsOn raises the cap, so that m6 is granted rank 7, and shows that claims go
// on while the ledger of the partition has stopped.
func grantsOn(t *testing.T, p *running) {
	t.Helper()
	tag := p.admin("GET", "/campaigns/noon", "").header.Get("ETag")
	p.admin("PUT", "/campaigns/noon/cap", `{"cap":6,"reason":"test"}`, "If-Match", tag).expect(t, 200)
	p.stops("ledger", "is violated", "rank")
	if r := p.readyz(); r.status != 200 {
		t.Errorf("not ready: %s", r.raw)
	}
	if r := p.member("m6", "GET", claims("noon")+"/me", "").expect(t, 200); r.number("rank") != 7 || r.text("state") != "granted" {
		t.Errorf("%s", r.raw)
	}
}

// A row that violates a constraint stops the ledger of its partition, not the
// claims; the book set aside is written anew from the log.
func TestWayBackFromAViolatedConstraint(t *testing.T) {
	data := claimSome(t)
	change(t, filepath.Join(data, "book.db"), spoilBook)
	p := startEmbedded(t, data, "--no-example")
	p.admin("POST", "/notices", `{"title":"stays"}`).expect(t, 201)
	grantsOn(t, p)
	if got := verb(t, data, "ledger", "rebuild", "--confirm"); got.code != exitNotSo {
		t.Errorf("with the node running: exit code %d", got.code)
	}
	p.stop()
	got := verb(t, data, "ledger", "rebuild")
	if got.code != exitUsage {
		t.Errorf("without --confirm: exit code %d", got.code)
	}
	must(t, got.err, "would be moved", "--confirm")
	must(t, verb(t, data, "ledger", "rebuild", "--confirm").done(t).out, "book-")
	p = startEmbedded(t, data, "--no-example")
	p.balanced("noon", 6)
	auditIsClean(t, p)
	must(t, p.member("m1", "GET", "/v1/notices", "").raw, "stays")
	if kept, err := filepath.Glob(filepath.Join(data, "book-*.db")); err != nil || len(kept) != 1 {
		t.Errorf("the old book: %v %v", kept, err)
	}
}

func auditIsClean(t *testing.T, p *running) {
	t.Helper()
	if report := p.admin("POST", "/audit", "").expect(t, 200); report.body["clean"] != true {
		t.Errorf("%s", report.raw)
	}
}

// The same in a cluster, with the node running.
func TestWayBackFromAViolatedConstraintInPostgres(t *testing.T) {
	env := clusterEnv(t)
	p := startNode(t, env, false)
	claimSomeAt(t, p)
	p.admin("POST", "/notices", `{"title":"stays"}`).expect(t, 201)
	execSQL(t, env, spoilBook)
	grantsOn(t, p)
	must(t, invoke(t, env, "ledger", "rebuild", "--confirm").done(t).out, "schema firstcome_aside_")
	p.stop()
	p = startNode(t, env, false)
	p.balanced("noon", 6)
	auditIsClean(t, p)
	must(t, p.member("m1", "GET", "/v1/notices", "").raw, "stays")
}

func execSQL(t *testing.T, env []string, statement string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), getenv(env, "FIRSTCOME_POSTGRES"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), statement); err != nil {
		t.Fatal(err)
	}
}

// A book that somebody changed while no node ran: members are answered from the
// log, and the ledger of the partition stops until the book is written anew.
func TestWayBackFromAChangedBook(t *testing.T) {
	data := claimSome(t)
	changeBook(t, data)
	p := startEmbedded(t, data, "--no-example")
	states(t, p)
	p.stops("ledger", "digest does not match")
	must(t, verb(t, data, "audit").out, "Rank:77 ", "Rank:2 ")
	p.stop()
	verb(t, data, "ledger", "rebuild", "--confirm").done(t)
	complete(t, startEmbedded(t, data, "--no-example"))
}

// A book whose file is damaged refuses the start and names the file.
func TestWayBackFromADamagedBook(t *testing.T) {
	data := claimSome(t)
	damage(t, filepath.Join(data, "book.db"), []byte("SQLite format 3"), 2)
	got := invoke(t, nil, "--data", data, "--no-example", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	if got.code != exitNotSo {
		t.Errorf("exit code %d", got.code)
	}
	must(t, got.err, "book.db")
	verb(t, data, "ledger", "rebuild", "--confirm").done(t)
	complete(t, startEmbedded(t, data, "--no-example"))
}
