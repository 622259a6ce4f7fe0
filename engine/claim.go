package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"firstcome/engine/fold"
)

// early is how long before the opening a tap waits for it.
const early = 500 * time.Millisecond

// ClaimCall is one request of a member for a place.
type ClaimCall struct {
	Campaign string
	Member   Member
	Answers  map[string]json.RawMessage // nil: none given
	Waitlist bool                       // take a place in the waiting list when full
	After    LogOffset                  // answer from a state that includes this record
	Exact    bool                       // answer from a state not older than the call (Cache-Control: no-cache)
	// Costly is asked once, before the claim goes beyond memory (not for a
	// repeat, a join, or a refusal from memory). Its error is returned as it
	// is. nil: no limit.
	Costly func() error
}

// Claim decides. Errors: ErrNotFound, InvalidError, ErrOverloaded,
// ErrUnavailable, ErrStopped, what Costly says, and the context's when the
// caller has gone.
func (e *Engine) Claim(ctx context.Context, call ClaimCall) (Decision, error) {
	start := time.Now()
	p := e.node.partition(call.Campaign)
	d, err := e.decide(ctx, p, &call)
	took := time.Since(start)
	e.metrics.claim(d.Outcome, err, took)
	p.tally(call.Campaign, d.Outcome, err, took)
	return d, err
}

func (e *Engine) decide(ctx context.Context, p *partition, call *ClaimCall) (Decision, error) {
	if err := p.usable(); err != nil {
		return Decision{}, err
	}
	user := e.sealer.User(call.Member.Subject)
	if !call.Exact && !call.After.Known {
		l := p.look(call.Campaign, user, call.Waitlist)
		if l.err == nil && l.final() && l.current {
			return l.decision, nil
		}
	}
	return e.decideSlowly(ctx, p, call, user)
}

// decideSlowly answers a claim that memory alone cannot.
func (e *Engine) decideSlowly(parent context.Context, p *partition, call *ClaimCall, user fold.User) (Decision, error) {
	ctx, cancel := context.WithTimeout(parent, e.cfg.ClaimDeadline)
	defer cancel()
	fresh := false
	if call.Exact || call.After.Known {
		if err := p.sync(ctx, Read{After: call.After, Exact: call.Exact}); err != nil {
			return undecided(parent, call, p, err)
		}
		fresh = true
	}
	costly := once(call.Costly)
	for {
		l := p.look(call.Campaign, user, call.Waitlist)
		switch {
		case errors.Is(l.err, ErrNotFound) && !fresh && costly != nil:
			if err := costly(); err != nil {
				return Decision{}, err
			}
			fallthrough // a campaign made on another node a moment ago may not be folded here
		case errors.Is(l.err, ErrNotFound) && !fresh, l.err == nil && l.final() && !fresh && !l.current:
			if err := p.pass(ctx); err != nil {
				return undecided(parent, call, p, err)
			}
			fresh = true
			continue
		case l.err != nil:
			return Decision{}, l.err
		case l.final():
			return l.decision, nil
		}
		if d, ok := l.desk.ineligible(call.Member); !ok {
			return d, nil
		}
		answers, err := l.desk.checkAnswers(call.Answers)
		if err != nil {
			return Decision{}, err
		}
		d, again, err := e.fly(ctx, p, l, call, user, answers, costly)
		if err != nil {
			return undecided(parent, call, p, err)
		}
		if !again {
			return d, nil
		}
	}
}

// fly joins or starts the member's flight and waits for its end. again: what
// it ended with does not concern this request, which came too late for it.
func (e *Engine) fly(ctx context.Context, p *partition, l look, call *ClaimCall, user fold.User, answers json.RawMessage, costly func() error) (d Decision, again bool, err error) {
	until, _ := ctx.Deadline()
	r := &request{seen: l.next, until: until, gone: ctx.Done()}
	key := flightKey{call.Campaign, user, call.Waitlist}
	f, err := p.join(key, l.desk, r, costly, func() ([]byte, error) {
		return e.sealer.Seal(call.Campaign, l.desk.info.Load().key, user, Sealed{Subject: call.Member.Subject, Answers: answers})
	})
	if err != nil {
		return Decision{}, false, err
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		f.leave(r)
		return Decision{}, false, ctx.Err()
	}
	got := &f.result
	switch {
	case got.err != nil:
		return Decision{}, false, got.err
	case got.nr > 0 && r.joined >= got.nr, // its record was sent before the request came: what it says may be long over
		got.next < r.seen: // it rests on an older state than the request saw: a place in it has ended since
		return Decision{}, true, nil
	}
	d = got.decision
	if r != got.winner && (d.Outcome == Granted || d.Outcome == Waitlisted) {
		d.Outcome = Repeated
	}
	return d, false, nil
}

// undecided turns the end of the waiting into an answer: Deciding when the
// deadline passed, since the same claim sent again finds the place or asks anew.
func undecided(parent context.Context, call *ClaimCall, p *partition, err error) (Decision, error) {
	switch {
	case parent.Err() != nil:
		return Decision{}, parent.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return Decision{Outcome: Deciding, Claim: Claim{Campaign: call.Campaign, State: "deciding"},
			Offset: p.at(p.next.Load()), RetryAfter: time.Second}, nil
	}
	return Decision{}, err
}

func once(f func() error) func() error {
	if f == nil {
		return nil
	}
	asked := false
	return func() error {
		if asked {
			return nil
		}
		asked = true
		return f()
	}
}

// look is what the fold in memory says about a claim right now.
type look struct {
	decision Decision // its Outcome is 0 while nothing speaks against the claim
	next     int64    // of the fold
	desk     *desk
	park     bool // the opening is near: wait for it
	current  bool // the state is new enough to refuse by
	err      error
}

func (l *look) final() bool { return l.decision.Outcome != 0 }

// look reads the member's place and the campaign's state. Whether it is current
// is asked first: what is seen then is that new or newer. Asked afterwards, an
// old look could pass for current because the fold has caught up in between.
func (p *partition) look(campaign string, user fold.User, waitlist bool) look {
	l := look{current: p.current()}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.state == nil {
		l.err = ErrUnavailable
		return l
	}
	c := p.state.Campaign(campaign)
	if c == nil || c.Status == fold.Draft {
		l.err = ErrNotFound
		return l
	}
	l.next, l.desk = p.state.Next(), p.desks[campaign]
	l.decision.Offset = p.at(l.next)
	place := c.Place(user)
	if place.Active() {
		l.decision.Outcome = Repeated
		l.decision.Claim = p.claimOf(c, l.desk.info.Load(), user, place)
		return l
	}
	p.refuse(&l, c, place, waitlist)
	return l
}

// refuse sets the refusal that the campaign's state asks for, if any. It is the
// order of the fold's own rules, minus those about when a claim was sent.
func (p *partition) refuse(l *look, c *fold.Campaign, place fold.Place, waitlist bool) {
	switch c.Status {
	case fold.Scheduled:
		opens := l.desk.info.Load().opensAt
		if !opens.IsZero() && opens.Sub(p.node.clock.now()) <= early {
			l.park = true
			return
		}
		l.decision.Outcome, l.decision.OpensAt = Early, opens
		return
	case fold.Paused:
		l.decision.Outcome = Paused
		return
	case fold.Closed, fold.Archived:
		l.decision.Outcome = Late
		return
	}
	def := &c.Definition
	switch {
	case place.State == fold.Ended && def.Reclaim == fold.ReclaimRefused:
		l.decision.Outcome = Refused
	case def.Soft && def.Cap != fold.NoCap && c.Granted >= def.Cap,
		!c.CanGrant() && !(waitlist && c.CanWait()):
		l.decision.Outcome, l.decision.List = SoldOut, listOf(c)
	}
}

// judge turns what the fold said of a flight's record into the flight's
// result; not final when the campaign accepts again what it refused.
func (p *partition) judge(f *flight, got read, nr int) (result, bool) {
	switch got.verdict {
	case fold.ClaimGranted, fold.ClaimWaiting:
		d := Decision{Outcome: Granted, Offset: p.at(got.offset + 1)}
		if got.verdict == fold.ClaimWaiting {
			d.Outcome = Waitlisted
		}
		p.mu.RLock()
		c := p.state.Campaign(f.key.campaign)
		d.Claim = p.claimOf(c, f.desk.info.Load(), f.key.user, got.place)
		p.mu.RUnlock()
		return result{decision: d, nr: nr, next: got.offset + 1}, true
	case fold.ClaimSuperseded:
		return result{decision: Decision{Outcome: Superseded, Offset: p.at(got.offset + 1)}, nr: nr, next: got.offset + 1}, true
	}
	l := p.look(f.key.campaign, f.key.user, f.key.waitlist)
	if l.err != nil {
		return result{err: l.err}, true
	}
	return result{decision: l.decision, nr: nr, next: l.next}, l.final()
}

// at names the newest record below next.
func (p *partition) at(next int64) LogOffset {
	return LogOffset{Partition: p.id, Offset: max(0, next-1), Known: next > 0}
}
