package gatetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"firstcome/engine"
)

func testEmpty(t *testing.T, s Subject) {
	r := newRig(t, s)
	if _, err := r.Gate.Lease(r.ctx, r.ask("a", 1)); !errors.Is(err, engine.ErrGateEmpty) {
		t.Fatalf("lease: %v", err)
	}
	if got, err := r.Gate.Read(r.ctx, r.campaign); err != nil || got.Known {
		t.Fatalf("read %+v, %v", got, err)
	}
	if n := r.Redis.Exists(r.ctx, r.key("n"), r.key("s"), r.key("l"), r.key("x")).Val(); n != 0 {
		t.Fatalf("a lease and a read made %d keys", n)
	}
}

func testShut(t *testing.T, s Subject) {
	r := newRig(t, s)
	report := r.report("a")
	report.Room, report.Open = 10, false
	r.flush(report)
	if _, err := r.Gate.Lease(r.ctx, r.ask("a", 1)); !errors.Is(err, engine.ErrGateShut) {
		t.Fatalf("lease: %v", err)
	}
	r.open(10)
	r.lease(r.ask("a", 1), 1)
}

func testRoom(t *testing.T, s Subject) {
	r := newRig(t, s)
	report := r.report("a")
	report.Room, report.Used = 10, 4
	r.flush(report)
	r.lease(r.ask("a", 4), 4)
	r.lease(r.ask("b", 5), 2)
	r.lease(r.ask("b", 1), 0)
	r.counts(10, 6, 4)
}

func testSlack(t *testing.T, s Subject) {
	r := newRig(t, s)
	r.open(3)
	ask := r.ask("a", 10)
	ask.Slack = 2
	r.lease(ask, 5)
	r.lease(r.ask("a", 1), 0)
	r.counts(5, 5, 0)
}

func testNoCap(t *testing.T, s Subject) {
	r := newRig(t, s)
	r.open(noRoom)
	r.lease(r.ask("a", 1_000_000), 1_000_000)
	report := r.report("a")
	report.Room, report.Used, report.Held = noRoom, 1<<51, 7
	r.flush(report)
	r.lease(r.ask("b", 5), 5)
	r.counts(1<<51+12, 12, 1<<51)
}

func testCrowd(t *testing.T, s Subject) {
	r := newRig(t, s)
	const callers, calls, room = 64, 20, 777
	r.open(room)
	var given atomic.Int64
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			for j := range calls {
				n, err := r.Gate.Lease(r.ctx, r.ask(fmt.Sprintf("node-%d", i%2), int64(1+j%3)))
				if err != nil || n < 0 || n > int64(1+j%3) {
					t.Errorf("lease gave %d, %v", n, err)
				}
				given.Add(n)
			}
		})
	}
	group.Wait()
	if given.Load() != room {
		t.Fatalf("%d units were given of %d", given.Load(), room)
	}
	r.counts(room, room, 0)
}

func testFifty(t *testing.T, s Subject) {
	r := newRig(t, s)
	r.open(120)
	for i := range 120 {
		r.lease(r.ask(fmt.Sprint("dead-", i), 1), 1)
	}
	for i := range 120 {
		r.kill(fmt.Sprint("dead-", i))
	}
	r.lease(r.ask("a", 1), 1)
	r.counts(71, 71, 0)
	r.lease(r.ask("a", 100), 99)
	r.counts(120, 120, 0)
	r.lease(r.ask("a", 100), 20)
	if n := r.Redis.ZCard(r.ctx, r.key("x")).Val(); n != 1 {
		t.Fatalf("%d leases are left, not one", n)
	}
}

func testDead(t *testing.T, s Subject) {
	r := newRig(t, s)
	r.open(10)
	r.lease(r.ask("a", 3), 3)
	r.lease(r.ask("b", 4), 4)
	r.kill("a")
	r.must(r.Redis.HSet(r.ctx, r.key("l"), "no-deadline", 5).Err())
	r.must(r.Redis.ZAdd(r.ctx, r.key("x"), redis.Z{Score: 4e12, Member: "no-units"}).Err())
	r.open(10)
	r.counts(4, 4, 0)
	if l, x := r.Redis.HLen(r.ctx, r.key("l")).Val(), r.Redis.ZCard(r.ctx, r.key("x")).Val(); l != 1 || x != 1 {
		t.Fatalf("%d leases and %d deadlines are left, not one each", l, x)
	}
}

func testCut(t *testing.T, s Subject) {
	r := newRig(t, s)
	r.open(10)
	r.lease(r.ask("a", 3), 3)
	now, err := r.Clock.Now(r.ctx)
	r.must(err)
	r.must(r.Redis.ZAdd(r.ctx, r.key("x"), redis.Z{Score: 1e15, Member: "a"}).Err())
	r.open(10)
	deadline := time.UnixMilli(int64(r.Redis.ZScore(r.ctx, r.key("x"), "a").Val()))
	if left := deadline.Sub(now); left < ttl/2 || left > 3*ttl {
		t.Fatalf("the deadline is %v away, not about %v", left, ttl)
	}
	r.counts(3, 3, 0)
}

func testBadInput(t *testing.T, s Subject) {
	r := newRig(t, s)
	ok := r.ask("a", 1)
	for name, change := range map[string]func(*engine.Ask){
		"no campaign":     func(a *engine.Ask) { a.Campaign = "" },
		"a brace":         func(a *engine.Ask) { a.Campaign = "x}:n" },
		"a colon":         func(a *engine.Ask) { a.Campaign = "a:b" },
		"a line end":      func(a *engine.Ask) { a.Campaign = "a\r\nFLUSHALL" },
		"a long campaign": func(a *engine.Ask) { a.Campaign = string(make([]byte, 65)) },
		"no lease":        func(a *engine.Ask) { a.Lease = "" },
		"want 0":          func(a *engine.Ask) { a.Want = 0 },
		"want < 0":        func(a *engine.Ask) { a.Want = -1 },
		"slack < 0":       func(a *engine.Ask) { a.Slack = -1 },
		"no ttl":          func(a *engine.Ask) { a.TTL = 0 },
	} {
		ask := ok
		change(&ask)
		_, err := r.Gate.Lease(r.ctx, ask)
		if err == nil || errors.Is(err, engine.ErrGateEmpty) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good, bad := r.report("a"), r.report("a")
	bad.Campaign, good.Room = "x}", 5
	if err := r.Gate.Flush(r.ctx, []engine.Report{bad, good}); err == nil {
		t.Error("a report with a brace in its campaign was taken")
	}
	r.counts(0, 0, 0) // the good one beside it was reported
	if keys := r.Redis.DBSize(r.ctx).Val(); keys > 4 {
		t.Errorf("bad input made keys: %v", r.Redis.Keys(r.ctx, "*").Val())
	}
}
