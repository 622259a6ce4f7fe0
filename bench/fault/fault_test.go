package fault

import (
	"fmt"
	"testing"

	"firstcome/bench/rival"
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

// TestTheRivalIsCaught proves that a run can fail: Redis forgets, and an engine
// that believes it grants places again.
func TestTheRivalIsCaught(t *testing.T) {
	stack.NeedRedis(t)
	stack.NeedKafka(t)
	stack.NeedPostgres(t)
	program, err := rival.BuildNaive(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	rigs := Rigs{}
	defer rigs.Close()
	found, _ := Named("R4")
	rig, err := rigs.For(t.Context(), found[0])
	if err != nil {
		t.Fatal(err)
	}
	o, err := Run(t.Context(), rig, found[0], Options{Program: program, Rival: true, Seed: 1, Short: true})
	if err != nil {
		t.Fatal(err)
	}
	if o.Measured.Over == 0 {
		t.Errorf("FLUSHALL, and nobody too many: %d answers, %v", o.Measured.Answers, o.Violations)
	}
	t.Logf("%d too many, %d ranks twice", o.Measured.Over, o.Measured.Twice)
}

func TestScenariosAreFoundByName(t *testing.T) {
	for list, want := range map[string]int{"": len(Scenarios), "all": len(Scenarios), "r1": 1, "R1,E2": 2, "P*": 3, "K9": -1, "R1,,": 1} {
		found, unknown := Named(list)
		if want < 0 && unknown == "" && len(found) > 0 || want >= 0 && (len(found) != want || unknown != "") {
			t.Errorf("%q: %d scenarios, unknown %q", list, len(found), unknown)
		}
	}
	for _, s := range Scenarios {
		if _, ok := WorkloadNamed(s.Workload); !ok || s.Do == nil || s.Short <= 0 || s.Short > s.Long || s.What == "" {
			t.Errorf("%+v is not whole", s)
		}
	}
}

// TestASeedDecidesTheLoad draws each workload twice.
func TestASeedDecidesTheLoad(t *testing.T) {
	for _, w := range Workloads {
		one, two, other := w.Write(chance(7, "X", "load"), 5000), w.Write(chance(7, "X", "load"), 5000), w.Write(chance(8, "X", "load"), 5000)
		same, differs := true, false
		for range 5000 {
			a, b, c := one.Next(), two.Next(), other.Next()
			same = same && a == b
			differs = differs || a != c
			if a.Member >= crowdMost || a.Campaign >= len(one.Campaigns) {
				t.Fatalf("%s: %+v is out of bounds", w.Name, a)
			}
		}
		if !same || !differs {
			t.Errorf("%s: the same seed is the same load: %t; another is another: %t", w.Name, same, differs)
		}
	}
}
