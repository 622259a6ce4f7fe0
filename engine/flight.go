package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"firstcome/engine/fold"
)

// run carries the claim: look, line up, gate, append, read back; and again
// when the fold says that the campaign has changed meanwhile.
func (f *flight) run() {
	defer f.p.node.underway.Add(-1)
	defer f.unlock()
	seen := int64(0) // at least; 0: as the requests saw it
	for !f.ended() {
		f.heed()
		l := f.p.look(f.key.campaign, f.key.user, f.key.waitlist)
		switch {
		case f.p.node.over():
			f.finish(result{err: fmt.Errorf("%w: this node ends", ErrUnavailable)})
		case f.p.halted.Load() != nil: // it began when all others were told
			f.finish(result{err: f.p.usable()})
		case l.err != nil:
			f.finish(result{err: l.err})
		case l.final() && !l.current:
			f.renew()
		case l.final():
			f.finish(result{decision: l.decision, next: l.next})
		default:
			seen = f.try(l, seen)
		}
	}
}

// heed makes ready to hear of the next place, before the look that sees all
// earlier ones: a place that was ended meanwhile must not be heard of again.
func (f *flight) heed() {
	fs := &f.p.flights
	fs.mu.Lock()
	defer fs.mu.Unlock()
	select {
	case <-f.placed:
		f.placed = make(chan struct{})
	default:
	}
}

// ended reports whether the flight has its result, or nobody waits for it.
func (f *flight) ended() bool {
	select {
	case <-f.gone:
		return true
	case <-f.done:
		return true
	default:
		return false
	}
}

// try brings one record to the log and reads it back. It returns the state
// that the next try must have seen: after a stale record a fresh one.
func (f *flight) try(l look, seen int64) int64 {
	a := attempt{seen: seen}
	if l.park {
		if !f.park(&a) {
			return seen
		}
	}
	if a.own == nil && !f.enter(&a) {
		return a.seen
	}
	got, ok := f.await(a.own)
	switch {
	case !ok: // a place by another record, a lost one, nobody waits, or stopped: the next look tells
		return a.seen
	case got.verdict == fold.ClaimStale:
		return f.p.next.Load()
	}
	if r, final := f.p.judge(f, got, a.nr); final {
		f.finish(r)
	}
	return a.seen
}

// attempt is one record on its way to the log.
type attempt struct {
	seen int64 // at least; 0: as the requests saw it
	slot bool  // has a slot at the desk
	own  *own  // appended
	nr   int   // which of the flight's records it is
}

// opening is what the opening did for a parked claim.
type opening struct {
	own  *own // its record is in the log already; nil: it goes on by itself
	nr   int
	slot bool
}

// park waits for the opening. False: look again.
func (f *flight) park(a *attempt) bool {
	news := f.desk.announcement()
	parked, full := f.desk.park(f)
	if full {
		f.finish(result{err: ErrOverloaded})
		return false
	}
	if !parked {
		return false
	}
	// Some other change (a pause, a new time, an archive) ends the wait too.
	// Whoever leaves the line is skipped at the opening, since it has ended;
	// one that stays open is asked for again by the next look.
	for {
		select {
		case o := <-f.opened:
			a.own, a.nr, a.slot, a.seen = o.own, o.nr, o.slot, f.p.next.Load()
			return !f.ended()
		case <-f.gone:
			return false
		case <-f.done:
			return false
		case <-news:
			news = f.desk.announcement()
			if f.desk.unpark(f) {
				return false
			}
		}
	}
}

// release is the opening's side of park, called in the order of arrival: with
// a slot the record goes to the log at once.
func (f *flight) release(slot, unit bool) {
	o := opening{slot: slot}
	if slot {
		own, nr, err := f.send(f.p.next.Load(), unit)
		switch {
		case err == nil:
			o.own, o.nr = own, nr
		default:
			f.desk.giveUp(unit)
			o.slot = false
			if !errors.Is(err, errGone) {
				f.finish(result{err: err})
			}
		}
	}
	f.opened <- o
}

// enter brings the claim through the desk's line and the gate into the log.
// False: look again.
func (f *flight) enter(a *attempt) bool {
	if !a.slot && !f.desk.slot(f) {
		return false
	}
	unit, ok := f.admit()
	if !ok {
		f.desk.giveUp(false)
		return false
	}
	var err error
	a.own, a.nr, err = f.send(a.seen, unit)
	if err == nil {
		return true
	}
	f.desk.giveUp(unit)
	if errors.Is(err, errGone) {
		f.expectEnd()
	} else {
		f.finish(result{err: err})
	}
	return false
}

// expectEnd waits for those to leave who wait no more, or for somebody new.
func (f *flight) expectEnd() {
	select {
	case <-f.gone:
	case <-f.done:
	case <-time.After(time.Millisecond):
	}
}

// admit asks the gate. "No room" and "somebody else has it" are hints: the
// fold has 100 ms to say so too, then the claim goes on without the gate.
func (f *flight) admit() (unit, ok bool) {
	news := f.desk.announcement()
	p := f.p.node.gate.admit(f)
	switch p {
	case admitted:
		return true, true
	case passedBy:
		return false, true
	}
	if p == noRoom && f.desk.info.Load().soft {
		f.softFull()
		return false, false
	}
	late := time.NewTimer(noRoomWait)
	defer late.Stop()
	select {
	case <-late.C:
		return false, true
	case <-news:
	case <-f.placed:
	case <-f.gone:
	case <-f.done:
	}
	return false, false
}

// softFull ends the flight because a soft campaign's counter says full, as far
// as the fold agrees: only it knows whether the member has a place, and a fold
// that is not current does not.
func (f *flight) softFull() {
	l := f.p.look(f.key.campaign, f.key.user, f.key.waitlist)
	switch {
	case l.err != nil, l.final(): // the next look tells
	case !l.current:
		f.renew()
	default:
		l.decision.Outcome, l.decision.List = SoldOut, NoList
		f.finish(result{decision: l.decision, next: l.next})
	}
}

var errGone = errors.New("nobody waits for the claim")

// send appends the claim's record. It has seen the given state, or the newest
// that a waiting request saw when it arrived: any of them justifies the claim,
// and a refusal for an older one would concern only some. The state was read
// before this checks that somebody still waits: the other way round a cancel
// could slip between the two.
func (f *flight) send(seen int64, unit bool) (*own, int, error) {
	fs := &f.p.flights
	fs.mu.Lock()
	defer fs.mu.Unlock()
	now := time.Now()
	if f.over || !slices.ContainsFunc(f.requests, func(r *request) bool { return r.waits(now) }) {
		return nil, 0, errGone
	}
	for _, r := range f.requests {
		seen = max(seen, r.seen)
	}
	o := &own{desk: f.desk, unit: unit}
	err := f.p.append(&fold.Record{Kind: fold.KindClaim, Campaign: f.key.campaign, User: f.key.user,
		Seen: seen, Wait: f.key.waitlist, Sealed: f.sealed}, o)
	if err != nil {
		return nil, 0, err
	}
	f.appended++
	return o, f.appended, nil
}

// await waits until the record is read back. False when the flight is over, the
// record is lost, or another one gave the member a place.
func (f *flight) await(o *own) (read, bool) {
	select {
	case got, ok := <-o.done:
		return got, ok && !got.lost
	case <-f.placed:
		select { // the own record may have been the one
		case got, ok := <-o.done:
			return got, ok && !got.lost
		default:
			return read{}, false
		}
	case <-f.gone:
	case <-f.done:
	}
	return read{}, false
}

// renew waits until the fold is new enough to answer from.
func (f *flight) renew() {
	ctx, cancel := context.WithTimeout(context.Background(), f.p.node.deadline)
	defer cancel()
	passed := make(chan error, 1)
	go func() { passed <- f.p.pass(ctx) }() // ends with ctx
	select {
	case <-passed:
	case <-f.gone:
	case <-f.done:
	}
}

// unlock gives the member's lock back: the claim is answered.
func (f *flight) unlock() {
	if f.lock == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), gateBudget)
	defer cancel()
	_ = f.lock.Unlock(ctx) // else it expires by itself
}

func (f *flight) wait() int {
	if f.key.waitlist {
		return 1
	}
	return 0
}
