// Package mutant breaks the product's rules on purpose, one at a time. A suite
// that finds nothing means nothing unless it finds these.
//
// The product's code knows nothing of it: a mutant is a text that stands once
// in a file and another in its place, laid over the file when it is compiled
// (go build -overlay). When the file has changed so that the text is not there
// once any more, the mutant says so and must be written anew.
//
// Mutants of the pure rules and of the books are run against the tests of their
// own package, those of the engine against the simulation. Either way somebody
// is named who must catch it: [Mutant.Caught].
package mutant

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Mutant is one change that breaks one rule.
type Mutant struct {
	Name string
	What string // the rule that it breaks, as a sentence about the broken product
	File string // from the module's root
	Old  string // stands in File exactly once
	New  string // stands there instead
	// In is the package whose tests catch it, as "./engine/fold"; empty: the
	// simulation does.
	In string
	// Caught names who catches it: a test of In, or of the simulation the
	// invariants, any of which may be the one, as "I1".
	Caught string
}

// apply returns the file's text with the change.
func (m *Mutant) apply(text string) (string, error) {
	if n := strings.Count(text, m.Old); n != 1 {
		return "", fmt.Errorf("mutant %s: what it changes stands %d times in %s, not once: the file has changed, so must the mutant", m.Name, n, m.File)
	}
	return strings.Replace(text, m.Old, m.New, 1), nil
}

// Overlay writes the changed file and an overlay that lays it over the module
// at root into dir, for go build and go test, and returns the overlay's path.
func (m *Mutant) Overlay(root, dir string) (string, error) {
	original := filepath.Join(root, filepath.FromSlash(m.File))
	text, err := os.ReadFile(original)
	if err != nil {
		return "", fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	broken, err := m.apply(string(text))
	if err != nil {
		return "", err
	}
	changed, overlay := filepath.Join(dir, filepath.Base(m.File)), filepath.Join(dir, "overlay.json")
	paths, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	for path, content := range map[string][]byte{changed: []byte(broken), overlay: paths} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return "", fmt.Errorf("mutant %s: %w", m.Name, err)
		}
	}
	return overlay, nil
}
