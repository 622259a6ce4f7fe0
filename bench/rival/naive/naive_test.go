//go:build badengine

package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"firstcome/bench/history"
	"firstcome/bench/play"
	"firstcome/bench/rival"
	"firstcome/bench/stack"
)

// start runs two naive nodes of a variant on real services.
func start(t *testing.T, variant string) *stack.Deployment {
	t.Helper()
	stack.NeedRedis(t)
	stack.NeedKafka(t)
	stack.NeedPostgres(t)
	program, err := rival.BuildNaive(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d, err := stack.StartCluster(t.Context(), stack.DeploymentOptions{Program: program, Settings: map[string]string{"NAIVE_VARIANT": variant}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// honest plays the published stampede, with its whole audit.
func honest(t *testing.T, d *stack.Deployment) {
	t.Helper()
	s := &play.Stage{Deployment: d, Shape: "cluster", Baseline: func(context.Context) (string, func(), error) {
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		return s.Listener.Addr().String(), s.Close, nil
	}}
	r, err := play.Stampede(t.Context(), s, play.StampedeOptions{Members: 600, Cap: 100, Sends: 1.3, Drops: 0.05, Connections: 16, Repeats: 1})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Audit.Clean() || r.Audit.Places != 200 {
		t.Errorf("%d places, %v", r.Audit.Places, r.Audit.Violations)
	}
}

// TestRedisDecides: honest while nothing fails; FLUSHALL sells the house twice.
func TestRedisDecides(t *testing.T) {
	d := start(t, "redis-decides")
	surface(t, d)
	honest(t, d)
	c := gather(t, d, "flushed", 600, 200)
	c.rush(t, 0, 600, func() { flush(t, d) })
	c.until(t, "the book has more places than the cap", func() bool { return len(c.places(t)) > 200 })
	c.mustCatch(t, "over-cap", "rank")
}

// TestAnswerOnAck: the log's word for it does not help when Redis chose.
func TestAnswerOnAck(t *testing.T) {
	d := start(t, "answer-on-ack")
	honest(t, d)
	c := gather(t, d, "flushed", 300, 100)
	c.rush(t, 0, 300, func() { flush(t, d) })
	c.until(t, "the book has more places than the cap", func() bool { return len(c.places(t)) > 100 })
	c.mustCatch(t, "over-cap")
}

// TestFence: a fence and a load from the book carry over a loss at rest.
func TestFence(t *testing.T) {
	d := start(t, "fence")
	honest(t, d)
	c := gather(t, d, "fenced", 300, 100)
	c.rush(t, 0, 150, nil)
	flush(t, d)
	c.rush(t, 0, 300, nil)
	c.until(t, "the book has caught up", func() bool { return len(c.places(t)) == 100 })
	if found := c.judge(t); len(found) > 0 {
		t.Error(found)
	}
}

// TestConflict: what is read again is counted again.
func TestConflict(t *testing.T) {
	d := start(t, "conflict")
	honest(t, d)
	c := gather(t, d, "counted", 200, 100)
	c.rush(t, 0, 200, nil)
	c.until(t, "the book has caught up", func() bool { return c.booked(t) == 100 })
	for _, n := range d.Nodes {
		n.Kill()
	}
	for _, n := range d.Nodes {
		if err := n.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c.until(t, "records are counted twice", func() bool { return c.booked(t) > 100 })
	if n := len(c.places(t)); n != 100 {
		t.Errorf("%d rows, want 100: ON CONFLICT keeps them", n)
	}
}

func flush(t *testing.T, d *stack.Deployment) {
	t.Helper()
	master, err := d.Redis.Master(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := master.Client(0)
	defer client.Close()
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

func (c *crowd) mustCatch(t *testing.T, rules ...string) {
	t.Helper()
	found := c.judge(t)
	for _, rule := range rules {
		if !slices.ContainsFunc(found, func(v history.Violation) bool { return v.Rule == rule }) {
			t.Errorf("no violation of %q in %v", rule, found)
		}
	}
	t.Log(found)
}

// until polls for what comes to pass by itself.
func (c *crowd) until(t *testing.T, what string, true func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !true() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("after a minute it is not so that %s", what)
		}
	}
}
