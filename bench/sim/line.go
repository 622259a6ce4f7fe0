package sim

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"firstcome/bench/history"
	"firstcome/engine/fold"
)

// Line is what a child process tells of one plan: first that it begins, then
// what came of it.
type Line struct {
	Seed       uint64
	Begun      bool                `json:",omitempty"`
	Violations []history.Violation `json:",omitempty"`
	Asked      int                 `json:",omitempty"`
	Records    int                 `json:",omitempty"`
	Places     int                 `json:",omitempty"`
	Lasted     time.Duration       `json:",omitempty"`
	Print      string              `json:",omitempty"` // of everything that was said and decided: equal runs have equal prints
	Told       []string            `json:",omitempty"` // the history, in order of the answers, and then the log
}

// line sums a result up; whole tells everything.
func (r *Result) line(whole bool) Line {
	l := Line{Seed: r.Seed, Violations: r.Violations, Asked: r.Asked, Records: r.Records, Places: r.Places, Lasted: r.Lasted}
	told := r.told()
	h := fnv.New64a()
	for _, s := range told {
		fmt.Fprintln(h, s)
	}
	l.Print = fmt.Sprintf("%016x", h.Sum64())
	if whole {
		l.Told = told
	}
	return l
}

var kinds = map[history.Kind]string{
	history.Claim: "claim", history.Cancel: "cancel", history.Look: "look", history.Create: "create", history.Pause: "pause", history.Resume: "resume",
	history.Close: "close", history.Archive: "archive", history.SetCap: "cap", history.Edit: "edit", history.CancelFor: "cancel-for",
}

// told is the run as text.
func (r *Result) told() []string {
	var out []string
	ops := slices.Clone(r.Evidence.Ops)
	slices.SortStableFunc(ops, func(a, b history.Op) int { return cmp.Compare(a.Return, b.Return) })
	for i := range ops {
		out = append(out, tellOp(&ops[i]))
	}
	names := map[fold.User]string{}
	for n, u := range r.Evidence.Users {
		names[u] = n
	}
	for p, recs := range r.Evidence.Log {
		state := fold.New(int32(p))
		for _, rec := range recs {
			step, err := state.Apply(rec.Offset, rec.At, rec.Value)
			if err != nil {
				out = append(out, fmt.Sprintf("log %d:%d %v", p, rec.Offset, err))
				break
			}
			out = append(out, tellStep(p, rec.At-r.Evidence.Start.UnixMilli(), step, names))
		}
	}
	return out
}

func tellOp(o *history.Op) string {
	s := fmt.Sprintf("%v..%v node %d: %s %s %s", o.Call.Round(time.Microsecond), o.Return.Round(time.Microsecond), o.Node, o.Member, kinds[o.Kind], o.Campaign)
	if o.Waitlist {
		s += " (waitlist)"
	}
	if o.Exact {
		s += " (exact)"
	}
	if o.Kind == history.SetCap {
		s += fmt.Sprintf(" to %d", o.Cap)
	}
	if o.Status == 0 {
		return s + " -> no answer"
	}
	s += fmt.Sprintf(" -> %d %s%s", o.Status, o.Code, o.State)
	if o.Rank > 0 {
		s += fmt.Sprintf(" rank %d", o.Rank)
	}
	if o.Log.Known {
		s += fmt.Sprintf(" at %d:%d", o.Log.Partition, o.Log.Offset)
	}
	return s
}

func tellStep(p int, at int64, step *fold.Step, names map[fold.User]string) string {
	rec := &step.Record
	s := fmt.Sprintf("log %d:%d +%dms %v %s", p, step.Offset, at, rec.Kind, rec.Campaign)
	if n := names[rec.User]; n != "" {
		s += fmt.Sprintf(" %s seen=%d claim=%d wait=%v", n, rec.Seen, rec.Claim, rec.Wait)
	}
	if rec.Kind == fold.KindCap {
		s += fmt.Sprintf(" cap=%d", rec.Cap)
	}
	s += fmt.Sprintf(" by %x/%d: verdict %v", rec.Node&0xffff, rec.Nr, step.Verdict)
	for i := range step.Transitions {
		t := &step.Transitions[i]
		s += fmt.Sprintf("; %v %s rank=%d ticket=%d", t.Change, names[t.User], t.Place.Rank, t.Place.Ticket)
	}
	return s
}
