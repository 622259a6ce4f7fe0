package history

import (
	"errors"

	"firstcome/engine/fold"
)

// want is what others said of a partition's state at one offset.
type want struct {
	folds  []*Fold
	ledger []*fold.Snapshot
}

func (r *refold) wanted() map[int64]*want {
	all := map[int64]*want{}
	at := func(next int64) *want {
		if all[next] == nil {
			all[next] = &want{}
		}
		return all[next]
	}
	for i := range r.Folds {
		if f := &r.Folds[i]; f.Partition == r.partition {
			w := at(f.Next)
			w.folds = append(w.folds, f)
		}
	}
	for i := range r.Ledger {
		if s := &r.Ledger[i]; s.Partition == r.partition {
			w := at(s.Next)
			w.ledger = append(w.ledger, s)
		}
	}
	if w := all[0]; w != nil {
		r.compare(w)
		delete(all, 0)
	}
	return all
}

// product holds the product's fold against the model at one record.
func (r *refold) product(i int, rec *fold.Record, verdict fold.Verdict) {
	if r.state == nil {
		return
	}
	in := &r.Log[r.partition][i]
	st, err := r.state.Apply(in.Offset, in.At, in.Value)
	switch {
	case errors.Is(err, fold.ErrOverCap):
		r.report(ruleCap, rec.Campaign, "the product's fold at %d:%d: %v", r.partition, in.Offset, err)
	case err != nil:
		r.report(ruleReplicas, rec.Campaign, "the product's fold stops at %d:%d: %v", r.partition, in.Offset, err)
	case rec.Kind == fold.KindBeacon && st.Verdict == fold.Diverged:
		r.report(ruleReplicas, "", "a beacon at %d:%d has another digest of offset %d", r.partition, in.Offset, rec.Mark)
		return
	case st.Verdict != verdict:
		r.report(r.broken(st.Verdict, verdict), rec.Campaign, "the %v at %d:%d is %v to the product's fold, and %v by the rules", rec.Kind, r.partition, in.Offset, st.Verdict, verdict)
	case !r.agrees(st):
		r.report(ruleReplicas, rec.Campaign, "the %v at %d:%d makes %+v in the product's fold, and %v by the rules", rec.Kind, r.partition, in.Offset, st.Transitions, r.model.said)
	default:
		return
	}
	r.state = nil // what follows differs too
}

// broken names the promise that another verdict breaks.
func (r *refold) broken(theirs, rules fold.Verdict) string {
	places := theirs == fold.ClaimGranted || theirs == fold.ClaimWaiting
	switch {
	case places && rules == fold.ClaimFull, places && rules == fold.ClaimWaiting:
		return ruleCap
	case places && rules == fold.ClaimDuplicate:
		return ruleOnce
	case places && (rules == fold.ClaimStale || rules == fold.ClaimSuperseded || rules == fold.ClaimEndedBefore):
		return ruleGhost
	}
	return ruleReplicas
}

func (r *refold) agrees(st *fold.Step) bool {
	if len(st.Transitions) != len(r.model.said) {
		return false
	}
	for i := range st.Transitions {
		t, c := &st.Transitions[i], &r.model.said[i]
		if t.Campaign != c.course.id || t.Ev != c.ev || t.Change != c.what || t.User != c.user || t.Place != c.place ||
			t.Points != c.points || t.Xv != c.xv || t.Actor != c.actor || t.At != r.model.at {
			return false
		}
	}
	return true
}

// compare holds what nodes and the ledger said of this offset against it.
func (r *refold) compare(w *want) {
	for _, f := range w.folds {
		if r.state != nil && f.Digest != r.state.Digest() {
			r.report(ruleReplicas, "", "%s: partition %d at %d has digest %016x, and the log says %016x", f.Node, r.partition, f.Next, f.Digest, r.state.Digest())
		}
	}
	for _, s := range w.ledger {
		if why := r.model.differs(s); why != "" {
			r.report(ruleLedger, "", "partition %d at %d: %s", r.partition, s.Next, why)
		} else if r.state != nil && s.Digest != r.state.Digest() {
			r.report(ruleLedger, "", "partition %d at %d has digest %016x, and the log says %016x", r.partition, s.Next, s.Digest, r.state.Digest())
		}
	}
}

// beyond is a state of an offset that the log does not have.
func (r *refold) beyond(next int64, w *want) {
	for _, f := range w.folds {
		r.report(ruleReplicas, "", "%s: partition %d is at %d, and the log ends at %d", f.Node, r.partition, next, r.model.next)
	}
	if len(w.ledger) > 0 {
		r.report(ruleLedger, "", "partition %d is at %d, and the log ends at %d", r.partition, next, r.model.next)
	}
}

// booked holds the book's next lines of a campaign against what a record did.
func (r *refold) booked() {
	for i := range r.model.said {
		c := &r.model.said[i]
		lines := r.lines[c.course.id]
		if len(lines) == 0 || lines[0].Ev != c.ev {
			continue // the book's own numbers tell
		}
		l := lines[0]
		r.lines[c.course.id] = lines[1:]
		mine := Entry{c.course.id, c.ev, r.model.next - 1, c.what, c.user, c.place.Rank, c.place.Ticket, r.model.at, c.actor, c.points}
		if l.User == (fold.User{}) { // erased since
			mine.User = l.User
		}
		if *l != mine {
			r.report(ruleLedger, l.Campaign, "line %d of the book is %+v, and the log says %+v", l.Ev, *l, mine)
		}
	}
}
