package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"firstcome/engine/fold"
)

const (
	gateBudget   = 60 * time.Millisecond // what a claim spends at the gate at most
	gateTrips    = 3                     // failures in a row until it is passed by
	gateProbe    = 250 * time.Millisecond
	noRoomWait   = 100 * time.Millisecond // how long "no room" is believed without the fold saying full
	flushEvery   = 20 * time.Millisecond
	flushBatch   = 256 // reports a round trip
	refreshBatch = 50  // open campaigns reported each second though nothing changed
	lockExpiry   = 2 * time.Second
)

// gatekeeper is this node's side of the gate: it asks within a budget, passes
// by a gate that fails, and reports the fold's totals so that the gate heals
// from whatever it lost.
type gatekeeper struct {
	node    *Node
	gate    Gate
	locker  Locker // nil: no locks
	breaker breaker

	mu    sync.Mutex
	dirty []*desk // to be flushed; each at most once

	turn int // the partition that a refresh begins with; its own goroutine's
}

func (g *gatekeeper) add(d *desk) {
	g.mu.Lock()
	g.dirty = append(g.dirty, d)
	g.mu.Unlock()
}

// breaker passes a failing gate by: after three failures in a row it lets one
// call through every 250 ms until one succeeds.
type breaker struct {
	mu       sync.Mutex
	failures int
	next     time.Time // of the next probe, when tripped
}

func (b *breaker) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < gateTrips {
		return true
	}
	now := time.Now()
	if now.Before(b.next) {
		return false
	}
	b.next = now.Add(gateProbe)
	return true
}

// report notes how a call ended and returns whether the gate came or went with it.
func (b *breaker) report(ok bool) (came, went bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ok {
		came = b.failures >= gateTrips
		b.failures = 0
		return came, false
	}
	b.failures++
	if b.failures == gateTrips {
		b.next = time.Now().Add(gateProbe)
		went = true
	}
	return false, went
}

// done notes a call's end.
func (g *gatekeeper) done(err error) {
	ok := err == nil || errors.Is(err, ErrGateEmpty) || errors.Is(err, ErrGateShut) || errors.Is(err, ErrTaken)
	if !ok {
		g.node.metrics.gateErrors.Inc()
	}
	switch came, went := g.breaker.report(ok); {
	case came:
		g.node.log.Info("the gate is back", "room", "engine")
	case went:
		g.node.log.Warn("the gate is passed by: the log decides without it", "room", "engine", "err", err)
	}
}

// lease asks for units within the budget. A gate that is away is an error.
func (g *gatekeeper) lease(d *desk, want int64) (int64, error) {
	if !g.breaker.allow() {
		return 0, errGateAway
	}
	ctx, cancel := context.WithTimeout(context.Background(), gateBudget)
	defer cancel()
	return g.take(ctx, d, want)
}

func (g *gatekeeper) take(ctx context.Context, d *desk, want int64) (int64, error) {
	given, err := g.gate.Lease(ctx, Ask{Campaign: d.id, Lease: g.node.name, Want: want, Slack: slack, TTL: leaseTTL})
	g.done(err)
	d.touch() // also heals a gate that knows nothing of the campaign
	return given, err
}

var errGateAway = errors.New("the gate is passed by")

// block leases up to want units for the parked claims; 0 when the gate is away.
func (g *gatekeeper) block(d *desk, want int64) int64 {
	d.mu.Lock()
	want = min(want, max(0, d.totals.limit[1]-d.totals.used))
	d.mu.Unlock()
	if want == 0 {
		return 0
	}
	given, err := g.lease(d, want)
	if err != nil {
		return 0
	}
	d.mu.Lock()
	d.lease.used = time.Now()
	d.mu.Unlock()
	return given
}

// passage is what the gate said to one claim.
type passage uint8

const (
	admitted  passage = iota // with a unit
	passedBy                 // without one: the gate is away, or knows nothing
	noRoom                   // a hint: wait for the fold to say full
	elsewhere                // another node has this member's claim under way
)

// admit asks the gate for one claim. Direct counting is the classic road: a
// Redsync lock on (campaign, member), then one unit of the cap; batched
// counting spends a block that this process has leased. The lock is given back
// when the claim is answered.
func (g *gatekeeper) admit(f *flight) passage {
	ctx, cancel := context.WithTimeout(context.Background(), gateBudget)
	defer cancel()
	d := f.desk
	// Without a cap there is no unit to take; the fold's totals are reported all the same.
	capped, direct := d.capped(), d.info.Load().direct
	locks := direct && g.locker != nil && f.lock == nil
	switch {
	case !capped && !locks:
		return passedBy
	case !direct:
		ok, err := d.unit(ctx)
		return passageOf(ok, err)
	case !g.breaker.allow():
		return passedBy
	case !locks:
		ok, err := d.single(ctx)
		return passageOf(ok, err)
	}
	return g.lockAndLease(ctx, f, capped)
}

// lockAndLease asks for the member's lock and for the unit in one trip: a unit
// whose lock is somebody else's stays here for the next claim.
func (g *gatekeeper) lockAndLease(ctx context.Context, f *flight, capped bool) passage {
	unit := make(chan passage, 1)
	go func() {
		if !capped {
			unit <- passedBy
			return
		}
		ok, err := f.desk.single(ctx)
		unit <- passageOf(ok, err)
	}()
	lock, err := g.locker.TryLock(ctx, lockName(f.key), lockExpiry)
	g.done(err)
	p := <-unit
	switch {
	case errors.Is(err, ErrTaken):
		if p == admitted {
			f.desk.putBack()
		}
		return elsewhere
	case err == nil:
		f.lock = lock
	}
	return p
}

func passageOf(ok bool, err error) passage {
	switch {
	case ok:
		return admitted
	case err != nil:
		return passedBy
	}
	return noRoom
}

// run flushes until ctx ends, and once more after it: the leases go back.
func (g *gatekeeper) run(ctx context.Context) {
	flush, refresh := time.NewTicker(flushEvery), time.NewTicker(time.Second)
	defer flush.Stop()
	defer refresh.Stop()
	for {
		select {
		case <-flush.C:
			g.flush(ctx)
		case now := <-refresh.C:
			g.refresh(now)
		case <-ctx.Done():
			g.giveBack()
			return
		}
	}
}

// flush reports every dirty desk. What could not be told stays dirty.
func (g *gatekeeper) flush(ctx context.Context) {
	g.mu.Lock()
	desks := g.dirty
	g.dirty = nil
	g.mu.Unlock()
	for len(desks) > 0 {
		n := min(len(desks), flushBatch)
		if err := g.tell(ctx, desks[:n]); err != nil {
			for i, d := range desks {
				if i < n {
					d.touch()
				} else {
					g.add(d) // not looked at yet: it is still marked as on the list
				}
			}
			return
		}
		desks = desks[n:]
	}
}

func (g *gatekeeper) tell(ctx context.Context, desks []*desk) error {
	reports := make([]Report, 0, len(desks))
	for _, d := range desks {
		d.dirty.Store(false)
		if r, ok := d.report(); ok {
			reports = append(reports, r)
		}
	}
	if len(reports) == 0 {
		return nil
	}
	if !g.breaker.allow() {
		return errGateAway
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 4*gateBudget)
	defer cancel()
	err := g.gate.Flush(ctx, reports)
	g.done(err)
	return err
}

// report is the desk's campaign as the fold has it now, with the units held.
func (d *desk) report() (Report, bool) {
	d.p.mu.RLock()
	defer d.p.mu.RUnlock()
	c := d.p.state.Campaign(d.id)
	if c == nil {
		return Report{}, false
	}
	t := totalsOf(c)
	d.mu.Lock()
	held := d.lease.held()
	d.mu.Unlock()
	return Report{
		Campaign: d.id, Lease: d.p.node.name, Held: max(0, held), TTL: leaseTTL,
		Topic: d.p.node.topic.ID, Offset: d.p.state.Next(),
		Used: t.used, Room: t.limit[1], Open: t.status == fold.Open,
	}, true
}

// refresh lets idle units go, and reports some open campaigns though nothing
// changed: so a gate that was wiped in a quiet hour knows them again. The next
// time begins behind the partition at which this one has had enough.
func (g *gatekeeper) refresh(now time.Time) {
	left, begin := refreshBatch, g.turn
	for i := range g.node.parts {
		p := g.node.parts[(begin+i)%len(g.node.parts)]
		p.mu.RLock()
		for _, d := range p.desks { // a map: another part of them each time
			if d.rest(now) {
				d.touch()
			}
			if left > 0 && d.open() {
				d.touch()
				if left--; left == 0 {
					g.turn = begin + i + 1
				}
			}
		}
		p.mu.RUnlock()
	}
}

// giveBack returns every lease within a second; what does not arrive expires.
func (g *gatekeeper) giveBack() {
	for _, p := range g.node.parts {
		p.mu.RLock()
		for _, d := range p.desks {
			d.mu.Lock()
			held := d.lease.held()
			d.lease.idle, d.lease.spent = 0, 0
			d.mu.Unlock()
			if held > 0 {
				d.touch()
			}
		}
		p.mu.RUnlock()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	g.flush(ctx)
}
