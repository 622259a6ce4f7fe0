package redisgate_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"firstcome/engine"
	"firstcome/engine/redisgate"
	"firstcome/engine/redisgate/inprocess"
)

func TestClosedClientRefusesCalls(t *testing.T) {
	r := newRig(t, embedded(t))
	lock := r.lock(t, "{c}:lk:m")
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	for name, call := range r.calls(lock) {
		if err := call(t.Context()); !errors.Is(err, redisgate.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEndedContextSendsNothing(t *testing.T) {
	r := newRig(t, embedded(t))
	lock := r.lock(t, "{c}:lk:m")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range r.calls(lock) {
		if err := call(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := r.gate.Read(t.Context(), "c"); err != nil || got.Count != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestCloseDuringTrafficAnswersEverybody(t *testing.T) {
	r := newRig(t, embedded(t))
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			for {
				if err := r.lease(context.Background()); errors.Is(err, redisgate.ErrClosed) {
					return
				}
			}
		})
	}
	if err := r.lease(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	group.Wait()
}

// lines is a log that a test waits for.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) has(words string) func(context.Context) error {
	return func(context.Context) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !strings.Contains(l.buf.String(), words) {
			return io.EOF
		}
		return nil
	}
}

func TestHeartbeatSaysWhenRedisGoesAndComes(t *testing.T) {
	server, err := inprocess.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	password, host, _ := strings.Cut(strings.TrimPrefix(server.URL(), "redis://:"), "@")
	p := startProxy(t, host)
	log, registry := &lines{}, prometheus.NewRegistry()
	c, err := redisgate.Connect("redis://:"+password+"@"+p.addr(),
		redisgate.Config{Logger: slog.New(slog.NewTextHandler(log, nil)), Metrics: registry})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	up := func(want float64) func(context.Context) error {
		return func(context.Context) error {
			families, err := registry.Gather()
			for _, f := range families {
				if f.GetName() == "firstcome_engine_redis_up" && f.GetMetric()[0].GetGauge().GetValue() == want {
					return err
				}
			}
			return io.EOF
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	eventually(t, patience, "up", up(1))
	p.mute.Store(true)
	eventually(t, patience, "away is in the log", log.has("redis is away"))
	eventually(t, patience, "down", up(0))
	p.mute.Store(false)
	eventually(t, patience, "back is in the log", log.has("redis is back"))
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if log.has(password)(t.Context()) == nil {
		t.Fatal("the password is in the log")
	}
}

func TestMetricsTellCallsAndErrors(t *testing.T) {
	registry := prometheus.NewRegistry()
	c, err := redisgate.Connect(embedded(t), redisgate.Config{Metrics: registry})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := redisgate.Connect("redis://127.0.0.1:1", redisgate.Config{Metrics: registry}); err == nil {
		t.Fatal("metrics were registered twice")
	}
	_, err = redisgate.NewGate(c).Lease(t.Context(), engine.Ask{Campaign: "c", Lease: "l", Want: 1, TTL: time.Second})
	if !errors.Is(err, engine.ErrGateEmpty) {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			found[f.GetName()] = strings.Join(labels, " ")
		}
	}
	if found["firstcome_engine_redis_errors_total"] != "lease empty" || found["firstcome_engine_redis_call_seconds"] != "lease" {
		t.Fatal(found)
	}
}
