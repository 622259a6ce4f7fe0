package mutant

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// TestEveryMutantFits: what it changes stands once in its file, and whoever
// must catch it is named.
func TestEveryMutantFits(t *testing.T) {
	var names []string
	for _, m := range All() {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.File)))
		if err != nil {
			t.Error(err)
			continue
		}
		broken, err := m.apply(string(text))
		switch {
		case err != nil:
			t.Error(err)
		case broken == string(text):
			t.Errorf("%s changes nothing", m.Name)
		case m.What == "" || m.Caught == "":
			t.Errorf("%s does not say what it breaks or who catches it", m.Name)
		case m.In == "" && !strings.HasPrefix(m.Caught, "I"):
			t.Errorf("%s: the simulation catches by an invariant, not by %q", m.Name, m.Caught)
		case slices.Contains(names, m.Name):
			t.Errorf("two mutants are named %s", m.Name)
		}
		names = append(names, m.Name)
	}
}

// TestAMutantThatDoesNotFitSaysSo: text that is gone, or stands twice.
func TestAMutantThatDoesNotFitSaysSo(t *testing.T) {
	m := Mutant{Name: "x", File: "f.go", Old: "a", New: "b"}
	for text, fits := range map[string]bool{"a": true, "": false, "aa": false} {
		if broken, err := m.apply(text); (err == nil) != fits || fits && broken != "b" {
			t.Errorf("%q became %q, %v", text, broken, err)
		}
	}
}
