package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// copyData copies a data directory while no node uses it, as the README says.
func copyData(t *testing.T, data string) (copied string) {
	t.Helper()
	copied = filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	return copied
}

// putBack replaces a data directory by its copy.
func putBack(t *testing.T, data, copied string) {
	t.Helper()
	err := os.RemoveAll(data)
	if err == nil {
		err = os.Rename(copied, data)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// damage changes one byte of a file, behind the last place where what is found.
func damage(t *testing.T, path string, what []byte, behind int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(data, what) + behind
	data[at] ^= 0x55
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// readyz is the admins' readiness.
func (p *running) readyz() reply {
	p.t.Helper()
	r, err := ask("GET", p.admins+"/readyz", "", "")
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// stops waits until the node says that something has stopped: "claims" or
// "ledger" of a partition, with a reason that names the place, once in its log,
// at readyz and in its list of nodes.
func (p *running) stops(what string, named ...string) (partition int64) {
	p.t.Helper()
	late := time.Now().Add(patience)
	for {
		r := p.readyz()
		stopped, _ := r.body["stopped"].([]any)
		for _, s := range stopped {
			entry := s.(map[string]any)
			if entry["what"] != what {
				continue
			}
			reason := entry["reason"].(string)
			must(p.t, reason, named...)
			must(p.t, p.admin("GET", "/nodes", "").raw, strings.Trim(fmt.Sprintf("%q", reason), `"`))
			p.saysOnce(what, entry["partition"])
			return int64(entry["partition"].(float64))
		}
		if time.Now().After(late) {
			p.t.Fatalf("nothing has stopped: %s\n%s", r.raw, p.said)
		}
	}
}

// saysOnce: what has stopped, and where, is one line of the node's log.
func (p *running) saysOnce(what string, partition any) {
	p.t.Helper()
	msg := map[string]string{"claims": "a partition has stopped", "ledger": "the ledger of a partition has stopped"}[what]
	n := 0
	for line := range strings.Lines(p.said.String()) {
		if strings.Contains(line, "level=ERROR msg=\""+msg) && strings.Contains(line, fmt.Sprintf("partition=%v ", partition)) {
			n++
		}
	}
	if n != 1 {
		p.t.Errorf("%d lines say that %s of partition %v stopped:\n%s", n, what, partition, p.said)
	}
}

// refusesClaims: the stopped partition's claims are 503 with Retry-After.
func (p *running) refusesClaims(id string) {
	p.t.Helper()
	r := p.member("somebody", "POST", claims(id), "").expect(p.t, 503)
	if r.text("code") != "stopped" || r.header.Get("Retry-After") == "" {
		p.t.Fatalf("%v %s", r.header, r.raw)
	}
}

// elsewhere opens a campaign in another partition and claims there: it goes on.
func (p *running) elsewhere(partition int64) {
	p.t.Helper()
	for i := 0; ; i++ {
		id := fmt.Sprintf("elsewhere-%d", i)
		r := p.admin("POST", "/campaigns", fmt.Sprintf(`{"id":%q,"title":"x","cap":1}`, id))
		if r.status == 503 {
			continue // the same partition
		}
		r.expect(p.t, 201)
		p.admin("POST", "/campaigns/"+id+"/opening", "").expect(p.t, 200)
		p.member("alice", "POST", claims(id), "").expect(p.t, 201)
		return
	}
}

// complete is what claimSome left, and nothing else.
func complete(t *testing.T, p *running) {
	t.Helper()
	states(t, p)
	p.balanced("noon", 5)
	auditIsClean(t, p)
}

// states asks for what claimSomeAt left: m0 gave rank 1 back, m1 to m4 hold 2 to
// 5, m5 was promoted to 6, two wait.
func states(t *testing.T, p *running) {
	t.Helper()
	states := []string{"cancelled", "granted", "granted", "granted", "granted", "granted", "waitlisted", "waitlisted"}
	for i, state := range states {
		r := p.member(fmt.Sprintf("m%d", i), "GET", claims("noon")+"/me", "").expect(t, 200)
		if r.text("state") != state || state == "granted" && r.number("rank") != int64(i)+1 {
			t.Errorf("m%d: %s", i, r.raw)
		}
	}
}

// A damaged byte in the log's file stops its partition, with the place named;
// the copy put back, everything is there.
func TestWayBackFromADamagedRecord(t *testing.T) {
	data := claimSome(t)
	copied := copyData(t, data)
	change(t, filepath.Join(data, "log.db"), "VACUUM")
	damage(t, filepath.Join(data, "log.db"), []byte("noon"), 6)
	p := startEmbedded(t, data, "--no-example")
	partition := p.stops("claims", "log.db", "offset", "damaged")
	p.refusesClaims("noon")
	p.elsewhere(partition)
	if r := p.readyz(); r.status != 200 {
		t.Errorf("not ready for the others: %s", r.raw)
	}
	p.stop()
	putBack(t, data, copied)
	complete(t, startEmbedded(t, data, "--no-example"))
}

// A damaged head of the file refuses the start.
func TestWayBackFromADamagedHead(t *testing.T) {
	data := claimSome(t)
	copied := copyData(t, data)
	damage(t, filepath.Join(data, "log.db"), []byte("SQLite format 3"), 2)
	got := invoke(t, nil, "--data", data, "--no-example", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	if got.code != exitNotSo {
		t.Errorf("exit code %d", got.code)
	}
	must(t, got.err, "log.db", "damaged")
	putBack(t, data, copied)
	complete(t, startEmbedded(t, data, "--no-example"))
}
