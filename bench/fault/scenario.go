package fault

import (
	"context"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"firstcome/bench/history"
)

// Scenario is one thing that goes wrong.
type Scenario struct {
	Name, What string
	Workload   string // unless another one is asked for
	Nodes      int    // 0: 2
	Brokers    int    // 0: 1
	Settings   map[string]string
	// Long and Short are how long the fault lasts when it is played in full and
	// in a test.
	Long, Short time.Duration
	// Do breaks things, and may mend some. The rest is mended when it returns.
	Do func(ctx context.Context, s *Strike) error
	// Away says that the log is away for some node: 503 with Retry-After and 202
	// are answers then.
	Away bool
	// Own says that only firstcome has what it is about: no rival is asked.
	Own bool
	// Apart says that partitions are lost for good: only the others are judged
	// to the end.
	Apart bool
	// Limits of what is measured.
	Slowest time.Duration // of a claim; 0: none
	First   time.Duration // from the fault to the first claim that is decided; 0: none
	// Look finds what only this scenario promises.
	Look func(*Outcome) []history.Violation
}

// Strike is what a scenario works with: the rig and its nodes, chance, a clock.
type Strike struct {
	*Cast
	*rand.Rand
	For    time.Duration // how long the fault is to last
	Script *Script

	crowd *crowd
	out   *Outcome
	mu    sync.Mutex // guards what follows, and out's violations
	marks []Mark
	deeds []history.Op
	lost  []int32 // partitions that are gone for good; -1: all
}

// Mark is a moment of a run.
type Mark struct {
	At   time.Duration `json:"at"`
	What string        `json:"what"`
}

// Mark remembers what has just happened.
func (s *Strike) Mark(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marks = append(s.marks, Mark{s.crowd.since(time.Now()), what})
}

// lose notes that a partition is gone for good; -1: all are.
func (s *Strike) lose(p int32) { s.lost = append(s.lost, p) }

// Wait lets time pass.
func (s *Strike) Wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Hot waits until places are being given right now, two seconds at most: what is
// lost at another moment hurts nobody.
func (s *Strike) Hot(ctx context.Context) {
	const many, most = 30, 2 * time.Second
	begun := s.crowd.places.Load()
	_ = until(ctx, most, func() error { // whatever comes, it is time then
		if s.crowd.places.Load() < begun+many {
			return errors.New("nobody gets a place now")
		}
		return nil
	})
}

// Between draws a duration.
func (s *Strike) Between(low, high time.Duration) time.Duration {
	return low + time.Duration(s.Int64N(int64(high-low)))
}

// Scenarios are all of them, in the order in which they are played.
var Scenarios = slices.Concat(redisScenarios, postgresScenarios, engineScenarios, clockScenarios, kafkaScenarios)

// Named finds scenarios by a list of names, "R1,K*": all of them when it is empty.
func Named(list string) (found []*Scenario, unknown string) {
	if list == "" || list == "all" {
		return Scenarios, ""
	}
	for _, name := range strings.Split(list, ",") {
		if name = strings.ToUpper(strings.TrimSpace(name)); name == "" {
			continue
		}
		before := len(found)
		for _, s := range Scenarios {
			prefix, all := strings.CutSuffix(name, "*")
			if s.Name == name || all && strings.HasPrefix(s.Name, prefix) {
				found = append(found, s)
			}
		}
		if len(found) == before {
			return nil, name
		}
	}
	return found, ""
}

// chance is a run's own source: seed and scenario decide everything that is drawn.
func chance(seed int64, scenario, purpose string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(scenario + " " + purpose))
	return rand.New(rand.NewPCG(uint64(seed), h.Sum64()))
}
