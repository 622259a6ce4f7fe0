package redis

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"firstcome/bench/stack"
	"firstcome/cache"
)

// TestADeadRedisCostsNothing: after three calls nobody waits any more.
func TestADeadRedisCostsNothing(t *testing.T) {
	port, err := stack.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, fmt.Sprintf("redis://127.0.0.1:%d", port))
	refused := 0
	start := time.Now()
	for range 10_000 {
		_, err := c.Get(t.Context(), cache.Notices.Key("x"))
		if err == nil {
			t.Fatal("nobody answered")
		}
		if errors.Is(err, ErrAway) {
			refused++
		}
	}
	if took := time.Since(start); refused < 9_900 || took > 5*time.Second {
		t.Fatalf("%d of 10,000 were refused at once, %v in all", refused, took)
	}
}

// TestFailover: the master dies, or hangs; calls and messages go through another one
// without anybody's help, and what was missed is said.
func TestFailover(t *testing.T) {
	stack.NeedRedis(t)
	for name, fault := range map[string]func(*stack.RedisServer){
		"killed": func(s *stack.RedisServer) { s.Kill() },
		"frozen": func(s *stack.RedisServer) { s.Pause() },
	} {
		t.Run(name, func(t *testing.T) {
			group, err := stack.StartSentinels(t.Context(), stack.SentinelOptions{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(group.Close)
			c := connect(t, group.URL(0))
			var missed, heard atomic.Int64
			background(t, func(ctx context.Context) error {
				return c.Listen(ctx, func(m []byte) {
					if m == nil {
						missed.Add(1)
					} else {
						heard.Add(1)
					}
				})
			})
			eventually(t, 20*time.Second, "listening", func() bool { return missed.Load() == 1 })
			key := cache.Notices.Key("x")
			eventually(t, 10*time.Second, "a call", func() bool { return c.Keep(t.Context(), key, versioned(1, "a"), time.Minute) == nil })
			master, err := group.Master(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			fault(master)
			calls := eventually(t, time.Minute, "a call to the new master", func() bool { return c.Keep(t.Context(), key, versioned(2, "b"), time.Minute) == nil })
			eventually(t, time.Minute, "it listens again", func() bool { return missed.Load() >= 2 })
			before := heard.Load()
			told := eventually(t, time.Minute, "a message through the new master", func() bool {
				_ = c.Tell(t.Context(), []byte("m"))
				return heard.Load() > before
			})
			t.Logf("calls after %v, messages %v later", calls, told)
		})
	}
}
