package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// childEnv makes this test binary behave like the real program.
const childEnv = "TEST_AS_PROGRAM"

// startChild runs the program as a process of its own, so that it can be killed.
func startChild(t *testing.T, data string) (*running, *exec.Cmd) {
	t.Helper()
	return startExample(t, data, "--no-example")
}

// startExample is startChild with the example campaign.
func startExample(t *testing.T, data string, args ...string) (*running, *exec.Cmd) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &running{t: t, said: newTranscript(), ended: make(chan struct{})}
	cmd := exec.Command(self, append(args, "--data", data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")...)
	cmd.Env = []string{childEnv + "=1", "HOME=" + t.TempDir()}
	cmd.Stderr = p.said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // how it ended is the test's doing
		close(p.ended)
	}()
	t.Cleanup(func() { kill(cmd, p) })
	m := p.said.await(t, greeted, p.ended)
	p.members, p.admins = m[1], m[2]
	return p.trusting(data), cmd
}

func kill(cmd *exec.Cmd, p *running) {
	_ = cmd.Process.Kill() // it may have ended
	<-p.ended
}

// granted is what members were told, until their program died.
type granted struct {
	mu    sync.Mutex
	ranks map[string]int64 // held for one entry
}

// crowdUntil lets members claim until the program dies or all have claimed.
func (g *granted) crowdUntil(p *running, id string, round, members int) {
	var all sync.WaitGroup
	for i := range members {
		who := fmt.Sprintf("r%d-m%03d", round, i)
		token := p.token(who, "")
		all.Go(func() {
			r, err := ask("POST", p.members+claims(id), token, "")
			if err == nil && (r.status == 201 || r.status == 200) {
				g.mu.Lock()
				defer g.mu.Unlock()
				g.ranks[who] = r.number("rank")
			}
		})
	}
	all.Wait()
}

// Killed at random moments of a stampede, the same data directory: nothing that
// was answered 201 is missing or has another rank.
func TestAKillInAStampedeLosesNothing(t *testing.T) {
	data := t.TempDir()
	g := &granted{ranks: map[string]int64{}}
	const rounds, members, limit = 5, 120, 350
	for round := range rounds {
		p, cmd := startChild(t, data)
		if round == 0 {
			p.open("survivor", fmt.Sprintf(`"cap":%d`, limit))
		}
		checkKept(t, p, g)
		timer := time.AfterFunc(time.Duration(5+rand.IntN(60))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		g.crowdUntil(p, "survivor", round, members)
		timer.Stop()
		kill(cmd, p)
		crowd.CloseIdleConnections()
	}
	p, _ := startChild(t, data)
	checkKept(t, p, g)
	r := p.admin("GET", "/campaigns/survivor", "").expect(t, 200)
	if n := r.number("granted"); n < int64(len(g.ranks)) || n > limit {
		t.Fatalf("%d grants were answered, %d are in the log, the cap is %d", len(g.ranks), n, limit)
	}
	p.balanced("survivor", r.number("granted"))
}

// checkKept asks for everything that was answered.
func checkKept(t *testing.T, p *running, g *granted) {
	t.Helper()
	holders := map[int64]string{}
	for who, rank := range g.ranks {
		if other := holders[rank]; other != "" {
			t.Fatalf("%s and %s both have rank %d", who, other, rank)
		}
		holders[rank] = who
		if r := p.member(who, "GET", claims("survivor")+"/me", "").expect(t, 200); r.number("rank") != rank || r.text("state") != "granted" {
			t.Fatalf("%s was told rank %d, and now %s", who, rank, r.raw)
		}
	}
}

func TestASecondProcessIsToldWhoIsThere(t *testing.T) {
	data := t.TempDir()
	p, cmd := startChild(t, data)
	got := invoke(t, nil, "--data", data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	if got.code != exitNotSo {
		t.Errorf("exit code %d", got.code)
	}
	must(t, got.err, "another process uses it", fmt.Sprintf("process %d", cmd.Process.Pid), strings.TrimPrefix(p.members, "http://"))
}

func TestTheDataDirectoryIsPrivate(t *testing.T) {
	data := filepath.Join(t.TempDir(), "deep", "data")
	startEmbedded(t, data).stop()
	for path, want := range map[string]os.FileMode{data: 0o700 | os.ModeDir, filepath.Join(data, secretFile): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
	}
}

func TestATakenPortNamesItsKey(t *testing.T) {
	p := startEmbedded(t, t.TempDir())
	taken := strings.TrimPrefix(p.members, "http://")
	got := invoke(t, nil, "--data", t.TempDir(), "--listen", taken, "--admin-listen", "127.0.0.1:0")
	if got.code != exitUsage {
		t.Errorf("exit code %d", got.code)
	}
	must(t, got.err, "listen", taken, "somebody listens there already", "127.0.0.1:0")
}

// The first signal answers everybody and ends with code 0.
func TestASignalEndsGracefully(t *testing.T) {
	p, cmd := startChild(t, t.TempDir())
	p.open("last", `"cap":10`)
	p.member("alice", "POST", claims("last"), "").expect(t, 201)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	if code := cmd.ProcessState.ExitCode(); code != exitDone {
		t.Fatalf("exit code %d: %s", code, p.said)
	}
	if regexp.MustCompile(`level=ERROR|"level":"ERROR"`).MatchString(p.said.String()) {
		t.Fatalf("it said:\n%s", p.said)
	}
}

// A node whose service is away at start says which, with its own exit code.
func TestAServiceOutOfReachHasItsOwnExitCode(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	h := &hall{in: strings.NewReader(""), out: newTranscript(), err: newTranscript()}
	if code := h.run(ctx, []string{"topic", "check", "--kafka", "127.0.0.1:1"}); code != exitUnreachable {
		t.Fatalf("exit code %d: %v", code, h.err)
	}
}
