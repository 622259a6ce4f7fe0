package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Plan is everything that a seed decides beforehand: who is there, what people
// do, and what breaks. A plan can be made smaller by leaving steps out.
type Plan struct {
	Seed       uint64
	Nodes      int
	Partitions int
	People     int
	Campaigns  []Setup
	Steps      []Step // by time
}

// Setup is one campaign.
type Setup struct {
	ID                                  string
	Cap                                 int64 // < 0: none
	Waitlist                            int64
	Refused, Batched, Soft, EndPromotes bool
	OpensIn                             time.Duration // 0: the admin opens it at once
	ClosesIn                            time.Duration // 0: only an admin closes it
}

// Step is one deed at one time. What N, For, Wait and Exact mean depends on it.
type Step struct {
	At       time.Duration
	Do       string
	Node     int
	Person   int
	Campaign int
	N        int64
	For      time.Duration
	Wait     bool // wants the waiting list
	Exact    bool // asks with no-cache
}

func (s Step) String() string {
	return fmt.Sprintf("%v %s node=%d person=%d campaign=%d n=%d for=%v wait=%v exact=%v", s.At, s.Do, s.Node, s.Person, s.Campaign, s.N, s.For, s.Wait, s.Exact)
}

// deeds of people and admins, with how often one is chosen.
var deeds = []weighted{
	{"claim", 40}, {"tap-twice", 10}, {"return", 6}, {"claim-and-look", 10}, {"cancel-and-look", 4}, {"impatient", 8}, {"cancel", 12}, {"look", 8},
	{"cap", 5}, {"pause", 2}, {"resume", 3}, {"close", 1}, {"archive", 2}, {"edit", 3}, {"cancel-for", 3},
	{"create-again", 1}, {"same-id", 2}, {"erase", 1}, {"activate", 1},
}

// faults, likewise. Each heals by itself after its time.
var faults = []weighted{
	{"freeze", 4}, {"crash", 5}, {"stop", 3},
	{"cut-log", 4}, {"cut-gate", 3}, {"cut-book", 2}, {"slow-log", 3}, {"slow-gate", 3}, {"slow-book", 2},
	{"lose-log", 4}, {"lose-gate", 3}, {"lose-book", 4},
	{"redis-gone", 2}, {"redis-wipe", 3}, {"redis-failover", 3}, {"redis-lie", 3}, {"redis-stingy", 1},
	{"clock-redis", 1}, {"clock-book", 1}, {"clock-node", 1},
}

type weighted struct {
	name   string
	weight int
}

const (
	begins   = 300 * time.Millisecond // the nodes are up by then
	shortest = time.Second
	longest  = 5 * time.Second
)

// NewPlan draws a plan from a seed. Each seed uses only some kinds of deeds and
// faults, and those the more: what always comes together hides what it does.
func NewPlan(seed uint64) Plan {
	r := rand.New(rand.NewPCG(seed, 0x706c616e))
	p := Plan{Seed: seed, Nodes: 1 + r.IntN(3), Partitions: 1 + r.IntN(2), People: 3 + r.IntN(22)}
	length := shortest + time.Duration(r.Int64N(int64(longest-shortest)))
	for i := range 1 + r.IntN(3) {
		p.Campaigns = append(p.Campaigns, newSetup(r, i, length))
	}
	people, broken := swarm(r, deeds, 0.75), swarm(r, faults, 0.4)
	for range 10 + r.IntN(90) {
		p.Steps = append(p.Steps, newDeed(r, &p, pick(r, people), length))
	}
	if r.IntN(2) == 0 { // a stampede in the same few milliseconds
		at := begins + time.Duration(r.Int64N(int64(length)))
		c := r.IntN(len(p.Campaigns))
		for person := range p.People {
			s := newDeed(r, &p, "claim", length)
			s.At, s.Person, s.Campaign = at+time.Duration(r.Int64N(int64(20*time.Millisecond))), person, c
			p.Steps = append(p.Steps, s)
		}
	}
	if len(broken) > 0 {
		for range r.IntN(8) {
			p.Steps = append(p.Steps, newFault(r, &p, pick(r, broken), length))
		}
	}
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return int(a.At - b.At) })
	return p
}

func newSetup(r *rand.Rand, i int, length time.Duration) Setup {
	c := Setup{ID: fmt.Sprintf("c%d", i), Cap: int64(r.IntN(8)), Refused: r.IntN(5) == 0, Batched: r.IntN(2) == 0, EndPromotes: r.IntN(4) == 0}
	switch r.IntN(8) {
	case 0:
		c.Cap = -1
	case 1:
		c.Cap = int64(8 + r.IntN(20))
	}
	if r.IntN(2) == 0 && c.Cap >= 0 {
		c.Waitlist = int64(1 + r.IntN(6))
	}
	if c.Waitlist == 0 && c.Cap >= 0 && r.IntN(12) == 0 {
		c.Soft, c.Batched = true, true
	}
	if r.IntN(2) == 0 {
		c.OpensIn = begins + time.Duration(r.Int64N(int64(time.Second)))
	}
	if r.IntN(6) == 0 {
		c.ClosesIn = c.OpensIn + length/2 + time.Duration(r.Int64N(int64(length)))
	}
	return c
}

func newDeed(r *rand.Rand, p *Plan, do string, length time.Duration) Step {
	return Step{
		At: begins + time.Duration(r.Int64N(int64(length))), Do: do, Node: r.IntN(p.Nodes), Person: r.IntN(p.People), Campaign: r.IntN(len(p.Campaigns)),
		N: int64(r.IntN(10)), For: time.Duration(r.Int64N(int64(500 * time.Millisecond))), Wait: r.IntN(2) == 0, Exact: r.IntN(4) == 0,
	}
}

func newFault(r *rand.Rand, p *Plan, do string, length time.Duration) Step {
	s := Step{At: begins + time.Duration(r.Int64N(int64(length))), Do: do, Node: r.IntN(p.Nodes), N: int64(r.IntN(1000))}
	s.For = time.Duration(r.Int64N(int64(1500 * time.Millisecond)))
	if r.IntN(4) == 0 {
		s.For += time.Duration(r.Int64N(int64(5 * time.Second)))
	}
	return s
}

// swarm leaves some kinds out.
func swarm(r *rand.Rand, all []weighted, keep float64) []weighted {
	var some []weighted
	for _, w := range all {
		if r.Float64() < keep {
			some = append(some, w)
		}
	}
	if len(some) == 0 && keep > 0.5 {
		return all
	}
	return some
}

func pick(r *rand.Rand, from []weighted) string {
	sum := 0
	for _, w := range from {
		sum += w.weight
	}
	at := r.IntN(sum)
	for _, w := range from {
		if at -= w.weight; at < 0 {
			return w.name
		}
	}
	return from[0].name
}

// disturbs reports whether a step breaks something.
func (s *Step) disturbs() bool {
	return slices.ContainsFunc(faults, func(w weighted) bool { return w.name == s.Do })
}

// delays reports whether a step may keep claims from being decided, or the
// ledger from answering. What happens to Redis or to a clock may not.
func (s *Step) delays() bool {
	switch s.Do {
	case "freeze", "crash", "stop", "cut-log", "slow-log", "lose-log", "cut-book", "slow-book", "lose-book":
		return true
	}
	return false
}
