package redisgate_test

import (
	"testing"
	"time"

	"firstcome/bench/stack"
	"firstcome/engine/redisgate"
)

// failoverLimit covers elections whose first votes are split, each of which costs 6 s.
const failoverLimit = 30 * time.Second

func startSentinels(t *testing.T) *stack.SentinelGroup {
	t.Helper()
	stack.NeedRedis(t)
	group, err := stack.StartSentinels(t.Context(), stack.SentinelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(group.Close)
	return group
}

func TestFailoverNeedsNobody(t *testing.T) {
	for name, fault := range map[string]func(*stack.RedisServer){
		"frozen": func(master *stack.RedisServer) { master.Pause() },
		"killed": func(master *stack.RedisServer) { master.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			group := startSentinels(t)
			r := newRig(t, group.URL(0))
			run(t, r.Run)
			master, err := group.Master(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			lock := r.lock(t, "{c}:lk:m")
			fault(master)
			expectInTime(t, r, lock, "lease", "lock", "flush")
			took := eventually(t, failoverLimit, "flush", r.flush)
			eventually(t, patience, "lease on the new master", r.lease)
			t.Logf("the first flush went through after %v", took)
		})
	}
}

// TestHeartbeatFindsTheNewMaster: master and the sentinel in use die together, and there
// is no traffic that would notice.
func TestHeartbeatFindsTheNewMaster(t *testing.T) {
	group := startSentinels(t)
	address, err := redisgate.ParseURL(group.URL(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Log(address)
	r := newRig(t, group.URL(0))
	run(t, r.Run)
	master, err := group.Master(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	master.Kill()
	group.Sentinels[0].Kill()
	eventually(t, failoverLimit, "ping the new master", r.Ping)
	eventually(t, failoverLimit, "flush", r.flush)
}
