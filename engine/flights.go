package engine

import (
	"encoding/hex"
	"sync"
	"time"

	"firstcome/engine/fold"
)

// flights are the claims under way on this node, one per member, campaign and
// wish: whoever sends the same again joins.
type flights struct {
	mu    sync.Mutex // guards byKey and the marked fields of each flight; held for a few steps
	byKey map[flightKey]*flight
}

type flightKey struct {
	campaign string
	user     fold.User
	waitlist bool
}

// lockName is the Redsync lock of a member's window. The braces keep it in the
// Redis slot of the campaign's counters.
func lockName(k flightKey) string {
	return "{" + k.campaign + "}:lk:" + hex.EncodeToString(k.user[:])
}

// flight is one claim on its way. Its own goroutine carries it; requests wait
// for it and may leave; without requests it sends nothing any more.
type flight struct {
	key    flightKey
	p      *partition
	desk   *desk
	sealed []byte

	requests []*request // guarded by flights.mu: who waits, in order of arrival
	appended int        // guarded by flights.mu: how many records were sent
	over     bool       // guarded by flights.mu

	gone   chan struct{} // closed when nobody waits
	placed chan struct{} // closed when some record gave the member a place; replaced by run, with flights.mu held
	opened chan opening  // buffered: the opening's word to a parked claim
	done   chan struct{} // closed when result is set
	result result        // to be read after done
	lock   Lock          // owned by run: held until the claim is answered; nil: none
}

// request is one call that waits for a flight.
type request struct {
	seen   int64           // the fold's next offset when it arrived
	until  time.Time       // then it is answered, and waits no more
	gone   <-chan struct{} // closed when its caller has gone
	joined int             // records sent before it joined
}

// waits reports whether the request still waits. The goroutine that takes it
// out of its flight may be late for that: after a process was frozen, all that
// happened meanwhile is noticed in any order.
func (r *request) waits(now time.Time) bool {
	select {
	case <-r.gone:
		return false
	default:
		return now.Before(r.until)
	}
}

// result is how a flight ended, for all who waited.
type result struct {
	decision Decision
	err      error
	nr       int   // of the record that decided it, from 1; 0: from memory
	next     int64 // of the fold that it rests on
	winner   *request
}

// join adds the request to its flight, or starts one. costly is asked first
// when one must be started.
func (p *partition) join(key flightKey, d *desk, r *request, costly func() error, sealed func() ([]byte, error)) (*flight, error) {
	fs := &p.flights
	fs.mu.Lock()
	f := fs.byKey[key]
	if f == nil {
		fs.mu.Unlock()
		if costly != nil {
			if err := costly(); err != nil {
				return nil, err
			}
		}
		data, err := sealed()
		if err != nil {
			return nil, err
		}
		fs.mu.Lock()
		if f = fs.byKey[key]; f == nil {
			f = &flight{key: key, p: p, desk: d, sealed: data, gone: make(chan struct{}), placed: make(chan struct{}),
				opened: make(chan opening, 1), done: make(chan struct{})}
			fs.byKey[key] = f
			p.node.underway.Add(1)
			go f.run()
		}
	}
	r.joined = f.appended
	f.requests = append(f.requests, r)
	fs.mu.Unlock()
	return f, nil
}

// leave takes a request out. The last one ends the flight: nobody who gave up
// and was told "no" elsewhere is granted later by a record sent after that.
func (f *flight) leave(r *request) {
	fs := &f.p.flights
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for i, o := range f.requests {
		if o == r {
			f.requests = append(f.requests[:i], f.requests[i+1:]...)
			break
		}
	}
	if len(f.requests) == 0 && !f.over {
		f.over = true
		close(f.gone)
		if fs.byKey[f.key] == f {
			delete(fs.byKey, f.key)
		}
	}
}

// place tells the flights of a member that some record gave it a place.
func (fs *flights) place(campaign string, user fold.User) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if len(fs.byKey) == 0 {
		return
	}
	for _, waitlist := range [...]bool{false, true} {
		if f := fs.byKey[flightKey{campaign, user, waitlist}]; f != nil {
			select {
			case <-f.placed:
			default:
				close(f.placed)
			}
		}
	}
}

// has reports whether a claim of the member is under way here.
func (fs *flights) has(campaign string, user fold.User) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.byKey[flightKey{campaign, user, false}] != nil || fs.byKey[flightKey{campaign, user, true}] != nil
}

func (fs *flights) endAll(err error) {
	fs.mu.Lock()
	all := make([]*flight, 0, len(fs.byKey))
	for _, f := range fs.byKey {
		all = append(all, f)
	}
	fs.mu.Unlock()
	for _, f := range all {
		f.finish(result{err: err})
	}
}

// finish hands the result to all who wait. Only the first call counts.
func (f *flight) finish(r result) {
	fs := &f.p.flights
	fs.mu.Lock()
	defer fs.mu.Unlock()
	select {
	case <-f.done:
		return
	default:
	}
	if fs.byKey[f.key] == f {
		delete(fs.byKey, f.key)
	}
	if len(f.requests) > 0 {
		r.winner = f.requests[0]
	}
	f.result = r
	f.over = true
	close(f.done)
}
