package cache

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"firstcome/engine"
	"firstcome/engine/fold"
)

const (
	// relayBeat is the shortest time between two tellings: what happens meanwhile
	// is merged. What comes alone is told at once.
	relayBeat = 25 * time.Millisecond
	// relayAgain is how long a relay rests when Redis did not take something.
	relayAgain = 250 * time.Millisecond
	// lookEvery is how often a relay looks whether anybody receives, and at its turn.
	lookEvery = 500 * time.Millisecond
	// turnLasts is how long a relay that dies keeps the others silent.
	turnLasts = 2500 * time.Millisecond
	// recentFor is how far back a relay tells again what may have been lost: at
	// least this, at most twice as long.
	recentFor = 5 * time.Second
	// atOnce is how many campaigns are told in one round trip, and atOnceWithin how
	// long that may take.
	atOnce       = 64
	atOnceWithin = time.Second
	// ownMost bounds the members of one campaign who are told of their claims in one
	// telling. The others' pages find it out by asking.
	ownMost = 4096
	// askedMost bounds the campaigns that receivers wait for. Beyond it they ask again.
	askedMost = 4096
)

// Parcel is what is told of one campaign.
type Parcel struct {
	Campaign string
	State    []byte // to be kept, unless a newer one is; nil: nothing is
	Message  []byte // to be told; nil: the state is
	Own      []byte // told behind the message
}

// Carrier is what a relay tells by.
type Carrier interface {
	// Carry keeps and tells all parcels in one round trip. After an error any of it
	// may have been done, and all of it may be done again.
	Carry(ctx context.Context, parcels []Parcel) error
	// Receivers reports whether anybody receives, and tells them that a relay is here.
	Receivers(ctx context.Context, publishing bool) (bool, error)
	// Asked calls asked with each campaign that a receiver asks for, and anew
	// whenever the connection is a new one, until ctx ends.
	Asked(ctx context.Context, asked func(campaign string), anew func()) error
}

// Glances reads a member's claim from memory. *engine.Engine fulfils it.
type Glances interface {
	Glance(campaign string, user fold.User) (engine.Claim, error)
}

// RelayConfig of a relay.
type RelayConfig struct {
	Feed    *Feed // required
	Glances Glances
	Carrier Carrier
	Locker  engine.Locker // nil: every relay tells everything
	Logger  *slog.Logger
	Metrics prometheus.Registerer // nil: not measured
}

// Relay tells nodes that follow no log what this one hears of it. It stands
// before the feed as engine.News. One relay of a cluster tells at a time; the
// others remember a few seconds, so that who takes over leaves nothing out. Two at
// once do no harm. While nobody receives, it costs one command a look.
type Relay struct {
	cfg     RelayConfig
	metrics *relayMetrics
	wake    chan struct{} // one place: there is something to tell
	awake   atomic.Bool   // somebody receives
	telling atomic.Bool   // it is this relay's turn

	mu      sync.Mutex // held for microseconds; guards all below
	pending map[string]*changed
	recent  map[string]struct{} // campaigns changed in the last recentFor,
	older   map[string]struct{} // and in the one before
	asked   map[string]struct{}

	// Owned by Run.
	turn    engine.Lock
	rotated time.Time
	warned  bool
	others  bool // another relay's turn it is, for sure
}

// changed is a campaign that is to be told of.
type changed struct{ users map[fold.User]struct{} }

// NewRelay makes a relay. It starts nothing.
func NewRelay(cfg RelayConfig) *Relay {
	return &Relay{cfg: cfg, metrics: newRelayMetrics(cfg.Metrics), wake: make(chan struct{}, 1), pending: map[string]*changed{},
		recent: map[string]struct{}{}, older: map[string]struct{}{}, asked: map[string]struct{}{}}
}

// Tell implements engine.News. It remembers which campaigns have changed, never
// how: that is looked up when it is told, so nothing here grows with the changes.
func (r *Relay) Tell(partition int32, changes []engine.Change) {
	r.cfg.Feed.Tell(partition, changes)
	if !r.awake.Load() || len(changes) == 0 {
		return
	}
	telling := r.telling.Load()
	r.mu.Lock()
	last, item := "", (*changed)(nil)
	for i := range changes {
		c := &changes[i]
		if c.Campaign != last {
			last = c.Campaign
			r.recent[last] = struct{}{}
			if telling {
				item = r.mark(last)
			}
		}
		if telling && c.User != (fold.User{}) && len(item.users) < ownMost {
			if item.users == nil {
				item.users = map[fold.User]struct{}{}
			}
			item.users[c.User] = struct{}{}
		}
	}
	r.mu.Unlock()
	if telling {
		r.rouse()
	}
}

// mark notes that a campaign is to be told of. Called with mu held.
func (r *Relay) mark(id string) *changed {
	item := r.pending[id]
	if item == nil {
		item = &changed{}
		r.pending[id] = item
	}
	return item
}

func (r *Relay) rouse() {
	select {
	case r.wake <- struct{}{}:
	default: // it is awake already
	}
}

// Run tells until ctx ends.
func (r *Relay) Run(ctx context.Context) error {
	var asking sync.WaitGroup
	asking.Go(func() { _ = r.cfg.Carrier.Asked(ctx, r.ask, r.repeat) })
	defer asking.Wait()
	defer r.giveUp()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for r.look(ctx); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
			r.look(ctx)
		case <-r.wake:
		}
		if !r.telling.Load() {
			continue
		}
		if rest := r.flush(ctx); rest > 0 && !sleep(ctx, rest) {
			return ctx.Err()
		}
	}
}

// ask notes that a receiver does not know a campaign. A relay whose turn it is
// not leaves it to the one whose it is.
func (r *Relay) ask(campaign string) {
	if !r.telling.Load() {
		return
	}
	r.mu.Lock()
	if len(r.asked) < askedMost {
		r.asked[campaign] = struct{}{}
	}
	r.mu.Unlock()
	r.rouse()
}

// repeat has everything told again that may have been lost.
func (r *Relay) repeat() {
	r.mu.Lock()
	for _, set := range []map[string]struct{}{r.recent, r.older} {
		for id := range set {
			r.mark(id)
		}
	}
	r.mu.Unlock()
	r.rouse()
}

// look sees whether anybody receives, and whose turn it is.
func (r *Relay) look(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, lookEvery)
	defer cancel()
	there, err := r.cfg.Carrier.Receivers(within, r.telling.Load())
	if err != nil {
		r.trouble(ctx, err)
		return
	}
	r.warned = false
	r.awake.Store(there)
	if !there {
		r.giveUp()
		r.forget()
		return
	}
	r.take(within)
	if time.Since(r.rotated) >= recentFor {
		r.rotate()
	}
}

// take takes this relay's turn, or keeps it.
func (r *Relay) take(ctx context.Context) {
	if r.cfg.Locker == nil {
		r.begin()
		return
	}
	if r.turn != nil {
		if r.turn.Extend(ctx) == nil {
			return
		}
		r.turn = nil // lost, or about to be: two who tell at once do no harm
	}
	lock, err := r.cfg.Locker.TryLock(ctx, "lk:news", turnLasts)
	if err != nil {
		if r.others = errors.Is(err, engine.ErrTaken); r.others {
			r.telling.Store(false)
		}
		return
	}
	r.turn, r.others = lock, false
	r.begin()
}

// begin tells what the one before may not have told.
func (r *Relay) begin() {
	if !r.telling.Swap(true) {
		r.metrics.turns.Inc()
		r.repeat()
	}
}

// giveUp lets another relay tell.
func (r *Relay) giveUp() {
	r.telling.Store(false)
	if r.turn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookEvery)
	defer cancel()
	_ = r.turn.Unlock(ctx) // it expires by itself
	r.turn = nil
}

// rotate forgets what changed long ago, unless it may be that nobody has told it.
func (r *Relay) rotate() {
	if !r.telling.Load() && !r.others {
		return
	}
	r.rotated = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.older, r.recent = r.recent, map[string]struct{}{}
}

// forget drops everything: nobody receives.
func (r *Relay) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.pending)
	clear(r.recent)
	clear(r.older)
	clear(r.asked)
}

func (r *Relay) trouble(ctx context.Context, err error) {
	r.metrics.failed.Inc()
	if r.awake.Load() && !r.warned && ctx.Err() == nil {
		r.warned = true
		r.cfg.Logger.WarnContext(ctx, "nodes that follow no log are not told the news", "room", "cache", "err", err)
	}
}
