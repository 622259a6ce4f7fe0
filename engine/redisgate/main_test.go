package redisgate_test

import (
	"context"
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"firstcome/bench/stack"
	"firstcome/engine/redisgate"
	"firstcome/engine/redisgate/inprocess"
)

func TestMain(m *testing.M) {
	redisgate.DriverLog(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(stack.Main(m))
}

// connect returns a client that is closed when the test ends.
func connect(t testing.TB, url string) *redisgate.Client {
	t.Helper()
	c, err := redisgate.Connect(url, redisgate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

// run runs what has a Run until the test ends.
func run(t testing.TB, loop func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- loop(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

// embedded starts a Redis in this process.
func embedded(t testing.TB) string {
	t.Helper()
	s, err := inprocess.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	run(t, s.Run)
	return s.URL()
}
