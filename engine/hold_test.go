package engine

import (
	"errors"
	"testing"
	"testing/synctest"
)

// TestALogMustHaveWhatFollows: a log that begins behind what is known, or ends
// before it, has lost records. The partition stops; one that was trimmed up to
// what is known has lost nothing.
func TestALogMustHaveWhatFollows(t *testing.T) {
	for name, tt := range map[string]struct {
		start, end int64 // from what is known
		lost       bool
	}{
		"whole":              {-2, 0, false},
		"longer":             {-2, 9, false},
		"trimmed up to here": {0, 9, false},
		"without its end":    {-2, -1, true},
		"without what comes": {1, 9, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				a := r.node()
				p := a.node.partition(r.open(Campaign{ID: "noon"}, a).ID)
				next := p.next.Load()
				p.hold(next+tt.start, next+tt.end)
				if stopped := p.halted.Load() != nil; stopped != tt.lost || stopped && !errors.Is(p.usable(), ErrStopped) {
					t.Errorf("stopped: %v", p.usable())
				}
			})
		})
	}
}
