package sim

import (
	"bufio"
	"encoding/json"
	"flag"
	"os"
	"testing"
)

// The command "bench simulate" builds this test and runs it as its child, in
// many processes; without flags it plays a few seeds by itself.
var (
	first = flag.Uint64("sim.first", 1, "first seed")
	seeds = flag.Int("sim.seeds", 30, "how many seeds, one after another")
	tell  = flag.Bool("sim.tell", false, "print each plan's outcome as a line of JSON")
	plans = flag.Bool("sim.plans", false, "play plans from standard input, one in a line, with everything that was said")
)

func TestSeeds(t *testing.T) {
	if *plans {
		playGiven(t)
		return
	}
	for i := range *seeds {
		plan := NewPlan(*first + uint64(i))
		announce(plan.Seed)
		r := Run(t, plan)
		report(t, r, false)
	}
}

// playGiven plays the plans of standard input.
func playGiven(t *testing.T) {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var plan Plan
		if err := json.Unmarshal(line, &plan); err != nil {
			t.Fatalf("a plan that does not parse: %v", err)
		}
		announce(plan.Seed)
		report(t, Run(t, plan), true)
	}
}

// announce says what begins, so that a process that dies is known by its last line.
func announce(seed uint64) {
	if *tell {
		_ = json.NewEncoder(os.Stdout).Encode(Line{Seed: seed, Begun: true})
	}
}

func report(t *testing.T, r Result, whole bool) {
	if !*tell {
		for _, v := range r.Violations {
			t.Errorf("seed %d: %s %s: %s", r.Seed, v.Rule, v.Campaign, v.Detail)
		}
		return
	}
	if err := json.NewEncoder(os.Stdout).Encode(r.line(whole)); err != nil {
		t.Fatal(err)
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(m.Run())
}
