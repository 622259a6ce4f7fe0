package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"firstcome/bench/history"
	"firstcome/engine"
	"firstcome/engine/fold"
)

const (
	// settles is how long a healed world may take until all are equal.
	settles = 30 * time.Second
	glance  = 50 * time.Millisecond
	// Units of leases lie about for a while when nothing happens any more; those
	// of which the gate was not told the end, until their deadline.
	rests     = 3 * time.Second
	deadlines = 12 * time.Second
)

// converge waits until every node and the book have come to the log's end, and
// says so when they do not.
func (w *world) converge() {
	w.redis.set(func(r *redis) { r.gone, r.lying, r.stingy = false, false, false })
	why := ""
	for until := w.now() + settles; w.now() < until; time.Sleep(glance) {
		if why = w.unsettled(); why == "" {
			return
		}
	}
	w.violate("I12 liveness", "", "%v after all is healed: %s", settles, why)
}

// unsettled says what is not yet at the log's end.
func (w *world) unsettled() string {
	ends := w.journal.ends()
	for n := range w.nodes {
		p := w.node(n)
		if p == nil {
			return name(n) + " is down"
		}
		if next, _ := p.engine.Folds(); !slices.Equal(next, ends) {
			return "a node's fold is behind the log"
		}
		if !p.engine.Health().Ready {
			return "a node is not ready: " + p.engine.Health().Reason
		}
	}
	for i, end := range ends {
		if s, _, err := w.shelf.load(int32(i)); end > 0 && (err != nil || s.Next != end) {
			return "the book is behind the log"
		}
	}
	return ""
}

// askAgain lets everybody who was left in doubt ask until there is an answer:
// the way out of 202, of 503 and of silence is to send the same again.
func (w *world) askAgain() {
	w.mu.Lock()
	last := map[[2]string]history.Op{}
	for _, o := range w.ops {
		if o.Kind == history.Claim {
			if k := [2]string{o.Campaign, o.Member}; last[k].Return <= o.Return {
				last[k] = o
			}
		}
	}
	w.mu.Unlock()
	for _, c := range w.plan.Campaigns {
		for person := range w.plan.People {
			o, asked := last[[2]string{c.ID, name(person)}]
			if !asked || o.Status != 0 && o.Status != 202 && o.Status < 500 {
				continue
			}
			again := history.Op{Kind: history.Claim, Campaign: o.Campaign, Member: o.Member, Node: person % w.plan.Nodes, Waitlist: o.Waitlist}
			w.steps.Go(func() {
				told := w.insist(context.Background(), again, Step{}, w.claim)
				if told.Status == 0 || told.Status == 202 || told.Status >= 500 {
					w.violate("I12 liveness", c.ID, "%s asked %d times after all was healed and was last told %d %s", o.Member, tries, told.Status, told.Code)
				}
			})
		}
	}
	w.steps.Wait()
}

// rest waits until no unit of a lease is left.
func (w *world) rest() {
	time.Sleep(rests)
	if slices.ContainsFunc(w.plan.Steps, func(s Step) bool { return s.disturbs() }) {
		time.Sleep(deadlines)
	}
	for n := range w.nodes {
		drained, cancel := context.WithTimeout(context.Background(), time.Second)
		w.node(n).engine.Drain(drained)
		if drained.Err() != nil {
			w.violate("I12 liveness", "", "node %d still carries a claim that nobody waits for", n)
		}
		cancel()
	}
}

// collect takes the evidence, and what was found on the way.
func (w *world) collect() Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := &history.Evidence{Ops: w.ops, Topic: w.journal.topic, Start: w.begun, ClockError: 2 * astray, Log: w.journal.whole(), Users: w.users(), Gate: map[string]engine.GateCount{}, Healed: true}
	for n, p := range w.nodes {
		next, digests := p.engine.Folds()
		for i := range next {
			e.Folds = append(e.Folds, history.Fold{Node: name(n), Partition: int32(i), Next: next[i], Digest: digests[i]})
		}
		for i, err := range p.writer.Stopped() {
			w.found = append(w.found, history.Violation{Rule: "stopped", Detail: "the ledger of partition " + name(int(i)) + ": " + err.Error()})
		}
	}
	for i := range e.Log {
		if s, _, err := w.shelf.load(int32(i)); err == nil {
			e.Ledger = append(e.Ledger, s)
		}
	}
	for _, c := range w.plan.Campaigns {
		// A campaign that takes no claims is not reported any more.
		now, err := w.nodes[0].engine.Campaign(c.ID)
		if n := w.redis.read(c.ID); n.Known && err == nil && now.Status == fold.Open && now.CapMode == "hard" {
			e.Gate[c.ID] = n
		}
	}
	e.Away = []history.Window{{From: 0, To: begins}}
	if slices.ContainsFunc(w.plan.Steps, func(s Step) bool { return s.delays() }) {
		e.Away = []history.Window{{From: 0, To: w.now()}}
	}
	r := Result{Seed: w.plan.Seed, Asked: len(w.ops), Lasted: w.now(), Evidence: e}
	for _, recs := range e.Log {
		r.Records += len(recs)
	}
	for _, p := range w.shelf.places {
		if p.Place.State != fold.NoPlace {
			r.Places++
		}
	}
	r.Violations = append(w.found, w.early(e.Log)...)
	return r
}

// mistrusted is how far the agreed time may be off: clocks are right here or
// wrong by an hour, and what is read over a slow link is off by half its trip.
const mistrusted = 600 * time.Millisecond

// early finds campaigns that the scheduler opened or closed before their time.
func (w *world) early(log [][]engine.LogRecord) (found []history.Violation) {
	due := map[string]Setup{}
	for _, c := range w.plan.Campaigns {
		due[c.ID] = c
	}
	for p, recs := range log {
		state := fold.New(int32(p))
		for _, rec := range recs {
			step, err := state.Apply(rec.Offset, rec.At, rec.Value)
			if err != nil {
				break // the judge says so
			}
			for i := range step.Transitions {
				t := &step.Transitions[i]
				at := time.UnixMilli(rec.At).Sub(w.begun)
				before := t.Change == fold.Opened && at < due[t.Campaign].OpensIn-mistrusted || t.Change == fold.ClosedNow && at < due[t.Campaign].ClosesIn-mistrusted
				if t.Actor == "scheduler" && before {
					found = append(found, history.Violation{Rule: "time", Campaign: t.Campaign, Detail: fmt.Sprintf("%v %v after the beginning, before its time", t.Change, at)})
				}
			}
		}
	}
	return found
}
