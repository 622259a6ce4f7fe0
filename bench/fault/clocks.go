package fault

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"time"

	"firstcome/bench/history"
)

// clockScenarios move clocks, and take memory away.
var clockScenarios = []*Scenario{
	{Name: "C1", Own: true, What: "one node's clock jumps an hour ahead, then an hour back", Workload: "W2",
		Long: 16 * time.Second, Short: 6 * time.Second, Do: oneClockJumps},
	{Name: "C2", Own: true, What: "every node's clock and Redis' step an hour ahead, and back", Workload: "W3",
		Long: 16 * time.Second, Short: 6 * time.Second, Do: allClocksStep},
	{Name: "M1", What: "the nodes and Redis may use next to no memory; one node runs out of it", Workload: "W1",
		Settings: map[string]string{"GOMEMLIMIT": "24MiB"},
		Long:     8 * time.Second, Short: 4 * time.Second, Do: memoryRunsOut},
}

// agreed is longer than nodes need to look at their clocks again.
const agreed = 5500 * time.Millisecond

// steps are how clocks move: ahead, and then back if there is time.
func (s *Strike) steps() []time.Duration {
	all := []time.Duration{time.Hour, -time.Hour}
	return all[:min(len(all), max(1, int(s.For/agreed)))]
}

// tomorrow is a campaign that opens in half an hour: no single clock may open it.
const tomorrow = "tomorrow"

func (s *Strike) schedule(ctx context.Context) error {
	draft := map[string]any{"id": tomorrow, "title": "Later", "kind": "event", "cap": 10, "opens_at": time.Now().Add(30 * time.Minute)}
	if err := s.Boss.must(ctx, 0, "POST", "/campaigns", draft, nil); err != nil {
		return err
	}
	return s.Boss.must(ctx, 0, "POST", "/campaigns/"+tomorrow+"/publication", nil, nil)
}

// opened tells a campaign's status as a node sees it.
func (s *Strike) opened(ctx context.Context) (string, error) {
	var c struct{ Status string }
	err := s.Boss.must(ctx, 0, "GET", "/campaigns/"+tomorrow, nil, &c)
	return c.Status, err
}

func oneClockJumps(ctx context.Context, s *Strike) error {
	if err := s.schedule(ctx); err != nil {
		return err
	}
	for _, wrong := range s.steps() {
		if err := s.Wrong(s.IntN(len(s.Nodes)), wrong); err != nil {
			return err
		}
		s.Mark("a node's clock jumps by " + wrong.String())
		if err := s.Wait(ctx, agreed); err != nil {
			return err
		}
		if status, err := s.opened(ctx); err != nil || status != "scheduled" {
			s.violate(history.Violation{Rule: "C1 one clock", Campaign: tomorrow, Detail: fmt.Sprintf("it is %s half an hour early: %v", status, err)})
		}
	}
	return nil
}

// allClocksStep moves the nodes' clocks and Redis' TIME: two of three agree, so
// what is scheduled opens. That is all that may come of it.
func allClocksStep(ctx context.Context, s *Strike) error {
	if err := s.schedule(ctx); err != nil {
		return err
	}
	for _, wrong := range s.steps() {
		for i := range s.Nodes {
			each(s.Links[i].Redis, func(l *Link) { l.Shift(wrong) })
			if err := s.Wrong(i, wrong); err != nil {
				return err
			}
		}
		s.Mark("all clocks step by " + wrong.String())
		if err := s.Wait(ctx, agreed); err != nil {
			return err
		}
		if status, err := s.opened(ctx); err != nil || status != "open" {
			s.violate(history.Violation{Rule: "C2 all clocks", Campaign: tomorrow, Detail: fmt.Sprintf("it is %s after its time by all clocks: %v", status, err)})
		}
	}
	return nil
}

// memoryRunsOut lets Redis and one node ask for memory that they do not get.
// Redis refuses what writes; a Go program that is refused memory dies.
func memoryRunsOut(ctx context.Context, s *Strike) error {
	for _, server := range s.Redis.Servers {
		if err := configure(ctx, server, "maxmemory", "1"); err != nil {
			return err
		}
	}
	i := s.IntN(len(s.Nodes))
	out, err := exec.CommandContext(ctx, "prlimit", "--pid", strconv.Itoa(s.Nodes[i].Pid()), "--data=1").CombinedOutput()
	if err != nil {
		return fmt.Errorf("take a node's memory away: %w: %s", err, out)
	}
	s.Mark("memory is taken away")
	select {
	case <-s.Nodes[i].Done():
		s.Mark("a node dies of it")
	case <-time.After(s.For / 2):
		s.Nodes[i].Kill()
		s.Mark("a node lived on it and is killed")
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := s.again(i); err != nil {
		return err
	}
	return s.Wait(ctx, s.For/2)
}
