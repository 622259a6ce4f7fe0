//go:build badengine

package mutant

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// together is how many mutants are tried at once, and each for how long.
const (
	together = 2
	limit    = 3 * time.Minute
)

// TestSuiteCatchesMutants compiles each mutant of the rules and the books and
// runs the test that is named to catch it. One that survives is a hole in the
// suite; one that does not compile proves nothing.
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

// tested runs the test and reports whether it failed as a test.
func tested(t *testing.T, m *Mutant) (out string, caught bool) {
	t.Helper()
	at, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := m.Overlay(at, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	run := "^" + strings.ReplaceAll(m.Caught, "/", "$/^") + "$"
	cmd := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-vet=off", "-run", run, m.In)
	cmd.Dir = at
	all, err := cmd.CombinedOutput()
	return string(all), err != nil && strings.Contains(string(all), "--- FAIL: "+m.Caught)
}
