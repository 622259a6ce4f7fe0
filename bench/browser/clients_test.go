package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"firstcome/bench/stack"
)

// heard is an event as a client of streams understood it, or in parentheses what
// happened to its connection.
type heard struct {
	ID, Event, Data string
	Status          int
}

// listener is one of the four clients of event streams: what it has heard so far.
type listener struct {
	name  string
	t     testing.TB
	mu    sync.Mutex // held for copying
	heard []heard
}

func (l *listener) hear(h heard) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = append(l.heard, h)
}

func (l *listener) all() []heard {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]heard(nil), l.heard...)
}

// kinds are the four clients: each reads an address until an event with the last
// id, when there is one, and comes back by itself.
var kinds = []struct {
	name  string
	start func(t testing.TB, b *tab, url, token, until string) *listener
}{
	{"chromium", inChromium},
	{"eventsource", inNode},
	{"httpx-sse", inPython("httpx-sse")},
	{"sseclient-py", inPython("sseclient")},
}

// inChromium listens with the browser's own EventSource, which sends the cookie
// of the page that it is on.
func inChromium(t testing.TB, b *tab, url, _, until string) *listener {
	t.Helper()
	l := &listener{name: "chromium", t: t}
	b.tells("hear", func(text string) {
		var h heard
		if err := json.Unmarshal([]byte(text), &h); err != nil {
			t.Errorf("chromium heard %q: %v", text, err)
		}
		l.hear(h)
	})
	eval[bool](b, `(() => {
		const say = o => hear(JSON.stringify(o)), s = new EventSource(`+quoted(url)+`, {withCredentials: true});
		const tell = e => { say({id: e.lastEventId, event: e.type, data: e.data}); if (e.lastEventId === `+quoted(until)+`) s.close(); };
		for (const type of ["message", "count", "status", "cap", "claim", "reset"]) s.addEventListener(type, tell);
		s.onopen = () => say({event: "(open)"});
		s.onerror = () => say({event: s.readyState === 2 ? "(closed)" : "(again)"});
		return true;
	})()`)
	return l
}

func inNode(t testing.TB, _ *tab, url, token, until string) *listener {
	t.Helper()
	return inProcess(t, "eventsource", "node", "eventsource.mjs", url, token, until)
}

func inPython(which string) func(testing.TB, *tab, string, string, string) *listener {
	return func(t testing.TB, _ *tab, url, token, until string) *listener {
		t.Helper()
		return inProcess(t, which, "python3", "sse.py", which, url, token, until)
	}
}

// inProcess runs a client of another language until it or the test ends.
func inProcess(t testing.TB, name, program, script string, args ...string) *listener {
	t.Helper()
	dir, err := stack.BrowserTools()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, append([]string{filepath.Join("clients", script)}, args...)...)
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node_modules"), "PYTHONPATH="+filepath.Join(dir, "python"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	l := &listener{name: name, t: t}
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var h heard
			if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
				t.Errorf("%s said %q: %v", name, lines.Text(), err)
				continue
			}
			l.hear(h)
		}
	})
	t.Cleanup(func() {
		cancel()
		reading.Wait()
		_ = cmd.Wait() // it was killed, or has ended by itself
	})
	return l
}
