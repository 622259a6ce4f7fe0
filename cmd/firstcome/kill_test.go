package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
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
	p := &running{t: t, said: newTranscript(), ended: make(chan struct{})}
	cmd := childCommand(t, data, args...)
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

// childCommand is the program on a data directory, not started yet.
func childCommand(t *testing.T, data string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append(args, "--data", data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")...)
	cmd.Env = []string{childEnv + "=1", "HOME=" + t.TempDir()}
	return cmd
}

func kill(cmd *exec.Cmd, p *running) {
	_ = cmd.Process.Kill() // it may have ended
	<-p.ended
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
