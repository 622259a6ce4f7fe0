package history

import (
	"testing"
	"time"

	"firstcome/engine"
)

// search is the judge with nothing but porcupine.
func search(e *Evidence) []Violation {
	k := newCourt(e)
	k.index()
	k.refold()
	k.prove()
	k.realTime()
	k.found = nil
	clear(k.counts)
	k.linear()
	return k.found
}

func TestTheSearchFindsWhatTheScanFinds(t *testing.T) {
	for what, tell := range map[string]func(s *scene){
		"asked after, and comes first": falsehoods[ruleRealTime]["asked after, and comes first"],
		"full with a free place":       falsehoods[ruleEarlyFull]["full with a free place"],
		"full from an old state":       falsehoods[ruleEarlyFull]["full from an old state"],
		"paused while it is open":      falsehoods[ruleEarlyFull]["paused while it is open"],
		"a rank before its time": func(s *scene) {
			s.op("promoted").Call, s.op("promoted").Return, s.op("promoted").Log = s.op("waits").Return+1, s.op("waits").Return+2, engine.LogOffset{}
		},
		"cancelled long after it was free": func(s *scene) {
			s.op("cancel").Call, s.op("cancel").Return = s.op("fence").Return+time.Second, s.op("fence").Return+2*time.Second
		},
	} {
		s := newScene("closed")
		if found := search(s.e); len(found) > 0 {
			t.Fatal("the scene is honest, but", found)
		}
		if tell(s); len(search(s.e)) == 0 {
			t.Errorf("%s: found nothing", what)
		}
	}
}

// A history as large as the search takes ends in time, whatever comes of it.
func TestTheSearchIsBounded(t *testing.T) {
	n := smallHistory
	if raceEnabled {
		n = 300
	}
	for what, c := range crowds {
		e := crowd(n, c[0]/20+3, int64(c[1]/20+2))
		begun := time.Now()
		if found := search(e); len(found) > 0 {
			t.Errorf("%s: %v", what, found)
		}
		t.Logf("%s: %v", what, time.Since(begun))
	}
}
