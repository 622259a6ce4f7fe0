package engine

import (
	"context"
	"maps"
	"sync/atomic"
	"time"
)

// Board is what one looks at while a campaign is claimed. All its numbers are
// late ones; nothing decides by them.
type Board struct {
	// Outcomes counts the answered claims by outcome, "errors" for those that
	// ended in none: all nodes' as far as they have flushed, and this node's.
	Outcomes map[string]int64
	// Whole: the counter answered. Else Outcomes is what it said last.
	Whole   bool
	Pace    Pace  // on this node
	Backlog int64 // rows that the ledger still has to write, all campaigns; -1: not known yet
	// How the services answer this node: "ok", "slow" or "away"; empty: there is
	// none, or nothing was asked of it yet.
	Log, Gate, Ledger string
}

const (
	// slowAfter is when an answer that came counts as slow.
	slowAfter = 100 * time.Millisecond
	// awayAfter is when a service counts as away that does not answer. The log
	// speaks at least every 100 ms; the others are asked twice a second.
	awayAfter = time.Second
	counterBy = 250 * time.Millisecond // for the counts of a board
)

// vital notes how a service answers that is asked all the time.
type vital struct {
	asked  atomic.Int64 // ns of process time; 0: no question is under way
	took   atomic.Int64 // ns, of the last answer
	failed atomic.Bool  // the last answer was an error
	known  atomic.Bool  // it was asked at all
}

// ask notes a question; what it returns takes the answer.
func (v *vital) ask(n *Node) (answered func(error)) {
	start := n.elapsed()
	v.asked.Store(start)
	return func(err error) {
		v.took.Store(n.elapsed() - start)
		v.failed.Store(err != nil)
		v.known.Store(true)
		v.asked.Store(0)
	}
}

// state is "ok", "slow", "away", or empty when nobody knows.
func (v *vital) state(n *Node) string {
	if asked := v.asked.Load(); asked != 0 && n.elapsed()-asked > int64(awayAfter) {
		return "away"
	}
	switch {
	case !v.known.Load():
		return ""
	case v.failed.Load():
		return "away"
	case v.took.Load() > int64(slowAfter):
		return "slow"
	}
	return "ok"
}

// Board tells how a campaign does right now, from memory and one question to
// the counter. ErrNotFound, ErrUnavailable while this node still reads the log.
func (e *Engine) Board(ctx context.Context, id string) (Board, error) {
	if _, err := e.Campaign(id); err != nil {
		return Board{}, err
	}
	p := e.node.partition(id)
	p.mu.RLock()
	d := p.desks[id]
	p.mu.RUnlock()
	if d == nil {
		return Board{}, ErrNotFound
	}
	out := Board{Whole: true, Backlog: e.backlog(), Log: e.logState()}
	out.Outcomes, out.Whole = e.tallied(ctx, d)
	if pace := d.tallies.pace.Load(); pace != nil {
		out.Pace = pace.look(e.node.second())
	}
	if e.ports.Counter != nil {
		out.Gate = e.node.counts.state(e.node)
	}
	if e.ports.Booked != nil {
		out.Ledger = e.node.ledger.state(e.node)
	}
	return out, nil
}

// tallied returns a campaign's counts, those of this node included that are not
// flushed yet. A counter that does not answer is remembered as it was.
func (e *Engine) tallied(ctx context.Context, d *desk) (counts map[string]int64, whole bool) {
	counts, whole = map[string]int64{}, true
	if e.ports.Counter != nil {
		ctx, cancel := context.WithTimeout(ctx, counterBy)
		defer cancel()
		answered := e.node.counts.ask(e.node)
		fresh, err := e.ports.Counter.Counts(ctx, d.id)
		answered(err)
		if whole = err == nil; whole {
			d.tallies.known.Store(&fresh)
		}
		if known := d.tallies.known.Load(); known != nil {
			maps.Copy(counts, *known)
		}
	}
	for o := range d.tallies.outcomes {
		counts[tallyName(o)] += d.tallies.outcomes[o].Load()
	}
	delete(counts, "attempts")
	return counts, whole
}

// backlog is how many rows the folds ask for that the ledger did not have when
// it was asked last, at most half a second ago while it answers.
func (e *Engine) backlog() (rows int64) {
	if e.node.bookedKnown.Load() {
		for i, asked := range e.Rows() {
			rows += max(0, asked-e.node.bookedRows[i].Load())
		}
		return rows
	}
	return -1
}

// logState tells by the partition that heard of the log last how it answers.
func (e *Engine) logState() string {
	worst := time.Duration(0)
	for _, p := range e.node.parts {
		if p.halted.Load() == nil && !p.starting() {
			worst = max(worst, time.Duration(e.node.elapsed()-p.heard.Load()))
		}
	}
	switch {
	case worst > 3*awayAfter:
		return "away"
	case worst > awayAfter:
		return "slow"
	}
	return "ok"
}
