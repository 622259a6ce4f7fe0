package fault

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"firstcome/bench/history"
)

// Workload is what members do while something breaks.
type Workload struct {
	Name, What string
	Rate       float64           // steps a second
	Settings   map[string]string // of every node
	// Write draws the campaigns and then one step after another; expect is how
	// many there will be, about.
	Write func(r *rand.Rand, expect int) *Script
}

// Script is one drawn workload.
type Script struct {
	Campaigns []Campaign
	Next      func() Step
	// Caps, when it is set, draws the next change of a cap; they come every Every.
	Caps  func() (campaign int, places int64)
	Every time.Duration
}

// Campaign is what a campaign is made with.
type Campaign struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Kind     string `json:"kind"`
	Cap      int64  `json:"cap"`
	Counting string `json:"counting,omitempty"`
	Waitlist int64  `json:"waitlist_cap,omitempty"`
	Points   int64  `json:"points,omitempty"`
}

// Step is one thing that a member does.
type Step struct {
	Kind     history.Kind // Claim, Cancel or Look
	Campaign int
	Member   int
	Waitlist bool
	Exact    bool
}

// Workloads by name.
var Workloads = []*Workload{
	{Name: "W1", What: "stampede: many more members than places, 30 % send twice, 5 % ten times", Rate: 1500,
		Write: func(r *rand.Rand, expect int) *Script { return rush(r, expect, "direct", "event") }},
	{Name: "W2", What: "trickle: a steady stream of claims that all find a place", Rate: 250, Write: trickle},
	{Name: "W3", What: "claims and cancels with a waiting list", Rate: 700, Write: churn},
	{Name: "W4", What: "stampede while the caps go up and down", Rate: 1500,
		Write: func(r *rand.Rand, expect int) *Script { return restless(r, rush(r, expect, "direct", "event")) }},
	{Name: "W5", What: "200 small campaigns at once", Rate: 1500, Write: many},
	{Name: "W7", What: "stampede with leased blocks of the cap", Rate: 1500,
		Write: func(r *rand.Rand, expect int) *Script { return rush(r, expect, "batched", "reward") }},
	{Name: "W8", What: "stampede without Redsync", Rate: 1500, Settings: map[string]string{"FIRSTCOME_REHEARSE_LOCKLESS": "true"},
		Write: func(r *rand.Rand, expect int) *Script { return rush(r, expect, "direct", "event") }},
}

// WorkloadNamed finds a workload.
func WorkloadNamed(name string) (*Workload, bool) {
	i := slices.IndexFunc(Workloads, func(w *Workload) bool { return w.Name == name })
	if i < 0 {
		return nil, false
	}
	return Workloads[i], true
}

// exactly says whether a step asks for the newest state: one in twenty.
func exactly(r *rand.Rand) bool { return r.IntN(20) == 0 }

// The measures of a rush: members and campaigns of one wave, and the share of
// its members who find a place.
const (
	waveMembers   = 900
	waveCampaigns = 1
	waveShare     = 0.35
)

// rush is one wave after another: each member of a wave taps once, and some again.
func rush(r *rand.Rand, expect int, counting, kind string) *Script {
	const taps = 1.75 // of a member: 65 % one, 30 % two, 5 % ten
	waves := int(float64(expect)/(waveMembers*taps)) + 2
	s := &Script{}
	for i := range waves * waveCampaigns {
		c := Campaign{ID: fmt.Sprintf("rush-%d", i+1), Title: "Tickets", Kind: kind, Counting: counting,
			Cap: int64(waveMembers * waveShare / waveCampaigns)}
		if kind == "reward" {
			c.Points = 10
		}
		s.Campaigns = append(s.Campaigns, c)
	}
	wave, line := 0, []Step(nil)
	s.Next = func() Step {
		if len(line) == 0 {
			line = drawWave(r, min(wave, waves-1))
			wave++
		}
		step := line[0]
		line = line[1:]
		return step
	}
	return s
}

// drawWave puts a wave's taps in line: second taps come shortly after the first.
func drawWave(r *rand.Rand, wave int) []Step {
	const shortly, later = 150, 1500 // others' taps in between, at most
	type tap struct {
		Step
		at float64
	}
	var taps []tap
	for i, member := range r.Perm(waveMembers) {
		step := Step{Campaign: wave*waveCampaigns + member%waveCampaigns, Member: member, Exact: exactly(r)}
		taps = append(taps, tap{step, float64(i)})
		switch chance := r.IntN(100); {
		case chance < 30:
			taps = append(taps, tap{step, float64(i) + r.Float64()*shortly})
		case chance < 35:
			for range 9 {
				taps = append(taps, tap{step, float64(i) + r.Float64()*later})
			}
		}
	}
	slices.SortStableFunc(taps, func(a, b tap) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	line := make([]Step, len(taps))
	for i := range taps {
		line[i] = taps[i].Step
	}
	return line
}

// trickle spreads claims of one member each over a few campaigns that hold all.
func trickle(r *rand.Rand, expect int) *Script {
	const campaigns = 8
	s := &Script{}
	for i := range campaigns {
		s.Campaigns = append(s.Campaigns, Campaign{ID: fmt.Sprintf("steady-%d", i+1), Title: "Steady", Kind: "event", Cap: crowdMost})
	}
	n := -1
	s.Next = func() Step {
		n++
		return Step{Campaign: n % campaigns, Member: n / campaigns % crowdMost, Exact: exactly(r)}
	}
	return s
}

// churn lets a few hundred members claim, cancel and look, over and over.
func churn(r *rand.Rand, _ int) *Script {
	const members, campaigns = 600, 2
	s := &Script{}
	for i := range campaigns {
		s.Campaigns = append(s.Campaigns, Campaign{ID: fmt.Sprintf("churn-%d", i+1), Title: "Class", Kind: "event", Cap: 70, Waitlist: 60})
	}
	s.Next = func() Step {
		step := Step{Campaign: r.IntN(campaigns), Member: r.IntN(members), Exact: exactly(r)}
		switch chance := r.IntN(100); {
		case chance < 50:
			step.Kind, step.Waitlist = history.Claim, r.IntN(10) < 8
		case chance < 85:
			step.Kind = history.Cancel
		default:
			step.Kind = history.Look
		}
		return step
	}
	return s
}

// many spreads claims over 200 campaigns of five places.
func many(r *rand.Rand, expect int) *Script {
	const campaigns = 200
	s := &Script{}
	for i := range campaigns {
		s.Campaigns = append(s.Campaigns, Campaign{ID: fmt.Sprintf("small-%d", i+1), Title: "Small", Kind: "event", Cap: 5})
	}
	members := max(expect/campaigns, 20)
	s.Next = func() Step {
		return Step{Campaign: r.IntN(campaigns), Member: r.IntN(members), Exact: exactly(r)}
	}
	return s
}

// restless adds changes of the caps.
func restless(r *rand.Rand, s *Script) *Script {
	own := rand.New(rand.NewPCG(r.Uint64(), r.Uint64())) // drawn by another goroutine
	s.Every = 250 * time.Millisecond
	s.Caps = func() (int, int64) {
		i := own.IntN(len(s.Campaigns))
		return i, s.Campaigns[i].Cap/2 + own.Int64N(s.Campaigns[i].Cap)
	}
	return s
}
