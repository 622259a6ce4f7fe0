package engine

import (
	"math"
	"sync"
	"sync/atomic"

	"firstcome/engine/fold"
)

const (
	// slack is how many claims may be under way beyond the room that is known:
	// they cost an append each when they are refused, and they keep a seat from
	// staying empty while units of a dead node wait for their deadline.
	slack = 8
	// maxParked bounds the taps that wait for one opening on this node; more
	// are told that it is early.
	maxParked = 50_000
)

// desk is where the claims of one campaign line up on this node: a copy of the
// fold's totals, the places in the queue, the lease of the cap, the tallies.
type desk struct {
	p    *partition
	id   string
	info atomic.Pointer[info]
	// archived is the offset after the record that archived the campaign; 0 when
	// it is not archived, or was when this node took over the ledger's state.
	archived atomic.Int64

	// mu guards the fields below. It is held for a few steps; it may be taken
	// while the partition's mu is held, never the other way round.
	mu        sync.Mutex
	totals    totals
	under     int64         // own claims that have a slot: at the gate, or appended and not read back
	queue     [2][]*inLine  // who waits for a slot, in order of arrival; [1] wants the waiting list too
	parked    []*flight     // who waits for the opening, in order of arrival
	releasing bool          // parked claims are going first
	news      chan struct{} // closed when the status, or what can be claimed, changes
	lease     lease

	dirty   atomic.Bool // is in the node's list of desks to flush
	tallies tallies
}

// totals is what a desk knows of its campaign, as of the partition's last batch.
type totals struct {
	status            fold.Status
	used, granted     int64
	limit             [2]int64 // how many may be used without and with the waiting list
	canGrant, canWait bool
}

func totalsOf(c *fold.Campaign) totals {
	t := totals{status: c.Status, used: c.Used(), granted: c.Granted, canGrant: c.CanGrant(), canWait: c.CanWait()}
	t.limit[1] = c.Room()
	t.limit[0] = t.limit[1]
	if c.Definition.Cap != fold.NoCap {
		t.limit[0] = max(c.Definition.Cap, c.Granted)
	}
	return t
}

func newDesk(p *partition, c *fold.Campaign) *desk {
	d := &desk{p: p, id: c.ID, totals: totalsOf(c), news: make(chan struct{})}
	d.info.Store(newInfo(c, p.node.log))
	return d
}

// inLine is a flight that waits for a slot.
type inLine struct {
	f    *flight
	turn chan struct{} // closed when it has the slot
	left bool          // guarded by desk.mu: gone, do not give it a slot
}

// observe takes over the fold's totals and tells those who wait.
func (d *desk) observe(c *fold.Campaign) {
	d.mu.Lock()
	before := d.totals
	d.totals = totalsOf(c)
	if t := d.totals; before.status != t.status || before.canGrant != t.canGrant || before.canWait != t.canWait {
		close(d.news)
		d.news = make(chan struct{})
	}
	var parked []*flight
	if d.totals.status == fold.Open && len(d.parked) > 0 {
		parked, d.parked, d.releasing = d.parked, nil, true
	}
	d.callNext()
	d.mu.Unlock()
	d.touch()
	if parked != nil {
		go d.release(parked)
	}
}

// touch puts the desk on the list of those to flush to the gate.
func (d *desk) touch() {
	if !d.dirty.Swap(true) {
		d.p.node.gate.add(d)
	}
}

// fits reports whether one more claim may be under way. Called with mu held.
func (d *desk) fits(wait int) bool {
	limit := d.totals.limit[wait]
	return limit > math.MaxInt64-slack || d.totals.used+d.under < limit+slack
}

// slot waits for the right to go to the gate and the log, in order of arrival.
// It returns false when the claim must be looked at again: the campaign
// changed, the member got a place, or nobody waits for the flight any more.
func (d *desk) slot(f *flight) bool {
	wait := f.wait()
	d.mu.Lock()
	if !d.releasing && len(d.queue[wait]) == 0 && d.fits(wait) {
		d.under++
		d.mu.Unlock()
		return true
	}
	w := &inLine{f: f, turn: make(chan struct{})}
	d.queue[wait] = append(d.queue[wait], w)
	news := d.news
	d.mu.Unlock()
	select {
	case <-w.turn:
		return true
	case <-news:
	case <-f.placed:
	case <-f.gone:
	case <-f.p.node.stopped:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	w.left = true
	select {
	case <-w.turn:
		d.under--
		d.callNext()
	default:
	}
	return false
}

// callNext hands slots to those who wait while there is room. Called with mu held.
func (d *desk) callNext() {
	if d.releasing {
		return
	}
	for wait := range d.queue {
		q := d.queue[wait]
		for len(q) > 0 && (q[0].left || d.fits(wait)) {
			if !q[0].left {
				d.under++
				close(q[0].turn)
			}
			q[0] = nil
			q = q[1:]
		}
		d.queue[wait] = q
	}
}

// settle ends a record's hold on its slot and its unit. A unit that became a
// place is spent; another one is idle again. Who waits is called by the
// observe that follows, which knows the new totals.
func (d *desk) settle(unit, placed bool) {
	d.mu.Lock()
	d.under--
	if unit {
		d.lease.settle(placed)
	}
	d.mu.Unlock()
}

// giveUp gives back a slot, and a unit, for which no record was sent.
func (d *desk) giveUp(unit bool) {
	d.settle(unit, false)
	d.mu.Lock()
	d.callNext()
	d.mu.Unlock()
}

// announcement returns a channel that is closed at the campaign's next change.
func (d *desk) announcement() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.news
}

// park puts a claim that came shortly before the opening in line. False when
// the line is full or the campaign has opened meanwhile.
func (d *desk) park(f *flight) (parked, full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.totals.status == fold.Open {
		return false, false
	}
	if len(d.parked) >= maxParked {
		return false, true
	}
	d.parked = append(d.parked, f)
	return true, false
}

// unpark takes a claim out of the opening's line; false when the opening has
// taken it already and will say so.
func (d *desk) unpark(f *flight) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, o := range d.parked {
		if o == f {
			d.parked = append(d.parked[:i], d.parked[i+1:]...)
			return true
		}
	}
	return false
}

// release sends the parked claims to the log in the order of their arrival.
// The gate is asked once, for all of them; locks are not, since a member is
// parked once on a node and the fold settles what two nodes send. Those beyond
// the room get in line before anybody who came later.
func (d *desk) release(parked []*flight) {
	units := d.p.node.gate.block(d, int64(len(parked)))
	for _, f := range parked {
		d.mu.Lock()
		ok := d.fits(f.wait())
		if ok {
			d.under++
		}
		d.mu.Unlock()
		unit := ok && units > 0
		if unit {
			units--
		}
		f.release(ok, unit)
	}
	d.mu.Lock()
	if units > 0 {
		d.lease.putBack(units)
	}
	d.releasing = false
	d.callNext()
	d.mu.Unlock()
	d.touch()
}

// open reports whether claims are taken.
func (d *desk) open() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.totals.status == fold.Open
}

// capped reports whether there is a room to share at all.
func (d *desk) capped() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.totals.limit[1] < math.MaxInt64
}
