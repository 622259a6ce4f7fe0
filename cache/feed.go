package cache

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// Source is where a campaign's present state is read from. *engine.Engine
// fulfils it and says what is promised.
type Source interface {
	// Campaign returns any campaign, drafts too. engine.ErrNotFound,
	// engine.ErrUnavailable.
	Campaign(id string) (engine.Campaign, error)
	// Told returns the offset before which the feed was told everything of a
	// partition; -1 while nothing of it is known.
	Told(partition int32) int64
}

// Milestones reads what happened to campaigns before this process began. Both
// books fulfil it.
type Milestones interface {
	// Milestones returns every change of status and cap of the partition's
	// campaigns that are not archived, with the totals after each, by campaign
	// and event.
	Milestones(ctx context.Context, partition int32) ([]engine.Change, error)
}

// FeedConfig of a feed.
type FeedConfig struct {
	Partitions int32
	Source     Source     // required
	Book       Milestones // nil: nothing happened before
	Logger     *slog.Logger
	Metrics    prometheus.Registerer // nil: not measured
}

// Feed is the live news of every campaign. It hears each numbered change from
// the folds of this process (engine.News) and hands out frames: merged, encoded
// once, and resumed at any event number, however old. It keeps of each campaign
// where it stands and its milestones, and a tape of frames for those that
// somebody watches. Watching asks neither the ledger nor Redis.
type Feed struct {
	cfg     FeedConfig
	metrics *feedMetrics
	elapsed func() time.Duration // since the feed was made
	parts   []*part
	wake    chan struct{} // one place: there is something to cut
	hears   listener      // set before Run
	far     *Receiver     // nil: the folds of this process tell the news
}

// listener is who passes frames on.
type listener struct {
	grown func()
	told  func(campaign string, user fold.User)
}

// part is the reels of one partition.
type part struct {
	mu     sync.Mutex // held for a few microseconds; guards all below and the reels
	reels  map[string]*Reel
	loaded bool    // the milestones of older days are known
	dirty  []*Reel // with something that is not on their tapes
	own    []own   // members' own changes to be passed on
}

// own is a change of a member who asks for it.
type own struct {
	campaign string
	user     fold.User
}

// NewFeed makes a feed that has heard nothing yet. It starts nothing.
func NewFeed(cfg FeedConfig) *Feed {
	start := time.Now()
	f := &Feed{cfg: cfg, elapsed: func() time.Duration { return time.Since(start) }, wake: make(chan struct{}, 1)}
	for range cfg.Partitions {
		f.parts = append(f.parts, &part{reels: map[string]*Reel{}, loaded: cfg.Book == nil})
	}
	f.metrics = newFeedMetrics(cfg.Metrics, f)
	return f
}

// Listen names who passes the frames on, before Run: grown is called when tapes
// have grown, told when a member who is minded has something new of its own.
// Both are called by Run's goroutine and must not block.
func (f *Feed) Listen(grown func(), told func(campaign string, user fold.User)) {
	f.hears = listener{grown, told}
}

// Tell implements engine.News. Of a campaign that nobody watches it costs one
// look into a map.
func (f *Feed) Tell(partition int32, changes []engine.Change) {
	p := f.parts[partition]
	var r *Reel
	p.mu.Lock()
	for i := range changes {
		c := &changes[i]
		if r == nil || r.id != c.Campaign {
			r = p.reel(f, c.Campaign)
		}
		r.hear(c)
	}
	waits := len(p.dirty) > 0
	p.mu.Unlock()
	if waits {
		f.rouse()
	}
}

func (f *Feed) rouse() {
	select {
	case f.wake <- struct{}{}:
	default: // it is awake already
	}
}

// reel finds a campaign's reel or makes it. Called with mu held.
func (p *part) reel(f *Feed, id string) *Reel {
	r := p.reels[id]
	if r == nil {
		r = &Reel{id: id, feed: f, part: p}
		p.reels[id] = r
	}
	return r
}

// Run cuts the tapes, and reads the milestones of older days once, until ctx ends.
func (f *Feed) Run(ctx context.Context) error {
	var loading sync.WaitGroup
	defer loading.Wait()
	loading.Go(func() { f.load(ctx) })
	again := time.NewTimer(time.Hour)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.wake:
		case <-again.C:
		}
		if wait := f.cut(); wait > 0 {
			again.Reset(wait)
		}
	}
}

// cut cuts every reel that it is time for, and passes on what there is. It
// returns how long the next one has to wait, 0 when none does.
func (f *Feed) cut() (wait time.Duration) {
	grown := false
	for _, p := range f.parts {
		p.mu.Lock()
		left := p.dirty[:0]
		for _, r := range p.dirty {
			before := r.frames
			w := r.cut(f.elapsed())
			grown = grown || r.frames > before
			if r.dirty = w > 0; r.dirty {
				left = append(left, r)
				wait = sooner(wait, w)
			}
		}
		clear(p.dirty[len(left):])
		p.dirty = left
		mine := p.own
		p.own = nil
		p.mu.Unlock()
		if f.hears.told != nil {
			for _, o := range mine {
				f.hears.told(o.campaign, o.user)
			}
		}
	}
	if grown && f.hears.grown != nil {
		f.hears.grown()
	}
	return wait
}

func sooner(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}
