package sim

import (
	"context"
	"maps"
	"math"
	"sync"
	"time"

	"firstcome/engine"
)

// confirm is how long a report counts that nobody confirmed (protocol 5).
const confirm = time.Second

// redis is the gate's and the locks' one server: the counters of protocol 5 in
// plain words, honest until a plan says otherwise.
type redis struct {
	mu        sync.Mutex
	dice      *dice
	campaigns map[string]*counters // guarded by mu, like all below
	locks     map[string]held
	copied    map[string]*counters // what a replica has: for a failover that loses the rest
	lying     bool                 // answers are chance, and counters are changed at random
	stingy    bool                 // there never is room
	gone      bool
	drift     time.Duration // of its clock
	tokens    uint64
}

// held is a lock.
type held struct {
	token uint64
	until time.Time
}

// counters are one campaign's keys.
type counters struct {
	n      int64
	state  engine.Report
	at     time.Time
	leases map[string]lent
}

type lent struct {
	units int64
	until time.Time
}

func newRedis(d *dice) *redis {
	return &redis{dice: d, campaigns: map[string]*counters{}, locks: map[string]held{}, copied: map[string]*counters{}}
}

func (c *counters) clone() *counters {
	out := *c
	out.leases = maps.Clone(c.leases)
	return &out
}

// replicate brings the replica up to date.
func (r *redis) replicate() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.copied)
	for id, c := range r.campaigns {
		r.copied[id] = c.clone()
	}
}

// failOver makes the replica the master: what it did not have is lost, locks too.
func (r *redis) failOver() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.campaigns)
	for id, c := range r.copied {
		r.campaigns[id] = c.clone()
	}
	clear(r.locks)
}

// wipe is FLUSHALL, or a restart with an empty disk.
func (r *redis) wipe() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.campaigns)
	clear(r.locks)
}

func (r *redis) set(f func(r *redis)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r)
}

func (r *redis) unwell() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gone
}

func (r *redis) lease(a engine.Ask) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.lying:
		return r.lie(a)
	case r.stingy:
		return 0, nil
	}
	c := r.campaigns[a.Campaign]
	switch {
	case c == nil:
		return 0, engine.ErrGateEmpty
	case !c.state.Open:
		return 0, engine.ErrGateShut
	}
	now := time.Now()
	for id, l := range c.leases {
		if !l.until.After(now) {
			c.n -= l.units
			delete(c.leases, id)
		}
	}
	give := a.Want
	if c.state.Room < math.MaxInt64-a.Slack {
		give = max(0, min(give, c.state.Room+a.Slack-c.n))
	}
	if give > 0 {
		c.n += give
		c.leases[a.Lease] = lent{c.leases[a.Lease].units + give, now.Add(a.TTL)}
	}
	return give, nil
}

// lie is what a gate may say that has lost its mind.
func (r *redis) lie(a engine.Ask) (int64, error) {
	if c := r.campaigns[a.Campaign]; c != nil {
		c.n += int64(r.dice.below(41)) - 20
		c.state.Open = r.dice.chance(700)
		c.state.Room = int64(r.dice.below(50))
		c.state.Offset += int64(r.dice.below(1000))
	}
	switch r.dice.below(4) {
	case 0:
		return 0, nil
	case 1:
		return 0, engine.ErrGateShut
	default:
		return a.Want, nil
	}
}

func (r *redis) flush(reports []engine.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for _, report := range reports {
		c := r.campaigns[report.Campaign]
		if c == nil {
			c = &counters{leases: map[string]lent{}, state: engine.Report{Offset: -1}}
			r.campaigns[report.Campaign] = c
		}
		delete(c.leases, report.Lease)
		if report.Held > 0 {
			c.leases[report.Lease] = lent{report.Held, now.Add(report.TTL)}
		}
		if report.Topic != c.state.Topic || report.Offset >= c.state.Offset || now.Sub(c.at) >= confirm {
			c.state, c.at = report, now
		}
		c.n = c.state.Used
		for id, l := range c.leases {
			if !l.until.After(now) {
				delete(c.leases, id)
				continue
			}
			c.n += l.units
		}
	}
}

func (r *redis) read(campaign string) engine.GateCount {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.campaigns[campaign]
	if c == nil {
		return engine.GateCount{}
	}
	leased := int64(0)
	for _, l := range c.leases {
		leased += l.units
	}
	return engine.GateCount{Count: c.n, Leased: leased, Used: c.state.Used, Known: true}
}

// lock takes a name for a while; a lying server gives it to everybody, or to nobody.
func (r *redis) lock(name string, expiry time.Duration) (uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	h, taken := r.locks[name]
	taken = taken && h.until.After(now)
	if r.lying {
		taken = r.dice.chance(300)
	}
	if taken {
		return 0, engine.ErrTaken
	}
	r.tokens++
	r.locks[name] = held{r.tokens, now.Add(expiry)}
	return r.tokens, nil
}

func (r *redis) extend(name string, token uint64, expiry time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.locks[name]
	if h.token != token || !h.until.After(time.Now()) {
		return false
	}
	r.locks[name] = held{token, time.Now().Add(expiry)}
	return true
}

func (r *redis) unlock(name string, token uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.locks[name].token == token {
		delete(r.locks, name)
	}
}

// gate is the server as one process reaches it: engine.Gate, Locker, TimeSource.
type gate struct {
	r    *redis
	host *host
}

// ask goes there, does it, and comes back; a lost reply is an error after the deed.
func (g *gate) ask(ctx context.Context, do func()) error {
	if err := g.host.travel(ctx, toGate); err != nil {
		return err
	}
	if g.r.unwell() {
		return errCut
	}
	do()
	if g.host.loses(toGate) {
		return errLost
	}
	return g.host.travel(ctx, toGate)
}

func (g *gate) Lease(ctx context.Context, a engine.Ask) (given int64, err error) {
	if lost := g.ask(ctx, func() { given, err = g.r.lease(a) }); lost != nil {
		return 0, lost
	}
	return given, err
}

func (g *gate) Flush(ctx context.Context, reports []engine.Report) error {
	return g.ask(ctx, func() { g.r.flush(reports) })
}

func (g *gate) Read(ctx context.Context, campaign string) (n engine.GateCount, err error) {
	err = g.ask(ctx, func() { n = g.r.read(campaign) })
	return n, err
}

func (g *gate) TryLock(ctx context.Context, name string, expiry time.Duration) (engine.Lock, error) {
	l := &lock{g: g, name: name, expiry: expiry}
	var err error
	if lost := g.ask(ctx, func() { l.token, err = g.r.lock(name, expiry) }); lost != nil {
		return nil, lost
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (g *gate) Now(ctx context.Context) (now time.Time, err error) {
	err = g.ask(ctx, func() {
		g.r.mu.Lock()
		defer g.r.mu.Unlock()
		now = time.Now().Add(g.r.drift)
	})
	return now, err
}

type lock struct {
	g      *gate
	name   string
	expiry time.Duration
	token  uint64
}

func (l *lock) Extend(ctx context.Context) error {
	ok := false
	if err := l.g.ask(ctx, func() { ok = l.g.r.extend(l.name, l.token, l.expiry) }); err != nil {
		return err
	}
	if !ok {
		return engine.ErrTaken
	}
	return nil
}

func (l *lock) Unlock(ctx context.Context) error {
	return l.g.ask(ctx, func() { l.g.r.unlock(l.name, l.token) })
}
