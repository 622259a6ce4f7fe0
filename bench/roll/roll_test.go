package roll

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"firstcome/bench/stack"
)

const (
	members = 4000
	seats   = 1500
)

// built is where builds puts them.
var built string

// builds are two programs: one that knows only the first rules, and today's.
var builds = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "firstcome-roll-"); err != nil {
		return "", err
	}
	built = dir
	for name, tags := range map[string]string{"old": "rules1", "new": ""} {
		cmd := exec.Command("go", "build", "-tags", tags, "-o", filepath.Join(dir, name), "firstcome/cmd/firstcome")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build the %s program: %w: %s", name, err, out)
		}
	}
	return dir, nil
})

// fleet is two nodes of the old build on real services, and the program that
// each will be when it starts again.
type fleet struct {
	*stack.Deployment
	t       *testing.T
	dir     string
	program string
	owner   string
	crowd   *crowd
}

func newFleet(t *testing.T) *fleet {
	stack.NeedRedis(t)
	stack.NeedPostgres(t)
	stack.NeedKafka(t)
	dir, err := builds()
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, dir: dir, program: filepath.Join(t.TempDir(), "firstcome")}
	f.becomes("old")
	kafka, topic := stack.Kafka(t)
	f.Deployment, err = stack.StartNodes(t.Context(), stack.DeploymentOptions{Program: f.program, Nodes: 2, Settings: map[string]string{
		"FIRSTCOME_KAFKA": strings.Join(kafka.Addrs(), ","), "FIRSTCOME_KAFKA_TOPIC": topic, "FIRSTCOME_KAFKA_PARTITIONS": "4",
		"FIRSTCOME_KAFKA_REPLICATION": "1", "FIRSTCOME_REDIS": stack.Redis(t).URL(), "FIRSTCOME_POSTGRES": stack.Postgres(t),
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	f.owner = f.tokens("owner", "olga")[0]
	f.open()
	return f
}

// becomes makes the program that nodes run from their next start on another build.
func (f *fleet) becomes(build string) {
	f.t.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, build))
	if err == nil {
		err = os.WriteFile(f.program+".next", text, 0o755)
	}
	if err == nil {
		err = os.Rename(f.program+".next", f.program) // a running program is left alone
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) tokens(role string, subjects ...string) []string {
	f.t.Helper()
	tokens, err := f.Tokens(f.t.Context(), role, subjects)
	if err != nil {
		f.t.Fatal(err)
	}
	return tokens
}

// open makes the campaign, and the crowd that will rush at it.
func (f *fleet) open() {
	f.t.Helper()
	f.admin(0, "POST", "/campaigns", fmt.Sprintf(`{"id":"noon","title":"Noon","kind":"event","cap":%d}`, seats))
	f.admin(0, "POST", "/campaigns/noon/opening", "")
	subjects := make([]string, members)
	for i := range subjects {
		subjects[i] = fmt.Sprintf("m%d", i)
	}
	f.crowd = &crowd{t: f.t, campaign: "noon", tokens: f.tokens("", subjects...)}
	for i, n := range f.Nodes {
		f.crowd.addrs = append(f.crowd.addrs, n.Members)
		f.eventually(i, func() bool { return f.seen(n.Members) })
	}
}

func (f *fleet) seen(addr string) bool {
	resp, err := http.Get("http://" + addr + "/v1/campaigns/noon")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (f *fleet) eventually(node int, so func() bool) {
	f.t.Helper()
	for late := time.Now().Add(20 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(late) {
			f.t.Fatalf("node %d: it did not come to be so", node)
		}
	}
}

// admin asks one node and returns its answer.
func (f *fleet) admin(node int, method, path, body string) (answer map[string]any) {
	f.t.Helper()
	status, text := f.ask(node, method, "/v1/admin"+path, body)
	if status >= 300 {
		f.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		f.t.Fatal(err)
	}
	return answer
}

func (f *fleet) ask(node int, method, path, body string) (int, string) {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), method, "http://"+f.Nodes[node].Admins+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Close = true
	req.Header.Set("Authorization", "Bearer "+f.owner)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// restart ends a node and starts it again, and waits until it answers claims.
func (f *fleet) restart(node int) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	if err := f.Nodes[node].Restart(ctx); err != nil {
		f.t.Fatal(err)
	}
	f.t.Logf("node %d is back after %.1f s", node, time.Since(began).Seconds())
}

// upgrade says firstcome upgrade activate to a node.
func (f *fleet) upgrade(node int, args ...string) (string, error) {
	args = append([]string{"upgrade", "activate", "--rules", "2", "--admin", f.Nodes[node].Admins, "--token", f.owner}, args...)
	return f.Command(f.t.Context(), "", args...)
}

// partitions counts a node's partitions in a state and under rules.
func (f *fleet) partitions(node int, state string, rules float64) (n int) {
	f.t.Helper()
	items := f.admin(node, "GET", "/nodes", "")["items"].([]any)
	for _, item := range items[0].(map[string]any)["partitions"].([]any) {
		if p := item.(map[string]any); p["state"] == state && p["rules"] == rules {
			n++
		}
	}
	return n
}

// audited holds the books against the log.
func (f *fleet) audited() {
	f.t.Helper()
	var found map[string]any
	for late := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if found = f.admin(0, "POST", "/audit", ""); found["clean"] == true {
			break
		}
		if time.Now().After(late) { // until the ledger has come to the end of the log
			f.t.Fatalf("the audit finds %v", found["violations"])
		}
	}
	if c := f.admin(1, "GET", "/campaigns/noon", ""); c["granted"].(float64) > seats {
		f.t.Errorf("granted %v, cap %d", c["granted"], seats)
	}
	f.crowd.exact(seats)
}

// Two nodes are replaced one by one under a stampede by a build that knows new
// rules. Then, and not before, the rules come into force, in the midst of it.
func TestRollingUpgrade(t *testing.T) {
	f := newFleet(t)
	ctx, stop := context.WithCancel(t.Context())
	wait := f.crowd.run(ctx, 32)
	f.crowd.more(500)
	f.becomes("new")
	f.restart(0)
	f.crowd.more(500)
	if out, err := f.upgrade(0); err == nil || !strings.Contains(err.Error(), "nodes-too-old") || !strings.Contains(err.Error(), f.Nodes[1].Members) {
		t.Errorf("activated beside an old node: %s %v", out, err)
	}
	f.restart(1)
	f.crowd.more(500)
	out, err := f.upgrade(1)
	if err != nil || !strings.Contains(out, "4 of 4 partitions") {
		t.Errorf("not activated: %s %v", out, err)
	}
	for node := range f.Nodes {
		f.eventually(node, func() bool { return f.partitions(node, "following", 2) == 4 })
	}
	f.crowd.more(500)
	if out, err = f.upgrade(0); err != nil || !strings.Contains(out, "in force already") {
		t.Errorf("activated twice: %s %v", out, err)
	}
	f.restart(0) // from a snapshot under the new rules
	f.crowd.more(500)
	stop()
	wait()
	if n := f.partitions(0, "following", 2); n != 4 {
		t.Errorf("%d partitions by the new rules after a restart", n)
	}
	f.audited()
}

// By force the rules come into force beside an old node: it alone stops, says
// why, and is well again once it is replaced.
func TestForcedUpgradeStopsOnlyTheOldNode(t *testing.T) {
	f := newFleet(t)
	ctx, stop := context.WithCancel(t.Context())
	f.crowd.stopped.Store(true)
	wait := f.crowd.run(ctx, 16)
	f.becomes("new")
	f.restart(0)
	f.crowd.more(300)
	if out, err := f.upgrade(0, "--force"); err != nil || !strings.Contains(out, "4 of 4 partitions") {
		t.Fatalf("not forced: %s %v", out, err)
	}
	f.eventually(1, func() bool { return f.partitions(1, "stopped", 1) == 4 })
	if n := f.partitions(0, "following", 2); n != 4 {
		t.Errorf("the new node has %d partitions by the new rules", n)
	}
	if status, text := f.ask(1, "GET", "/readyz", ""); status != http.StatusServiceUnavailable || !strings.Contains(text, "rules of version 2") {
		t.Errorf("the old node says %d %s", status, text)
	}
	f.crowd.more(300)
	f.restart(1)
	if n := f.partitions(1, "following", 2); n != 4 {
		t.Errorf("the node has %d partitions by the new rules once it is replaced", n)
	}
	stop()
	wait()
	f.audited()
}
