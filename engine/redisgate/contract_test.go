package redisgate_test

import (
	"net/url"
	"testing"

	"github.com/redis/go-redis/v9"

	"firstcome/bench/stack"
	"firstcome/engine/gatetest"
	"firstcome/engine/redisgate"
	"firstcome/engine/wiretest"
)

func TestContractInProcess(t *testing.T) {
	gatetest.Run(t, func(t testing.TB) gatetest.Subject { return subject(t, embedded(t)) })
}

func TestContractRealRedis(t *testing.T) {
	stack.NeedRedis(t)
	gatetest.Run(t, func(t testing.TB) gatetest.Subject { return subject(t, stack.Redis(t).URL()) })
}

func TestFaultsInProcess(t *testing.T) {
	gatetest.RunFaults(t, func(t testing.TB) (gatetest.Subject, *wiretest.Wire) { return wired(t, embedded(t)) })
}

func TestFaultsRealRedis(t *testing.T) {
	stack.NeedRedis(t)
	gatetest.RunFaults(t, func(t testing.TB) (gatetest.Subject, *wiretest.Wire) { return wired(t, stack.Redis(t).URL()) })
}

// wired opens a gate behind a wire.
func wired(t testing.TB, raw string) (gatetest.Subject, *wiretest.Wire) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	wire := wiretest.New(t, u.Host)
	near := subject(t, raw)
	u.Host = wire.Addr()
	s := subject(t, u.String())
	s.Redis = near.Redis
	return s, wire
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
