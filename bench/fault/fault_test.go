package fault

import (
	"fmt"
	"testing"

	"firstcome/bench/stack"
)

// TestEveryFaultBreaksNoPromise plays each scenario once, short, on a rig that
// they share as far as they need the same.
func TestEveryFaultBreaksNoPromise(t *testing.T) {
	stack.NeedRedis(t)
	stack.NeedKafka(t)
	stack.NeedPostgres(t)
	program, err := stack.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	rigs := Rigs{}
	defer rigs.Close()
	for _, s := range Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			rig, err := rigs.For(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			o, err := Run(t.Context(), rig, s, Options{Program: program, Seed: 1, Short: true, Busy: true})
			if err != nil {
				rigs.Close() // what is left of it serves nobody
				t.Fatal(err)
			}
			tell(t, o)
		})
	}
}

func tell(t *testing.T, o *Outcome) {
	t.Helper()
	m := o.Measured
	t.Log(fmt.Sprintf("%s %s: %d answers, %d x 5xx, %d x 503, %d x 202, %d silent, gap %s, slowest %s (before %s), first %s, steady %s, rest %s, %.2f appends a grant",
		o.Scenario, o.Workload, m.Answers, m.Failed, m.Unavailable, m.Deciding, m.Silent, m.Gap, m.Slowest, m.Before, m.First, m.Steady, o.Rest, m.Appends))
	for _, v := range o.Violations {
		t.Errorf("%s, seed %d, kept in %s: %s: %s %s", o.Scenario, o.Seed, o.Folder, v.Rule, v.Campaign, v.Detail)
	}
}
