package gatetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"firstcome/engine"
)

// harm damages a key.
type harm struct {
	name string
	do   func(ctx context.Context, c redis.UniversalClient, key string) error
}

// harms are the ways to damage a campaign's key: none may break a gate for longer than
// until the next flush of each node.
func harms(which string) []harm {
	all := []harm{{"gone", func(ctx context.Context, c redis.UniversalClient, key string) error {
		return c.Del(ctx, key).Err()
	}}}
	add := func(name string, do func(ctx context.Context, c redis.UniversalClient, key string) error) {
		all = append(all, harm{name, func(ctx context.Context, c redis.UniversalClient, key string) error {
			if err := c.Del(ctx, key).Err(); err != nil {
				return err
			}
			return do(ctx, c, key)
		}})
	}
	values := []any{"", "abc", "-1", "-5", "1.5", "1e3", "0x10", "nan", "inf", " 7", "99999999999999999999", "9007199254740993", "-0", "007"}
	for _, v := range values {
		add(fmt.Sprintf("string %q", v), func(ctx context.Context, c redis.UniversalClient, key string) error {
			return c.Set(ctx, key, v, 0).Err()
		})
	}
	add("list", func(ctx context.Context, c redis.UniversalClient, key string) error {
		return c.LPush(ctx, key, "x").Err()
	})
	add("set", func(ctx context.Context, c redis.UniversalClient, key string) error {
		return c.SAdd(ctx, key, "x").Err()
	})
	add("zset", func(ctx context.Context, c redis.UniversalClient, key string) error {
		return c.ZAdd(ctx, key, redis.Z{Score: 1, Member: "a"}, redis.Z{Score: 5e15, Member: "q"}).Err()
	})
	for _, v := range values {
		add(fmt.Sprintf("hash of %q", v), func(ctx context.Context, c redis.UniversalClient, key string) error {
			return c.HSet(ctx, key, "a", v, "b", 1, "topic", "log-1", "off", v, "used", v, "room", v, "open", v, "at", v).Err()
		})
	}
	if which == "s" {
		for _, field := range []string{"topic", "off", "used", "room", "open", "at"} {
			for _, v := range values {
				all = append(all, harm{fmt.Sprintf("%s = %q", field, v), func(ctx context.Context, c redis.UniversalClient, key string) error {
					return c.HSet(ctx, key, field, v).Err()
				}})
			}
			all = append(all, harm{"without " + field, func(ctx context.Context, c redis.UniversalClient, key string) error {
				return c.HDel(ctx, key, field).Err()
			}})
		}
	}
	if which == "l" || which == "x" {
		add("too many", func(ctx context.Context, c redis.UniversalClient, key string) error {
			pipe := c.Pipeline()
			for i := range 1500 {
				if which == "l" {
					pipe.HSet(ctx, key, fmt.Sprint(i), 1)
				} else {
					pipe.ZAdd(ctx, key, redis.Z{Score: float64(i), Member: fmt.Sprint(i)})
				}
			}
			_, err := pipe.Exec(ctx)
			return err
		})
	}
	return all
}

// testDamage damages each key in each way and asks for units at once, which may be
// answered as it comes but without an unknown error, and then lets both nodes flush,
// after which everything must be exact.
func testDamage(t *testing.T, s Subject) {
	for _, which := range []string{"n", "s", "l", "x"} {
		for _, harm := range harms(which) {
			t.Run(which+" "+harm.name, func(t *testing.T) {
				r := newRig(t, s)
				held := map[string]int64{"a": 3, "b": 5}
				r.open(20)
				r.lease(r.ask("a", 3), 3)
				r.lease(r.ask("b", 5), 5)
				r.must(harm.do(r.ctx, r.Redis, r.key(which)))
				r.tryLease(held, "b")
				if _, err := r.Gate.Read(r.ctx, r.campaign); err != nil {
					t.Fatalf("read: %v", err)
				}
				r.heal(held, 7)
				r.counts(7+held["a"]+held["b"], held["a"]+held["b"], 7)
			})
		}
	}
}

// testDamageSeen: units are given only on a sound state.
func testDamageSeen(t *testing.T, s Subject) {
	for name, harm := range map[string]func(r *rig) error{
		"n gone":     func(r *rig) error { return r.Redis.Del(r.ctx, r.key("n")).Err() },
		"n negative": func(r *rig) error { return r.Redis.Set(r.ctx, r.key("n"), -1, 0).Err() },
		"n text":     func(r *rig) error { return r.Redis.Set(r.ctx, r.key("n"), "abc", 0).Err() },
		"n 007":      func(r *rig) error { return r.Redis.Set(r.ctx, r.key("n"), "007", 0).Err() },
		"s gone":     func(r *rig) error { return r.Redis.Del(r.ctx, r.key("s")).Err() },
		"room -2":    func(r *rig) error { return r.Redis.HSet(r.ctx, r.key("s"), "room", -2).Err() },
		"room gone":  func(r *rig) error { return r.Redis.HDel(r.ctx, r.key("s"), "room").Err() },
		"open 2":     func(r *rig) error { return r.Redis.HSet(r.ctx, r.key("s"), "open", 2).Err() },
		"open gone":  func(r *rig) error { return r.Redis.HDel(r.ctx, r.key("s"), "open").Err() },
		"units text": func(r *rig) error { return r.Redis.HSet(r.ctx, r.key("l"), "a", "abc").Err() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, s)
			r.open(20)
			r.must(harm(r))
			if given, err := r.Gate.Lease(r.ctx, r.ask("a", 1)); given != 0 || !errors.Is(err, engine.ErrGateEmpty) {
				t.Fatalf("lease: %d, %v", given, err)
			}
		})
	}
}

// testDamagedReport: a damaged report is not believed for a second because of its offset.
func testDamagedReport(t *testing.T, s Subject) {
	r := newRig(t, s)
	for field, value := range map[string]any{"used": -5, "room": -2, "open": "yes", "at": "x", "off": "y"} {
		r.open(20)
		r.must(r.Redis.HSet(r.ctx, r.key("s"), "off", 1000, field, value).Err())
		r.open(20)
		r.counts(0, 0, 0)
		if off := r.Redis.HGet(r.ctx, r.key("s"), "off").Val(); off != "0" {
			t.Fatalf("a report with %s = %v is still believed", field, value)
		}
	}
}

// testTooMany: more leases than any cluster has nodes are damage; they must not make every
// flush slow for as long as their deadlines say.
func testTooMany(t *testing.T, s Subject) {
	r := newRig(t, s)
	r.open(20)
	now, err := r.Clock.Now(r.ctx)
	r.must(err)
	pipe := r.Redis.Pipeline()
	for i := range 1500 {
		pipe.HSet(r.ctx, r.key("l"), fmt.Sprint(i), 1)
		pipe.ZAdd(r.ctx, r.key("x"), redis.Z{Score: float64(now.Add(ttl).UnixMilli()), Member: fmt.Sprint(i)})
	}
	_, err = pipe.Exec(r.ctx)
	r.must(err)
	report := r.report("a")
	report.Room, report.Held = 20, 3
	r.flush(report)
	r.counts(3, 3, 0)
}

// testBelowZero: a dead lease that says more than the counter cannot make room that is not
// there.
func testBelowZero(t *testing.T, s Subject) {
	r := newRig(t, s)
	r.open(5)
	r.lease(r.ask("dead", 2), 2)
	r.must(r.Redis.HSet(r.ctx, r.key("l"), "dead", 1000).Err())
	r.kill("dead")
	r.lease(r.ask("a", 100), 5)
	if n := r.Redis.Get(r.ctx, r.key("n")).Val(); n != "5" {
		t.Fatalf("the counter is %s", n)
	}
}

// tryLease asks for one unit on a gate that may be damaged.
func (r *rig) tryLease(held map[string]int64, lease string) {
	r.t.Helper()
	given, err := r.Gate.Lease(r.ctx, r.ask(lease, 1))
	if err != nil && !errors.Is(err, engine.ErrGateEmpty) && !errors.Is(err, engine.ErrGateShut) || given < 0 || given > 1 {
		r.t.Fatalf("lease on a damaged gate: %d, %v", given, err)
	}
	held[lease] += given
}

// heal lets every node report, twice: damage may look like a newer report, which is
// believed until nobody has confirmed it for a second.
func (r *rig) heal(held map[string]int64, used int64) {
	r.t.Helper()
	for lease, units := range held {
		report := r.report(lease)
		report.Room, report.Offset, report.Used, report.Held = 20, 5, used, units
		r.flush(report)
	}
	r.must(r.Redis.HSet(r.ctx, r.key("s"), "at", 0).Err())
	for lease, units := range held {
		report := r.report(lease)
		report.Room, report.Offset, report.Used, report.Held = 20, 5, used, units
		r.flush(report)
	}
}

func testFlushall(t *testing.T, s Subject) {
	r := newRig(t, s)
	r.open(20)
	held := map[string]int64{"a": 4, "b": 6}
	r.lease(r.ask("a", 4), 4)
	r.lease(r.ask("b", 6), 6)
	r.must(r.Redis.FlushDB(r.ctx).Err())
	r.must(r.Redis.ScriptFlush(r.ctx).Err())
	if _, err := r.Gate.Lease(r.ctx, r.ask("a", 1)); !errors.Is(err, engine.ErrGateEmpty) {
		t.Fatalf("lease after a flush of all: %v", err)
	}
	r.must(r.Redis.ScriptFlush(r.ctx).Err())
	r.heal(held, 0)
	r.counts(10, 10, 0)
	r.lease(r.ask("a", 100), 10)
}
