package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"firstcome/engine/fold"
)

// TestAnAnswerClosesOnlyWhomItConcerns: a request that came after the record was
// sent, or that saw a newer state than an answer rests on, does not get that
// answer: it looks again. After a freeze a record is read back long after it was
// decided, and its place may have been cancelled elsewhere before the request came.
func TestAnAnswerClosesOnlyWhomItConcerns(t *testing.T) {
	superseded, full := Decision{Outcome: Superseded}, Decision{Outcome: SoldOut}
	granted := Decision{Outcome: Granted, Claim: Claim{State: "granted", Rank: 1}}
	for name, tt := range map[string]struct {
		appended int // records of the flight when the request comes
		result   result
		older    int64 // by how much the result's state is older than the request's
		again    bool
	}{
		"refused by a record from before it": {1, result{decision: superseded, nr: 1}, 0, true},
		"refused by a record from after it":  {1, result{decision: superseded, nr: 2}, 0, false},
		"refused from memory":                {0, result{decision: full}, 0, false},
		"refused from an older memory":       {0, result{decision: full}, 1, true},
		"a place by a record from before it": {1, result{decision: granted, nr: 1}, 0, true},
		"a place by a record from after it":  {1, result{decision: granted, nr: 2}, 0, false},
		"a place that has ended since":       {1, result{decision: granted, nr: 2}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				a := r.node()
				c := r.open(Campaign{ID: "noon"}, a)
				p, user := a.node.partition(c.ID), fold.User{1}
				f := &flight{key: flightKey{campaign: c.ID, user: user}, p: p, desk: p.desks[c.ID], appended: tt.appended,
					gone: make(chan struct{}), done: make(chan struct{})}
				p.flights.byKey[f.key] = f
				l := p.look(c.ID, user, false)
				ctx, cancel := context.WithTimeout(r.ctx, time.Second)
				defer cancel()
				type answer struct {
					d     Decision
					again bool
					err   error
				}
				got := make(chan answer, 1)
				go func() {
					d, again, err := a.fly(ctx, p, l, &ClaimCall{Campaign: c.ID}, user, nil, nil)
					got <- answer{d, again, err}
				}()
				synctest.Wait()
				tt.result.next = l.next - tt.older
				f.finish(tt.result)
				switch g := <-got; {
				case g.err != nil || g.again != tt.again:
					t.Errorf("again %v, %v", g.again, g.err)
				case !g.again && g.d.Outcome != tt.result.decision.Outcome:
					t.Errorf("%v", g.d.Outcome)
				}
			})
		})
	}
}

// A record for a request that came after the first try says what that request
// saw: with the first try's state it would be an old copy of a cancelled claim.
func TestALaterRecordSawWhatItsNewestRequestSaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon"}, a)
		p := a.node.partition(c.ID)
		f := &flight{key: flightKey{campaign: c.ID, user: fold.User{1}}, p: p, desk: p.desks[c.ID],
			requests: []*request{{seen: 1, until: time.Now().Add(time.Second)}, {seen: 3, until: time.Now().Add(time.Second)}}}
		if _, _, err := f.send(1, false); err != nil {
			t.Fatal(err)
		}
		recs := r.log.records[p.id]
		rec, err := fold.Decode(recs[len(recs)-1].Value)
		if err != nil || rec.Seen != 3 {
			t.Errorf("the record saw %d, %v", rec.Seen, err)
		}
	})
}
