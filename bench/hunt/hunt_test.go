package hunt

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"firstcome/bench/history"
	"firstcome/bench/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// thousand is how many seeds each run of the tests plays.
const thousand = 1000

func TestAThousandSeedsBreakNoPromise(t *testing.T) {
	program, err := Build(t.Context(), t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	h := &Hunter{Program: program, Most: 5}
	got, err := h.Run(t.Context(), 1, thousand)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range got.Failed {
		for _, v := range l.Violations {
			t.Errorf("seed %d: %s %s: %s", l.Seed, v.Rule, v.Campaign, v.Detail)
		}
	}
	if got.Seeds < thousand && len(got.Failed) == 0 || got.Asked < 50*got.Seeds || got.Places < 5*got.Seeds {
		t.Errorf("%d seeds, %d requests, %d places: the world is asleep", got.Seeds, got.Asked, got.Places)
	}
	t.Logf("%d seeds in %v, %.1f h of virtual time, %d requests, %d records, %d places", got.Seeds, got.Took, got.Virtual.Hours(), got.Asked, got.Records, got.Places)
}

// TestABrokenRuleIsFoundAndCutDown lets the fold grant one too many, and holds
// the exact world to its name on the way.
func TestABrokenRuleIsFoundAndCutDown(t *testing.T) {
	dir := t.TempDir()
	overlay := plant(t, dir, "engine/fold/campaign.go", "c.Granted < d.Cap", "c.Granted <= d.Cap")
	program, err := Build(t.Context(), dir, overlay)
	if err != nil {
		t.Fatal(err)
	}
	got, err := (&Hunter{Program: program}).Run(t.Context(), 1, 200)
	if err != nil || len(got.Failed) == 0 {
		t.Fatalf("%d seeds, nothing found: %v", got.Seeds, err)
	}
	exact, err := BuildExact(t.Context(), dir, overlay) // compiled once: under the race detector that takes a while
	if err != nil {
		t.Fatal(err)
	}
	defer exact.Close(context.Background())
	isExact(t, exact)
	found, err := Corner(t.Context(), exact, program, got.Failed[0].Seed)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Line.Violations) == 0 || len(found.Line.Told) == 0 || len(found.Plan.Steps) > found.Steps/2 {
		t.Errorf("%d steps are left of %d, %d violations", len(found.Plan.Steps), found.Steps, len(found.Line.Violations))
	}
}

// isExact plays a seed twice, and once with another order.
func isExact(t *testing.T, exact *Exact) {
	t.Helper()
	prints := map[uint64]string{}
	for _, order := range []uint64{1, 1, 2} {
		plan := sim.NewPlan(7)
		l, err := exact.Plan(t.Context(), &plan, order)
		if err != nil {
			t.Fatal(err)
		}
		if before, again := prints[order]; again && before != l.Print {
			t.Errorf("order %d: %s, and again %s", order, before, l.Print)
		}
		prints[order] = l.Print
	}
	if prints[1] == prints[2] {
		t.Errorf("two orders are one run: %s", prints[1])
	}
}

// plant writes an overlay that changes the first occurrence of a text in a file of the module.
func plant(t *testing.T, dir, file, from, to string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, filepath.FromSlash(file))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), from) {
		t.Fatalf("%q is not in %s any more: plant something else", from, file)
	}
	broken, overlay := filepath.Join(dir, "broken.go"), filepath.Join(dir, "overlay.json")
	for name, content := range map[string]string{broken: strings.Replace(string(text), from, to, 1), overlay: `{"Replace":{"` + path + `":"` + broken + `"}}`} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return overlay
}

func TestADeadProcessIsItsSeedsFinding(t *testing.T) {
	var got []sim.Line
	r := &reader{each: func(l sim.Line) { got = append(got, l) }, stall: func() {}}
	r.read(strings.NewReader(`{"Seed":1,"Begun":true}
{"Seed":1,"Asked":3}
{"Seed":2,"Begun":true}
panic: out of luck
`))
	if err := r.end(t.Context(), nil, "goroutine 1"); err != errDied {
		t.Errorf("ended with %v", err)
	}
	if len(got) != 2 || got[0].Asked != 3 || got[1].Seed != 2 || !finds(got[1].Violations, "panic", "out of luck") {
		t.Errorf("told %+v", got)
	}
}

func finds(all []history.Violation, rule, text string) bool {
	for _, v := range all {
		if v.Rule == rule && strings.Contains(v.Detail, text) {
			return true
		}
	}
	return false
}
