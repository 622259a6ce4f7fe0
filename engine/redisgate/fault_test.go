package redisgate_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"firstcome/bench/stack"
	"firstcome/engine"
	"firstcome/engine/redisgate"
)

const patience = 5 * time.Second

// rig is a gate with an open campaign "c".
type rig struct {
	*redisgate.Client
	gate    *redisgate.Gate
	locker  *redisgate.Locker
	counter *redisgate.Counter
}

func newRig(t testing.TB, url string) *rig {
	c := connect(t, url)
	r := &rig{c, redisgate.NewGate(c), redisgate.NewLocker(c), redisgate.NewCounter(c)}
	if err := r.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) flush(ctx context.Context) error {
	return r.gate.Flush(ctx, []engine.Report{{Campaign: "c", Lease: "node", TTL: time.Minute, Topic: "t", Room: 1000, Open: true}})
}

func (r *rig) lease(ctx context.Context) error {
	_, err := r.gate.Lease(ctx, engine.Ask{Campaign: "c", Lease: "node", Want: 1, TTL: time.Minute})
	return err
}

func (r *rig) add(ctx context.Context) error {
	return r.counter.Add(ctx, map[string]map[string]int64{"c": {"granted": 1}})
}

// calls are all that a gate can be asked.
func (r *rig) calls(lock engine.Lock) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"lease": r.lease,
		"flush": r.flush,
		"read":  func(ctx context.Context) error { _, err := r.gate.Read(ctx, "c"); return err },
		"lock": func(ctx context.Context) error {
			_, err := r.locker.TryLock(ctx, "{c}:lk:other", time.Second)
			return err
		},
		"extend": lock.Extend,
		"unlock": lock.Unlock,
		"add":    r.add,
		"counts": func(ctx context.Context) error { _, err := r.counter.Counts(ctx, "c"); return err },
		"time":   func(ctx context.Context) error { _, err := r.Now(ctx); return err },
		"ping":   r.Ping,
	}
}

func (r *rig) lock(t testing.TB, name string) engine.Lock {
	t.Helper()
	lock, err := r.locker.TryLock(t.Context(), name, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return lock
}

// eventually repeats a call until it succeeds.
func eventually(t testing.TB, limit time.Duration, what string, call func(context.Context) error) time.Duration {
	t.Helper()
	start := time.Now()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		err := call(ctx)
		cancel()
		if err == nil {
			return time.Since(start)
		}
		if time.Since(start) > limit {
			t.Fatalf("%s: still %v after %v", what, err, limit)
		}
		<-ticker.C
	}
}

// expectInTime makes the named calls, or all, on a Redis that does not answer.
func expectInTime(t *testing.T, r *rig, lock engine.Lock, names ...string) {
	t.Helper()
	const budget, slack = 60 * time.Millisecond, 200 * time.Millisecond
	for name, call := range r.calls(lock) {
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), budget)
		start := time.Now()
		err := call(ctx)
		cancel()
		if took := time.Since(start); err == nil || took > budget+slack {
			t.Errorf("%s: %v after %v", name, err, took)
		}
		if errors.Is(err, engine.ErrTaken) || errors.Is(err, engine.ErrGateEmpty) || errors.Is(err, engine.ErrGateShut) {
			t.Errorf("%s claims to know the answer: %v", name, err)
		}
	}
}

func TestCallsLeaveAFrozenRedisInTime(t *testing.T) {
	stack.NeedRedis(t)
	server, err := stack.StartRedis(t.Context(), stack.RedisOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	r := newRig(t, server.URL(0))
	lock := r.lock(t, "{c}:lk:m")
	server.Pause()
	expectInTime(t, r, lock)
	expectInTime(t, r, lock) // and again, with every connection hanging
	server.Resume()
	eventually(t, patience, "lease after the thaw", r.lease)

	server.Kill()
	expectInTime(t, r, lock)
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "flush after the restart", r.flush)
	if err := r.lease(t.Context()); err != nil {
		t.Fatalf("lease after the restart: %v", err)
	}
}

// muted opens a rig through a proxy, and a plain client past it.
func muted(t *testing.T, raw string) (*rig, *proxy, *redis.Client) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	p := startProxy(t, u.Host)
	o, err := redis.ParseURL(raw)
	if err != nil {
		t.Fatal(err)
	}
	o.Protocol = 2
	plain := redis.NewClient(o)
	t.Cleanup(func() { _ = plain.Close() })
	return newRig(t, strings.Replace(raw, u.Host, p.addr(), 1)), p, plain
}

func TestLostReplyIsAnErrorAndOneExecution(t *testing.T) {
	r, p, plain := muted(t, embedded(t))
	lostReplies(t, r, p, plain)
}

func TestLostReplyIsAnErrorAndOneExecutionRealRedis(t *testing.T) {
	r, p, plain := muted(t, stack.Redis(t).URL())
	lostReplies(t, r, p, plain)
}

func lostReplies(t *testing.T, r *rig, p *proxy, plain redis.UniversalClient) {
	t.Helper()
	lose := func(what string, warm, call func(context.Context) error) error {
		eventually(t, patience, "warm "+what, warm)
		p.mute.Store(true)
		defer p.mute.Store(false)
		err := call(t.Context())
		if err == nil {
			t.Fatalf("%s: a lost reply was answered with success", what)
		}
		return err
	}
	count := func() int64 {
		n, err := plain.Get(t.Context(), "fc:{c}:n").Int64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var before int64
	err := lose("lease", func(ctx context.Context) error {
		err := r.lease(ctx)
		before = count()
		return err
	}, r.lease)
	if after := count(); after != before+1 || errors.Is(err, engine.ErrGateEmpty) {
		t.Errorf("lease: %v, the counter went from %d to %d", err, before, after)
	}

	err = lose("lock", r.lease, func(ctx context.Context) error {
		_, err := r.locker.TryLock(ctx, "{c}:lk:m", time.Minute)
		return err
	})
	if n := plain.Exists(t.Context(), "fc:{c}:lk:m").Val(); n != 1 || errors.Is(err, engine.ErrTaken) {
		t.Errorf("lock: %v, %d locks", err, n)
	}
	eventually(t, patience, "the connection is back", r.lease)
	if _, err := r.locker.TryLock(t.Context(), "{c}:lk:m", time.Minute); !errors.Is(err, engine.ErrTaken) {
		t.Errorf("lock whose reply was lost: %v", err)
	}

	if err := r.lock(t, "{c}:lk:warm").Unlock(t.Context()); err != nil { // loads the script
		t.Fatal(err)
	}
	lock := r.lock(t, "{c}:lk:unlock")
	if err := lose("unlock", r.lease, lock.Unlock); plain.Exists(t.Context(), "fc:{c}:lk:unlock").Val() != 0 {
		t.Errorf("unlock: %v, and the lock is there", err)
	}

	if err := lose("add", r.add, r.add); plain.HGet(t.Context(), "fc:{c}:t", "granted").Val() != "2" {
		t.Errorf("add: %v, counted %s", err, plain.HGet(t.Context(), "fc:{c}:t", "granted").Val())
	}
}
