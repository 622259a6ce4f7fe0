package redisgate_test

import (
	"testing"
	"time"

	"firstcome/bench/stack"
	"firstcome/engine/redisgate"
)

// failoverLimit covers an election whose first vote is split (7 s have been seen).
const failoverLimit = 20 * time.Second

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
	group := startSentinels(t)
	r := newRig(t, group.URL(0))
	run(t, r.Run)
	for _, fault := range []string{"frozen", "killed"} {
		master, err := group.Master(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		lock := r.lock(t, "{c}:lk:"+fault)
		if fault == "frozen" {
			master.Pause()
		} else {
			master.Kill()
		}
		expectInTime(t, r, lock, "lease", "lock", "flush")
		took := eventually(t, failoverLimit, "flush after the master was "+fault, r.flush)
		eventually(t, patience, "lease on the new master", r.lease)
		t.Logf("master %s: the first flush went through after %v", fault, took)
		if fault == "frozen" {
			master.Resume() // it comes back as a replica, so that the next one has one
			eventually(t, failoverLimit, "the old master follows the new one", r.flush)
		}
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
