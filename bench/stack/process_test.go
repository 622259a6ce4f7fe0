package stack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// parent is the life of a process that starts a service and is then killed: the
// test binary itself, started once more.
func parent() {
	s, err := StartRedis(context.Background(), RedisOptions{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.Pid(), s.dir)
	select {} // until somebody kills it
}

func TestNothingOutlivesAKilledParent(t *testing.T) {
	NeedRedis(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STACK_TEST_PARENT=1")
	cmd.SysProcAttr = attributes(nil)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	number, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(line)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	ctx := within(t, 10*time.Second)
	eventually(ctx, t, func() bool { return !alive(pid) })
	if !exists(dir) {
		t.Fatal("a killed process cannot have removed its folder")
	}
	removeOrphans()
	if exists(dir) {
		t.Errorf("%s is left behind", dir)
	}
}

func eventually(ctx context.Context, t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatal("it did not come to hold")
		case <-tick.C:
		}
	}
}

func shell(t *testing.T, script string) *Process {
	t.Helper()
	path, err := program("sh")
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	p, err := StartProcess(Spec{Name: "sh", Path: path, Args: []string{"-c", script}, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func TestAStartThatFailsTellsTheEndOfTheLog(t *testing.T) {
	p := shell(t, "echo first; echo 'no room at the inn' >&2; exit 3")
	err := p.Ready(within(t, 10*time.Second), func(context.Context) error { return errors.New("not yet") })
	if err == nil || !strings.Contains(err.Error(), "no room at the inn") {
		t.Errorf("%v", err)
	}
}

func TestAStartThatTakesTooLongTellsWhatItWaitedFor(t *testing.T) {
	p := shell(t, "exec sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	err := p.Ready(ctx, func(context.Context) error { return errors.New("nobody listens") })
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "nobody listens") {
		t.Errorf("%v", err)
	}
}

func TestStopKillsWhatDoesNotEnd(t *testing.T) {
	p := shell(t, "trap '' TERM; echo deaf; while :; do read x < /dev/zero; done")
	eventually(within(t, 10*time.Second), t, func() bool { return strings.Contains(p.Tail(1), "deaf") })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := p.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want to hear that it had to be killed", err)
	}
	if p.Running() {
		t.Error("it runs")
	}
}

func TestKillTakesTheGrandchildrenAlong(t *testing.T) {
	dir := t.TempDir()
	note := filepath.Join(dir, "pid")
	p := shell(t, "sh -c 'echo $$ > "+note+"; exec sleep 60' & wait")
	var pid int
	eventually(within(t, 10*time.Second), t, func() bool {
		text, _ := os.ReadFile(note)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return pid > 0
	})
	p.Kill()
	if alive(pid) {
		t.Error("the grandchild lives")
	}
}

func TestPortsAreHandedOutOnce(t *testing.T) {
	seen := map[int]bool{}
	for range 50 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if seen[port] || port < firstPort || port > lastPort {
			t.Errorf("port %d", port)
		}
		seen[port] = true
	}
}
