package gatetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"firstcome/engine"
	"firstcome/engine/wiretest"
)

// step is one call that changes what a gate holds.
type step struct {
	name string
	// call makes it, once everything that it needs is there.
	call func(r *rig, ctx context.Context) error
	// state tells what the gate holds: it must change by a call that was carried
	// out and whose reply was lost, and not by one that failed.
	state func(r *rig) string
	// undone: the call itself takes back what it does not know to have.
	undone bool
	// heal is what the engine does next anyway; then all must be exact.
	heal func(r *rig)
}

// RunFaults runs every changing call with both faults: it failed; it was carried
// out and its reply was lost. Either is an error that claims to know nothing,
// the call is carried out once at most, and what comes next heals it. open
// returns a gate behind a wire, with Redis past it.
func RunFaults(t *testing.T, open func(t testing.TB) (Subject, *wiretest.Wire)) {
	for _, s := range steps() {
		for _, fault := range wiretest.Faults {
			t.Run(s.name+"/"+fault.String(), func(t *testing.T) {
				subject, wire := open(t)
				r := newRig(t, subject)
				s.try(r, wire, fault)
			})
		}
	}
}

func (s step) try(r *rig, wire *wiretest.Wire, fault wiretest.Fault) {
	r.t.Helper()
	r.prepare()
	before := s.state(r)
	wire.Strike(fault, func(request []byte) bool { return bytes.Contains(request, []byte(r.campaign)) })
	err := s.call(r, r.ctx)
	if err == nil || wire.Struck() != 1 {
		r.t.Fatalf("answered %v after %d faults", err, wire.Struck())
	}
	for _, known := range []error{engine.ErrTaken, engine.ErrGateEmpty, engine.ErrGateShut} {
		if errors.Is(err, known) {
			r.t.Errorf("it claims to know the answer: %v", err)
		}
	}
	after := s.state(r)
	if carried := fault == wiretest.ReplyLost; carried != (after != before) && !s.undone {
		r.t.Errorf("%s before, %s after", before, after)
	}
	s.heal(r)
}

// prepare opens a campaign of 20 with a lease of 3, a lock and a count, so that
// every script is loaded and a connection is there. Half of the lock's minute is over.
func (r *rig) prepare() {
	r.t.Helper()
	r.open(20)
	r.lease(r.ask("a", 3), 3)
	r.must(r.tryLock(r.lockName("warm"), time.Second).Unlock(r.ctx))
	r.must(r.tryLock(r.lockName("warm"), time.Second).Extend(r.ctx))
	r.kept = r.tryLock(r.lockName("kept"), time.Minute)
	r.must(r.Redis.PExpire(r.ctx, "fc:"+r.lockName("kept"), 30*time.Second).Err())
	r.must(r.count(r.ctx))
}

func (r *rig) count(ctx context.Context) error {
	return r.Counter.Add(ctx, map[string]map[string]int64{r.campaign: {"granted": 1}})
}

// again repeats a call until the gate is found again.
func (r *rig) again(what string, call func(ctx context.Context) error) {
	r.t.Helper()
	eventually(r.t, what, func() bool {
		ctx, cancel := context.WithTimeout(r.ctx, time.Second)
		defer cancel()
		return call(ctx) == nil
	})
}

// reported is a flush of what a fold knows, which may be repeated.
func (r *rig) reported(ctx context.Context) error {
	report := r.report("a")
	report.Room, report.Used, report.Held, report.Offset = 20, 2, 1, 9
	return r.Gate.Flush(ctx, []engine.Report{report})
}

func (r *rig) exact() {
	r.t.Helper()
	r.again("flush", r.reported)
	r.counts(3, 1, 2)
}

// isFree waits until somebody gets the lock.
func (r *rig) isFree(name string) {
	r.t.Helper()
	r.again("the lock is free", func(ctx context.Context) error {
		_, err := r.Locker.TryLock(ctx, r.lockName(name), time.Minute)
		return err
	})
}

func steps() []step {
	counter := func(r *rig) string { return r.Redis.Get(r.ctx, r.key("n")).Val() }
	lock := func(name string) func(r *rig) string {
		return func(r *rig) string {
			left := r.Redis.PTTL(r.ctx, "fc:"+r.lockName(name)).Val()
			return fmt.Sprint(left > 0, left > 50*time.Second)
		}
	}
	return []step{
		{name: "lease", call: func(r *rig, ctx context.Context) error {
			_, err := r.Gate.Lease(ctx, r.ask("a", 1))
			return err
		}, state: counter, heal: (*rig).exact},
		{name: "flush", call: (*rig).reported, state: func(r *rig) string { return r.Redis.HGet(r.ctx, r.key("s"), "off").Val() }, heal: (*rig).exact},
		{name: "lock", undone: true, call: func(r *rig, ctx context.Context) error {
			_, err := r.Locker.TryLock(ctx, r.lockName("m"), 500*time.Millisecond)
			return err
		}, state: lock("m"), heal: func(r *rig) { r.isFree("m") }}, // at the latest when it expires
		{name: "extend", call: func(r *rig, ctx context.Context) error { return r.kept.Extend(ctx) }, state: lock("kept"),
			heal: func(r *rig) { r.again("unlock", r.kept.Unlock) }},
		{name: "unlock", call: func(r *rig, ctx context.Context) error { return r.kept.Unlock(ctx) }, state: lock("kept"), heal: func(r *rig) {
			r.must(r.Redis.PExpire(r.ctx, "fc:"+r.lockName("kept"), time.Millisecond).Err()) // its time passes
			r.isFree("kept")
		}},
		{name: "count", call: (*rig).count, state: func(r *rig) string { return r.Redis.HGet(r.ctx, "fc:{"+r.campaign+"}:t", "granted").Val() },
			heal: func(r *rig) { r.again("count", r.count) }},
	}
}
