package cache

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"firstcome/engine"
	"firstcome/engine/fold"
)

const (
	// receiverParts is into how many parts a far feed's campaigns are divided, so
	// that they do not share one mutex.
	receiverParts = 16
	// wantsMost bounds the campaigns that a node receives at once. Beyond it others
	// cannot be watched here, until some are left.
	wantsMost = 20_000
	// linger is how long a campaign is received after its last watcher left: most
	// come back, and pages that ask for what they missed do so one by one.
	linger = 5 * time.Second
	// checkEvery is how often it is looked whether the last message of a campaign
	// was lost; those that were heard of meanwhile need no look.
	checkEvery = 5 * time.Second
	// askAgain is how often what nobody has kept is asked for.
	askAgain = 250 * time.Millisecond
	// knownPoll is how often it is looked whether what was asked for has come.
	knownPoll = 2 * time.Millisecond
	// relaySilent is how long no relay need be heard of until this node says that
	// it is not ready.
	relaySilent = 10 * time.Second
	// readWithin bounds every question to Redis.
	readWithin = time.Second
)

// Channels is what a receiver hears by.
type Channels interface {
	// Run hears until ctx ends.
	Run(ctx context.Context, hearer Hearer) error
	// Join has the campaigns' messages come, Part no more.
	Join(campaigns []string)
	Part(campaigns []string)
	// Renew makes the connection anew.
	Renew()
	// States returns what is kept of each campaign; nil: nothing.
	States(ctx context.Context, campaigns []string) ([][]byte, error)
	// Ends returns the first bytes of each state, and tells relays that somebody
	// receives.
	Ends(ctx context.Context, campaigns []string) ([][]byte, error)
	// Ask asks the relays for campaigns.
	Ask(ctx context.Context, campaigns []string) error
}

// Hearer is told what comes. All calls come from one goroutine.
type Hearer interface {
	// Heard takes a campaign's message.
	Heard(campaign string, message []byte)
	// Joined says that from now on a campaign's messages come: what was before may
	// have been missed.
	Joined(campaign string)
	// Relayed says that a relay is there.
	Relayed()
}

// ReceiverConfig of a receiver.
type ReceiverConfig struct {
	Channels Channels
	User     func(subject string) fold.User // pseudonyms
	Logger   *slog.Logger
	Metrics  prometheus.Registerer // nil: not measured
}

// Receiver feeds a feed without any log: by the messages of relays, of those
// campaigns only that somebody on this node watches. A message may be lost,
// doubled or late: numbers show it, and the kept state heals it.
type Receiver struct {
	cfg     ReceiverConfig
	feed    *Feed
	metrics *receiverMetrics
	wake    chan struct{} // one place: something is to be read
	relayed atomic.Int64  // since the feed began: when a relay was heard of last; 0: never

	mu    sync.Mutex // held for microseconds, before any part's; guards all below
	wants map[string]*want
	left  map[string]time.Duration // campaigns left lately: when
	reads map[string]struct{}      // whose kept state is to be read
}

// want is one campaign that is received.
type want struct {
	uses atomic.Int64  // who looks for it just now
	last atomic.Int64  // since the feed began: when something was heard last
	idle time.Duration // guarded by Receiver.mu; since the feed began: when somebody was here last
}

// NewReceiver makes a receiver and its feed. It starts nothing.
func NewReceiver(cfg ReceiverConfig) *Receiver {
	r := &Receiver{cfg: cfg, wake: make(chan struct{}, 1), wants: map[string]*want{}, left: map[string]time.Duration{}, reads: map[string]struct{}{}}
	r.feed = NewFeed(FeedConfig{Partitions: receiverParts, Logger: cfg.Logger, Metrics: cfg.Metrics})
	r.feed.far = r
	for _, p := range r.feed.parts {
		p.loaded = false
	}
	r.metrics = newReceiverMetrics(cfg.Metrics, r)
	return r
}

// Feed is the feed that the receiver feeds.
func (r *Receiver) Feed() *Feed { return r.feed }

// User is a member's pseudonym.
func (r *Receiver) User(subject string) fold.User { return r.cfg.User(subject) }

// Following says why there is no live news to give.
func (r *Receiver) Following(string) error {
	if reason := r.Away(); reason != "" && r.relayed.Load() == 0 {
		return engine.ErrUnavailable // it never was; later what is known is still true
	}
	return nil
}

// Away says why this node is not up to date; empty when it is.
func (r *Receiver) Away() string {
	switch heard := time.Duration(r.relayed.Load()); {
	case heard == 0:
		return "no node that follows the log has been heard of yet"
	case r.feed.elapsed()-heard > relaySilent:
		return "no node that follows the log has been heard of for a while"
	}
	return ""
}

// Glance returns a member's claim as it was told last while the member watched
// here. What was before nobody knows here: engine.ErrUnavailable.
func (r *Receiver) Glance(campaign string, user fold.User) (engine.Claim, error) {
	p := r.part(campaign)
	p.mu.Lock()
	defer p.mu.Unlock()
	if reel := p.reels[campaign]; reel != nil {
		if c, ok := reel.claims[user]; ok {
			return c, nil
		}
	}
	return engine.Claim{}, engine.ErrUnavailable
}

// part is where a campaign's reel is.
func (r *Receiver) part(campaign string) *part {
	h := uint32(2166136261) // FNV-1a
	for i := range len(campaign) {
		h = (h ^ uint32(campaign[i])) * 16777619
	}
	return r.feed.parts[h%receiverParts]
}

// find returns a campaign's reel once something is known of it, with its part's
// mu held. engine.ErrNotFound; engine.ErrUnavailable when nothing comes in time.
func (r *Receiver) find(ctx context.Context, id string) (*Reel, error) {
	w := r.want(id)
	if w == nil {
		return nil, engine.ErrUnavailable
	}
	defer w.uses.Add(-1) // who begins to watch has done so, or the part's mu is held
	p := r.part(id)
	for waited := time.Duration(0); ; waited += knownPoll {
		p.mu.Lock()
		switch reel := p.reels[id]; {
		case reel != nil && reel.now.ev != 0:
			return reel, nil
		case reel != nil && reel.none:
			p.mu.Unlock()
			return nil, engine.ErrNotFound
		}
		p.mu.Unlock()
		if waited > aheadMost {
			return nil, engine.ErrUnavailable
		}
		if !sleep(ctx, knownPoll) {
			return nil, ctx.Err()
		}
	}
}

// want has a campaign received, and counts one more who uses it; nil when there
// are too many.
func (r *Receiver) want(id string) *want {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.wants[id]
	if w == nil {
		if len(r.wants) >= wantsMost {
			return nil
		}
		w = &want{}
		r.wants[id] = w
		delete(r.left, id)
		r.cfg.Channels.Join([]string{id})
	}
	w.uses.Add(1)
	w.idle = r.feed.elapsed()
	return w
}
