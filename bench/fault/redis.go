package fault

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"firstcome/bench/stack"
)

// quick is how slow a claim may be while Redis is in trouble and nothing else is.
const quick = 250 * time.Millisecond

// redisScenarios break the gate. Nothing depends on it.
var redisScenarios = []*Scenario{
	{Name: "R1", What: "the master's machine dies, 20 ms of replication are lost", Workload: "W1", Slowest: quick,
		Long: 8 * time.Second, Short: 4 * time.Second, Do: masterDies},
	{Name: "R2", What: "the master freezes for 3 s", Workload: "W4",
		Long: 6 * time.Second, Short: 4 * time.Second, Do: masterFreezes},
	{Name: "R3", What: "the master dies and comes back empty at once", Workload: "W7", Slowest: quick,
		Long: 5 * time.Second, Short: 3 * time.Second, Do: masterForgets},
	{Name: "R4", What: "FLUSHALL, several times", Workload: "W1", Slowest: quick,
		Long: 6 * time.Second, Short: 3 * time.Second, Do: flushed},
	{Name: "R5", What: "one node and the master are cut off from the others", Workload: "W3",
		Long: 8 * time.Second, Short: 5 * time.Second, Do: minority},
	{Name: "R6", What: "two of three sentinels are down when the master dies", Workload: "W5",
		Long: 8 * time.Second, Short: 4 * time.Second, Do: noQuorum},
	{Name: "R7", What: "no Redis at all", Workload: "W1", Slowest: quick,
		Long: 20 * time.Second, Short: 4 * time.Second, Do: redisGone},
	{Name: "R8", What: "Redis lies: its counters are wrong every few ms", Workload: "W7",
		Long: 8 * time.Second, Short: 4 * time.Second, Do: redisLies},
	{Name: "R9", What: "Redis has no memory left and evicts nothing", Workload: "W8",
		Long: 8 * time.Second, Short: 4 * time.Second, Do: redisFull},
}

// master finds the master and its number.
func (s *Strike) master(ctx context.Context) (*stack.RedisServer, int, error) {
	m, err := s.Redis.Master(ctx)
	return m, slices.Index(s.Redis.Servers, m), err
}

// crash ends a Redis server as its machine's death would: first nobody hears it
// any more, and what it had sent is lost, then it is killed.
func (s *Strike) crash(server int) {
	s.Fronts[server].Cut()
	for _, n := range s.Links {
		n.Redis[server].Cut()
	}
	s.Redis.Servers[server].Kill()
}

func masterDies(ctx context.Context, s *Strike) error {
	_, i, err := s.master(ctx)
	if err != nil {
		return err
	}
	s.Hot(ctx)
	s.crash(i)
	s.Mark("the Redis master dies")
	return s.Wait(ctx, s.For)
}

func masterFreezes(ctx context.Context, s *Strike) error {
	m, _, err := s.master(ctx)
	if err != nil {
		return err
	}
	m.Pause()
	s.Mark("the Redis master freezes")
	if err := s.Wait(ctx, 3*time.Second); err != nil {
		return err
	}
	m.Resume()
	s.Mark("it goes on")
	return s.Wait(ctx, s.For-3*time.Second)
}

// masterForgets restarts the master before a sentinel notices: its replicas
// then copy the emptiness.
func masterForgets(ctx context.Context, s *Strike) error {
	for range 3 {
		m, _, err := s.master(ctx)
		if err != nil {
			return err
		}
		s.Hot(ctx)
		m.Kill()
		if err := m.Restart(ctx); err != nil {
			return err
		}
		s.Mark("the Redis master starts empty")
		if err := s.Wait(ctx, s.For/3); err != nil {
			return err
		}
	}
	return nil
}

func flushed(ctx context.Context, s *Strike) error {
	for end := time.Now().Add(s.For); time.Now().Before(end); {
		if err := s.onMaster(ctx, func(c *redis.Client) error { return c.FlushAll(ctx).Err() }); err != nil {
			return err
		}
		s.Mark("FLUSHALL")
		if err := s.Wait(ctx, s.Between(20*time.Millisecond, time.Second)); err != nil {
			return err
		}
	}
	return nil
}

// minority leaves the first node alone with the master: the sentinels and the
// replicas lose it and elect another, which the other nodes follow.
func minority(ctx context.Context, s *Strike) error {
	_, i, err := s.master(ctx)
	if err != nil {
		return err
	}
	s.Fronts[i].Hold()
	for node, n := range s.Links {
		if node > 0 {
			n.Redis[i].Hold()
		}
	}
	each(s.Links[0].Sentinels, (*Link).Hold)
	for other, l := range s.Links[0].Redis {
		if other != i {
			l.Hold()
		}
	}
	s.Mark("the master and one node are cut off")
	return s.Wait(ctx, s.For)
}

func noQuorum(ctx context.Context, s *Strike) error {
	for _, one := range s.Redis.Sentinels[:2] {
		one.Kill()
	}
	_, i, err := s.master(ctx)
	if err != nil {
		return err
	}
	s.crash(i)
	s.Mark("two sentinels and the master die")
	return s.Wait(ctx, s.For)
}

func redisGone(ctx context.Context, s *Strike) error {
	for i := range s.Redis.Servers {
		s.crash(i)
	}
	s.Mark("every Redis dies")
	return s.Wait(ctx, s.For)
}

// redisLies writes nonsense over what the gate counts: too much, too little,
// other types, old reports.
func redisLies(ctx context.Context, s *Strike) error {
	s.Mark("Redis begins to lie")
	defer s.Mark("it stops lying")
	return s.onMaster(ctx, func(c *redis.Client) error {
		for end := time.Now().Add(s.For); time.Now().Before(end); {
			pipe := c.Pipeline()
			for range 20 {
				lie(ctx, s, pipe)
			}
			_, _ = pipe.Exec(ctx) // a lie that does not fit the type is refused
			if err := s.Wait(ctx, s.Between(time.Millisecond, 8*time.Millisecond)); err != nil {
				return err
			}
		}
		return nil
	})
}

func lie(ctx context.Context, s *Strike, c redis.Pipeliner) {
	key := "fc:{" + s.Script.Campaigns[s.IntN(len(s.Script.Campaigns))].ID + "}:"
	switch s.IntN(6) {
	case 0:
		c.Set(ctx, key+"n", s.IntN(2000), 0)
	case 1:
		c.Set(ctx, key+"n", 0, 0)
	case 2:
		c.HSet(ctx, key+"s", "used", s.IntN(2000), "off", s.IntN(100_000))
	case 3:
		c.HSet(ctx, key+"s", "room", s.IntN(10_000), "open", "1")
	case 4:
		c.HSet(ctx, key+"l", "nobody", s.IntN(500))
		c.ZAdd(ctx, key+"x", redis.Z{Score: float64(time.Now().Add(time.Hour).UnixMilli()), Member: "nobody"})
	case 5:
		c.Set(ctx, key+"s", "nonsense", 0)
	}
}

func redisFull(ctx context.Context, s *Strike) error {
	for _, server := range s.Redis.Servers {
		if err := configure(ctx, server, "maxmemory", "1"); err != nil {
			return err
		}
	}
	s.Mark("Redis is full")
	if err := s.Wait(ctx, s.For); err != nil {
		return err
	}
	for _, server := range s.Redis.Servers {
		if err := configure(ctx, server, "maxmemory", "0"); err != nil {
			return err
		}
	}
	s.Mark("Redis has memory again")
	return nil
}
