package fault

import (
	"fmt"
	"slices"
	"time"

	"firstcome/bench/history"
	"firstcome/engine/fold"
)

// Outcome is what came of one run.
type Outcome struct {
	Scenario string    `json:"scenario"`
	What     string    `json:"what"`
	Workload string    `json:"workload"`
	Seed     int64     `json:"seed"`
	Short    bool      `json:"short"`
	Rival    bool      `json:"rival"`
	Started  time.Time `json:"started"`
	Marks    []Mark    `json:"marks"`

	// Moments of the run's clock: the fault, the mending, all services and nodes
	// are there again, nobody asks any more. Rest is how long ledger and gate
	// then needed.
	Struck  time.Duration `json:"struck_ns"`
	Healing time.Duration `json:"healing_ns"`
	Healed  time.Duration `json:"healed_ns"`
	Rested  time.Duration `json:"rested_ns"`
	Rest    time.Duration `json:"rest_ns"`

	Violations []history.Violation `json:"violations"`
	Measured   Measures            `json:"measured"`
	Folder     string              `json:"folder,omitempty"` // of history and logs

	Ops    []history.Op `json:"-"`
	Broken int          `json:"-"` // requests without an answer but for refused connections
	strike *Strike
}

// Measures are a run's figures.
type Measures struct {
	Answers     int           `json:"answers"`     // of any kind
	Failed      int           `json:"failed"`      // 5xx but 503 with Retry-After
	Unavailable int           `json:"unavailable"` // 503 with Retry-After
	Deciding    int           `json:"deciding"`    // 202
	Silent      int           `json:"silent"`      // without an answer
	Gap         time.Duration `json:"gap_ns"`      // the longest time without any final answer, from the fault on
	Slowest     time.Duration `json:"slowest_ns"`  // claim with a final answer, from the fault on
	Before      time.Duration `json:"before_ns"`   // slowest claim before the fault
	Late        time.Duration `json:"late_ns"`     // how late this machine was by itself, from the fault on
	P50         time.Duration `json:"p50_ns"`      // of claims during the fault
	P99         time.Duration `json:"p99_ns"`
	First       time.Duration `json:"first_ns"`  // from the fault to the first claim sent after it that was decided by the log
	Steady      time.Duration `json:"steady_ns"` // from healing to the last claim that was late or not final
	Appends     float64       `json:"appends"`   // CLAIM records for each grant
	Granted     int           `json:"granted"`
	Over        int           `json:"over"`  // members who were granted a place beyond a cap, by answers alone
	Twice       int           `json:"twice"` // ranks that two members were told, or members who were told two
	Timeline    []Slot        `json:"timeline,omitempty"`
}

// Slot is a tenth of a second of a run.
type Slot struct {
	Claims int           `json:"claims"`
	P50    time.Duration `json:"p50_ns"`
	Max    time.Duration `json:"max_ns"`
	Failed int           `json:"failed"` // 5xx, 202 and requests without an answer
}

const (
	slot = 100 * time.Millisecond
	// late is what counts as not yet steady.
	late = 250 * time.Millisecond
)

func final(o *history.Op) bool {
	return o.Status == 200 || o.Status == 201 || o.Status >= 400 && o.Status < 500 && o.Status != 429
}

// measure counts. evidence may be nil.
func (o *Outcome) measure(s *Scenario, e *history.Evidence) {
	m := &o.Measured
	var took []time.Duration
	var ends []time.Duration
	for i := range o.Ops {
		op := &o.Ops[i]
		m.count(op)
		if op.Kind != history.Claim || op.Status == 0 {
			continue
		}
		wait := op.Return - op.Call
		if final(op) {
			if op.Return >= o.Struck {
				ends = append(ends, op.Return)
			}
			if op.Call >= o.Struck {
				m.Slowest = max(m.Slowest, wait)
			} else {
				m.Before = max(m.Before, wait)
			}
			if op.Call >= o.Struck && op.Call < o.Healed {
				took = append(took, wait)
			}
			if s.First > 0 && op.Call > o.Struck && op.Status == 201 && (m.First == 0 || op.Return-o.Struck < m.First) && o.hit(op) {
				m.First = op.Return - o.Struck
			}
		}
		if op.Call >= o.Healing && (!final(op) || wait > late) {
			m.Steady = max(m.Steady, op.Return-o.Healing)
		}
	}
	m.Gap = longestGap(ends)
	m.P50, m.P99 = quantiles(took)
	m.Timeline = o.timeline()
	if e != nil {
		m.appends(e)
	}
}

func (m *Measures) count(o *history.Op) {
	switch {
	case o.Status == 0:
		m.Silent++
		return
	case o.Status == 503 && o.RetryAfter:
		m.Unavailable++
	case o.Status >= 500:
		m.Failed++
	case o.Status == 202:
		m.Deciding++
	}
	m.Answers++
}

// hit reports whether the fault of a leader concerns an operation: the first
// campaign's partition is the one whose leader is killed. Only a trickle goes
// there all the time.
func (o *Outcome) hit(op *history.Op) bool {
	return o.Workload != "W2" || partition(op.Campaign) == partition(o.strike.Script.Campaigns[0].ID)
}

func longestGap(ends []time.Duration) (gap time.Duration) {
	slices.Sort(ends)
	for i := 1; i < len(ends); i++ {
		gap = max(gap, ends[i]-ends[i-1])
	}
	return gap
}

func quantiles(all []time.Duration) (p50, p99 time.Duration) {
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100]
}

// timeline cuts the claims into slots by when they were sent.
func (o *Outcome) timeline() []Slot {
	slots := make([]Slot, int(o.Rested/slot)+1)
	waits := make([][]time.Duration, len(slots))
	for i := range o.Ops {
		op := &o.Ops[i]
		at := int(op.Call / slot)
		if op.Kind != history.Claim || at >= len(slots) {
			continue
		}
		slots[at].Claims++
		if !final(op) {
			slots[at].Failed++
		}
		waits[at] = append(waits[at], op.Return-op.Call)
	}
	for i := range slots {
		if len(waits[i]) > 0 {
			slots[i].Max = slices.Max(waits[i])
			slots[i].P50, _ = quantiles(waits[i])
		}
	}
	return slots
}

// appends counts what the log took for what was granted.
func (m *Measures) appends(e *history.Evidence) {
	claims, granted := 0, 0
	for p, records := range e.Log {
		state := fold.New(int32(p))
		for _, r := range records {
			step, err := state.Apply(r.Offset, r.At, r.Value)
			if err != nil {
				break // the judge says so
			}
			if step.Record.Kind == fold.KindClaim {
				claims++
			}
			for _, t := range step.Transitions {
				if t.Place.State == fold.Granted && t.Before.State != fold.Granted {
					granted++
				}
			}
		}
	}
	m.Granted = granted
	if granted > 0 {
		m.Appends = float64(claims) / float64(granted)
	}
}

// limits turns a limit that was missed into a violation. busy is how many times
// longer all may take on a machine that does other things as well. What the
// machine was late by itself counts four times: a claim passes four processes.
func (o *Outcome) limits(s *Scenario, busy time.Duration) {
	m := &o.Measured
	miss := func(what string, took, limit time.Duration) {
		if limit > 0 && (took == 0 || took > max(limit*busy, 2*m.Before)+4*m.Late) {
			o.Violations = append(o.Violations, history.Violation{Rule: "limit",
				Detail: fmt.Sprintf("%s took %s, more than %s; before the fault the slowest claim took %s, and the machine was late by %s", what, took, limit, m.Before, m.Late)})
		}
	}
	miss("the slowest claim", m.Slowest, s.Slowest)
	miss("the first claim that was sent after the fault and decided", m.First, s.First)
}
