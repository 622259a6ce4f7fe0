package fault

import (
	"fmt"
	"time"

	"firstcome/bench/report"
)

// drawn are the scenarios of the picture, and what stands above each.
var drawn = []struct{ scenario, title string }{
	{"R1", "The Redis master's machine dies (R1)"},
	{"K1", "The Kafka leader of three brokers dies (K1)"},
	{"P2", "Postgres is down (P2)"},
}

// Picture draws claims through three faults, the rival's beside them where it
// was played; "" when none of them was.
func (s *Sheet) Picture() string {
	var panels []report.Timeline
	for _, d := range drawn {
		own, rival := first(s.Runs, d.scenario), first(s.Rivals, d.scenario)
		if own == nil {
			continue
		}
		t := report.Timeline{Title: d.title, Slots: slots(own)}
		if rival != nil {
			t.Rival = slots(rival)
		}
		for _, m := range own.Marks {
			t.Marks = append(t.Marks, report.TimelineMark{At: m.At - own.Struck, What: m.What})
		}
		panels = append(panels, t)
	}
	if panels == nil {
		return ""
	}
	return report.Timelines("Claims while something breaks",
		fmt.Sprintf("%s, commit %s, %d cores; seconds from the fault on", s.Started.UTC().Format("2006-01-02"), s.Commit, s.Machine.Cores), panels)
}

// first is the first run of a scenario with a timeline.
func first(runs []*Outcome, scenario string) *Outcome {
	for _, o := range runs {
		if o.Scenario == scenario && len(o.Measured.Timeline) > 0 {
			return o
		}
	}
	return nil
}

// slots are a run's claims from two seconds before the fault to the end.
func slots(o *Outcome) (all []report.TimelineSlot) {
	for i, one := range o.Measured.Timeline {
		at := time.Duration(i)*slot - o.Struck
		if at >= -2*time.Second && one.Claims > 0 {
			all = append(all, report.TimelineSlot{At: at, Median: one.P50, Slowest: one.Max, Open: one.Failed})
		}
	}
	return all
}
