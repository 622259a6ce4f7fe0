package fault

import (
	"fmt"
	"testing"
	"time"

	"firstcome/bench/stack"
)

// carries is how many connections go over a link now.
func (l *Link) carries() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pairs)
}

// TestNodesUseTheirOwnLinks holds the rig to what every cut relies on: whatever
// sentinels and brokers say, a node goes over its own wires.
func TestNodesUseTheirOwnLinks(t *testing.T) {
	stack.NeedRedis(t)
	stack.NeedKafka(t)
	stack.NeedPostgres(t)
	program, err := stack.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	rig, err := StartRig(t.Context(), RigOptions{Nodes: 2, Brokers: 1, Lag: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer rig.Close()
	cast, err := rig.Cast(t.Context(), CastOptions{Program: program, Nodes: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer cast.Close()
	for i, n := range rig.Links {
		err := until(t.Context(), 10*time.Second, func() error {
			redis := 0
			for _, l := range n.Redis {
				redis += l.carries()
			}
			if redis == 0 || n.Kafka[0].carries() < 2 || n.Postgres.carries() == 0 {
				return errNotYet(redis, n.Kafka[0].carries(), n.Postgres.carries())
			}
			return nil
		})
		if err != nil {
			t.Errorf("node %d: %v", i+1, err)
		}
	}
	n := rig.Links[0]
	each(append(append(n.Gate(), n.Kafka...), n.Postgres), (*Link).Reset)
	if err := until(t.Context(), 10*time.Second, func() error {
		parts, err := cast.Boss.partitions(t.Context(), 0)
		if err != nil || len(parts) == 0 || parts[0].State != "behind" {
			return errNotYet(len(parts))
		}
		return nil
	}); err != nil {
		t.Errorf("a node whose wires are all cut still follows: %v", err)
	}
	parts, err := cast.Boss.partitions(t.Context(), 1)
	if err != nil || parts[0].State != "following" {
		t.Errorf("the other node: %+v, %v", parts, err)
	}
}

func errNotYet(counts ...int) error { return fmt.Errorf("not yet: %v", counts) }
