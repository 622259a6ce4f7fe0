package browser

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	_ "firstcome/api" // what is cached of an earlier run ends when a page changes
	"firstcome/bench/stack"
)

// patience is how long a person waits for something that comes by itself.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(stack.Main(closing{m}))
}

// closing ends what the tests share before leaks are looked for.
type closing struct{ tests stack.Runner }

func (c closing) Run() int {
	defer closeShared()
	return c.tests.Run()
}

// shared are the program, one embedded deployment and the browser, each started
// when the first test asks.
var shared struct {
	mu      sync.Mutex // held while one of them starts
	dir     string
	program string
	house   *house
	browser *chromium
}

// program is the program under test: built from this tree, or the one that
// FIRSTCOME_PROGRAM names, such as a release.
func program(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("FIRSTCOME_PROGRAM"); path != "" {
		return path
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.program == "" {
		dir, err := os.MkdirTemp("", "firstcome-browser-")
		if err != nil {
			t.Fatal(err)
		}
		shared.dir = dir
		if shared.program, err = stack.Build(context.Background(), dir); err != nil {
			t.Fatal(err)
		}
	}
	return shared.program
}

func closeShared() {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.browser != nil {
		shared.browser.close()
	}
	if shared.house != nil {
		shared.house.close()
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	outside.CloseIdleConnections()
}

// eventually asks until the answer is empty, and fails with the last answer.
func eventually(t testing.TB, within time.Duration, why func() string) {
	t.Helper()
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	late := time.After(within)
	for {
		last := why()
		if last == "" {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatal(last)
		}
	}
}
