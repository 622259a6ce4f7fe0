//go:build badengine

package mutant

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firstcome/bench/history"
	"firstcome/bench/hunt"
)

// together is how many mutants are tested at once, limit for how long each.
const (
	together = 2
	limit    = 3 * time.Minute
)

// TestSuiteCatchesMutants compiles each mutant that tests must catch and runs
// the one that is named. A mutant that survives is a hole in the suite; one that
// does not compile proves nothing.
func TestSuiteCatchesMutants(t *testing.T) {
	turns := make(chan struct{}, together)
	for _, m := range All() {
		if m.In == "" {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			turns <- struct{}{}
			defer func() { <-turns }()
			if out, caught := tested(t, &m); !caught {
				t.Errorf("%s: %s does not catch that %s:\n%s", m.In, m.Caught, m.What, out)
			}
		})
	}
}

// seeds is how many runs of the simulation a mutant may survive, and most how
// many failed ones are looked at.
const (
	seeds = 1000
	most  = 10
)

// TestSimulationCatchesMutants lets each mutant of the engine play the
// simulation until one of the invariants that it is known to break is broken.
func TestSimulationCatchesMutants(t *testing.T) {
	for _, m := range All() {
		if m.In != "" {
			continue
		}
		t.Run(m.Name, func(t *testing.T) { // one after another: each hunts on every processor
			overlay, err := m.Overlay(module(t), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			program, err := hunt.Build(t.Context(), t.TempDir(), overlay)
			if err != nil {
				t.Fatal(err)
			}
			got, err := (&hunt.Hunter{Program: program, Most: most}).Run(t.Context(), 1, seeds)
			if err != nil {
				t.Fatal(err)
			}
			for _, failed := range got.Failed {
				if slices.ContainsFunc(failed.Violations, m.breaks) {
					t.Logf("seed %d, after %d: %+v", failed.Seed, got.Seeds, failed.Violations[0])
					return
				}
			}
			t.Errorf("%d seeds do not show by %s that %s: %+v", got.Seeds, m.Caught, m.What, got.Failed)
		})
	}
}

// breaks reports whether a violation is of an invariant that catches the mutant.
func (m *Mutant) breaks(v history.Violation) bool {
	rule, _, _ := strings.Cut(v.Rule, " ")
	return slices.Contains(strings.Fields(m.Caught), rule)
}

func module(t *testing.T) string {
	t.Helper()
	at, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// tested runs the test and reports whether it failed as a test.
func tested(t *testing.T, m *Mutant) (out string, caught bool) {
	t.Helper()
	overlay, err := m.Overlay(module(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	run := "^" + strings.ReplaceAll(m.Caught, "/", "$/^") + "$"
	cmd := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-vet=off", "-run", run, m.In)
	cmd.Dir = module(t)
	all, err := cmd.CombinedOutput()
	return string(all), err != nil && strings.Contains(string(all), "--- FAIL: "+m.Caught)
}
