package redisgate_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"firstcome/bench/stack"
	"firstcome/engine/gatetest"
	"firstcome/engine/redisgate"
)

func TestContractInProcess(t *testing.T) {
	gatetest.Run(t, func(t testing.TB) gatetest.Subject { return subject(t, embedded(t)) })
}

func TestContractRealRedis(t *testing.T) {
	stack.NeedRedis(t)
	gatetest.Run(t, func(t testing.TB) gatetest.Subject { return subject(t, stack.Redis(t).URL()) })
}

// subject opens a gate, and a plain client for the contract to look through.
func subject(t testing.TB, url string) gatetest.Subject {
	t.Helper()
	c := connect(t, url)
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.Protocol, o.DisableIdentity = 2, true
	plain := redis.NewClient(o)
	t.Cleanup(func() { _ = plain.Close() })
	return gatetest.Subject{
		Gate: redisgate.NewGate(c), Locker: redisgate.NewLocker(c), Counter: redisgate.NewCounter(c), Roster: redisgate.NewRoster(c), Clock: c,
		Redis: plain,
	}
}
