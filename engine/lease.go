package engine

import (
	"context"
	"time"
)

const (
	leaseTTL   = 10 * time.Second      // then the gate takes back what nobody reports
	leaseRest  = time.Second           // unused units go back after so much rest
	blockFor   = 20 * time.Millisecond // a block lasts about so long at the present rate
	rateWindow = 100 * time.Millisecond
)

// lease is the part of one campaign's cap that is lent to this process. It
// saves round trips; it decides nothing. Guarded by its desk's mu.
type lease struct {
	idle  int64 // units that wait for a claim
	spent int64 // units of claims whose records are under way
	used  time.Time

	asks   []chan leased // who waits for the answer to the ask under way
	asking bool

	windowStart time.Time
	windowCount int64
	rate        float64 // claims a second, lately
}

type leased struct {
	ok  bool
	err error
}

func (l *lease) held() int64 { return l.idle + l.spent }

func (l *lease) settle(placed bool) {
	l.spent--
	if !placed {
		l.idle++
	}
}

func (l *lease) putBack(units int64) { l.idle += units }

// count notes a claim for the rate.
func (l *lease) count(now time.Time) {
	if d := now.Sub(l.windowStart); d >= rateWindow {
		l.rate = float64(l.windowCount) / d.Seconds()
		l.windowStart, l.windowCount = now, 0
	}
	l.windowCount++
}

// block is how many units to ask for: what 20 ms need, but never more than a
// fair share of the room, and one by one when the room is nearly gone.
func (l *lease) block(room, nodes int64) int64 {
	want := min(int64(l.rate*blockFor.Seconds()), room/(4*nodes))
	if want < 1 || room < 2*nodes*want {
		return 1
	}
	return want
}

// unit takes one unit from the block that this process holds, or asks the gate
// for the next block, once for everybody who waits. False: the gate says that
// there is no room. Batched counting.
func (d *desk) unit(ctx context.Context) (bool, error) {
	d.mu.Lock()
	now := time.Now()
	d.lease.count(now)
	d.lease.used = now
	if d.lease.idle > 0 {
		d.lease.idle--
		d.lease.spent++
		d.mu.Unlock()
		return true, nil
	}
	answer := make(chan leased, 1)
	d.lease.asks = append(d.lease.asks, answer)
	if !d.lease.asking {
		d.lease.asking = true
		go d.ask()
	}
	d.mu.Unlock()
	select {
	case got := <-answer:
		return got.ok, got.err
	case <-ctx.Done():
		d.leave(answer)
		return false, ctx.Err()
	}
}

// single takes one unit from the gate itself: direct counting. A unit that an
// earlier claim did not need serves first.
func (d *desk) single(ctx context.Context) (bool, error) {
	d.mu.Lock()
	d.lease.used = time.Now()
	if d.lease.idle > 0 {
		d.lease.idle--
		d.lease.spent++
		d.mu.Unlock()
		return true, nil
	}
	d.mu.Unlock()
	given, err := d.p.node.gate.take(ctx, d, 1)
	if given == 0 {
		return false, err
	}
	d.mu.Lock()
	d.lease.idle += given - 1
	d.lease.spent++
	d.mu.Unlock()
	return true, nil
}

// putBack makes a unit idle that no claim needed after all.
func (d *desk) putBack() {
	d.mu.Lock()
	d.lease.settle(false)
	d.mu.Unlock()
}

// leave takes a waiter out of the line, and puts back what it got at the last moment.
func (d *desk) leave(answer chan leased) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, a := range d.lease.asks {
		if a == answer {
			d.lease.asks = append(d.lease.asks[:i], d.lease.asks[i+1:]...)
			return
		}
	}
	select {
	case got := <-answer:
		if got.ok {
			d.lease.settle(false)
		}
	default:
	}
}

// ask brings the waiting claims together: one script for all of them, until
// nobody waits.
func (d *desk) ask() {
	for {
		d.mu.Lock()
		waiting := d.lease.asks
		if len(waiting) == 0 {
			d.lease.asking = false
			d.mu.Unlock()
			return
		}
		room := max(0, d.totals.limit[1]-d.totals.used)
		want := max(int64(len(waiting)), d.lease.block(room, d.p.node.peers()))
		d.mu.Unlock()
		given, err := d.p.node.gate.lease(d, want)
		d.mu.Lock()
		d.hand(given, err, len(waiting))
		d.mu.Unlock()
		d.touch()
	}
}

// hand gives the units to those who wait, first come first served; the first
// asked of them who get none are told so. Called with mu held.
func (d *desk) hand(given int64, err error, asked int) {
	asks := d.lease.asks
	n := 0
	for ; n < len(asks) && given > 0; n++ {
		given--
		d.lease.spent++
		asks[n] <- leased{ok: true}
	}
	for ; n < len(asks) && n < asked; n++ {
		asks[n] <- leased{err: err}
	}
	d.lease.asks = append(asks[:0:0], asks[n:]...)
	d.lease.idle += given
}

// rest gives units back that nobody has needed for a while. It reports whether
// the gate must be told.
func (d *desk) rest(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lease.idle == 0 || now.Sub(d.lease.used) < leaseRest {
		return false
	}
	d.lease.idle = 0
	return true
}
