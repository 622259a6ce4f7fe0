package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"firstcome/engine/fold"
)

// engineScenarios break the nodes themselves, and their wires.
var engineScenarios = []*Scenario{
	{Name: "E1", What: "a node is killed at a random moment and started again, over and over", Workload: "W3", Nodes: 3,
		Long: 10 * time.Second, Short: 5 * time.Second, Do: nodesKilled},
	{Name: "E2", What: "a node freezes for 6 s, Redis is wiped meanwhile", Workload: "W1", Away: true,
		Long: 8 * time.Second, Short: 6500 * time.Millisecond, Do: nodeFreezes},
	{Name: "E3", What: "a node is cut off from Kafka, Redis is wiped meanwhile", Workload: "W1", Away: true,
		Long: 10 * time.Second, Short: 4 * time.Second, Do: cutFromKafka},
	{Name: "E4", What: "a node is cut off from Redis", Workload: "W7", Slowest: quick,
		Long: 8 * time.Second, Short: 4 * time.Second, Do: cutFromRedis},
	{Name: "E5", What: "a node is cut off from Postgres", Workload: "W5",
		Long: 8 * time.Second, Short: 4 * time.Second, Do: cutFromPostgres},
	{Name: "E6", Own: true, What: "every node is restarted in turn, and new rules come into force", Workload: "W1", Nodes: 3,
		Long: 6 * time.Second, Short: 3 * time.Second, Do: rollingRestart, Look: cleanRefusals},
}

func nodesKilled(ctx context.Context, s *Strike) error {
	for end := time.Now().Add(s.For); time.Now().Before(end); {
		i := s.IntN(len(s.Nodes))
		s.Nodes[i].Kill()
		s.Mark("a node is killed")
		if err := s.Wait(ctx, s.Between(10*time.Millisecond, 400*time.Millisecond)); err != nil {
			return err
		}
		if err := s.again(i); err != nil {
			return err
		}
		if err := s.Wait(ctx, s.Between(50*time.Millisecond, 1500*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

// wipe empties Redis.
func (s *Strike) wipe(ctx context.Context) error {
	s.Hot(ctx)
	s.Mark("Redis is wiped")
	return s.onMaster(ctx, func(c *redis.Client) error { return c.FlushAll(ctx).Err() })
}

func nodeFreezes(ctx context.Context, s *Strike) error {
	n := s.Nodes[s.IntN(len(s.Nodes))]
	s.Hot(ctx)
	n.Pause()
	s.Mark("a node freezes")
	if err := s.Wait(ctx, 3*time.Second); err != nil {
		return err
	}
	if err := s.wipe(ctx); err != nil {
		return err
	}
	if err := s.Wait(ctx, 3*time.Second); err != nil {
		return err
	}
	n.Resume()
	s.Mark("it goes on")
	return s.Wait(ctx, s.For-6*time.Second)
}

func cutFromKafka(ctx context.Context, s *Strike) error {
	i := s.IntN(len(s.Nodes))
	each(s.Links[i].Kafka, (*Link).Hold)
	s.Mark("a node is cut off from Kafka")
	if err := s.Wait(ctx, s.For/2); err != nil {
		return err
	}
	if err := s.wipe(ctx); err != nil {
		return err
	}
	return s.Wait(ctx, s.For/2)
}

func cutFromRedis(ctx context.Context, s *Strike) error {
	each(s.Links[s.IntN(len(s.Nodes))].Gate(), (*Link).Cut)
	s.Mark("a node is cut off from Redis")
	return s.Wait(ctx, s.For)
}

func cutFromPostgres(ctx context.Context, s *Strike) error {
	s.Links[s.IntN(len(s.Nodes))].Postgres.Cut()
	s.Mark("a node is cut off from Postgres")
	return s.Wait(ctx, s.For)
}

// rollingRestart asks every node to end, one after another, as an upgrade does.
func rollingRestart(ctx context.Context, s *Strike) error {
	for i, n := range s.Nodes {
		soon, cancel := context.WithTimeout(ctx, 15*time.Second)
		err := n.Stop(soon)
		cancel()
		if err != nil {
			return err
		}
		s.Mark("a node has ended")
		if err := s.again(i); err != nil {
			return err
		}
		if err := n.Ready(ctx); err != nil {
			return err
		}
		s.Mark("it is back")
		if i == 0 {
			if err := s.upgrade(ctx); err != nil {
				return err
			}
		}
		if err := s.Wait(ctx, s.For/time.Duration(len(s.Nodes))); err != nil {
			return err
		}
	}
	return nil
}

// upgrade brings the newest rules into force, by one record in each partition.
func (s *Strike) upgrade(ctx context.Context) error {
	err := s.Boss.must(ctx, 0, "POST", "/upgrade", map[string]any{"rules": fold.Version, "reason": "an upgrade in the midst of a stampede"}, nil)
	s.Mark(fmt.Sprintf("rules %d are in force", fold.Version))
	return err
}
