package cache

import (
	"context"
	"time"

	"firstcome/engine"
)

const (
	// toldPoll is how often it is looked whether the news of what was just read
	// has come: it is under way within the same microseconds.
	toldPoll = time.Millisecond
	// loadPoll is how often a starting partition is looked at, loadAgain when a
	// book that did not answer is asked again.
	loadPoll  = 20 * time.Millisecond
	loadAgain = time.Second
)

// load reads the milestones of every partition once. Only when the fold is
// there: then the book is not behind what the fold began with, and the feed
// hears of everything after that.
func (f *Feed) load(ctx context.Context) {
	if f.cfg.Book == nil {
		return
	}
	for id := range f.parts {
		for wait := loadPoll; f.cfg.Source.Told(int32(id)) < 0; {
			if !sleep(ctx, wait) {
				return
			}
		}
		for warned := false; !f.loadPart(ctx, int32(id), warned); warned = true {
			if !sleep(ctx, loadAgain) {
				return
			}
		}
	}
}

func (f *Feed) loadPart(ctx context.Context, id int32, warned bool) bool {
	all, err := f.cfg.Book.Milestones(ctx, id)
	if err != nil {
		if !warned && ctx.Err() == nil {
			f.cfg.Logger.WarnContext(ctx, "the ledger gives no milestones: who resumes an old stream is told to read again until it does",
				"room", "cache", "partition", id, "err", err)
		}
		return false
	}
	p := f.parts[id]
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Campaign == all[0].Campaign {
			n++
		}
		p.reel(f, all[0].Campaign).past.join(all[:n])
		all = all[n:]
	}
	p.loaded = true
	return true
}

// sleep reports whether ctx still goes on after a while.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// find returns a campaign's reel with everything that was ever told of it: what
// the fold shows and the news has yet to hear is waited for. It returns with the
// part's mu held. engine.ErrNotFound; engine.ErrUnavailable, also when that does
// not come in time.
func (f *Feed) find(ctx context.Context, id string) (*Reel, error) {
	if f.far != nil {
		return f.far.find(ctx, id)
	}
	for waited := time.Duration(0); ; waited += toldPoll {
		c, err := f.cfg.Source.Campaign(id)
		if err != nil {
			return nil, err
		}
		if f.cfg.Source.Told(c.Partition) >= c.Next {
			return f.opened(&c), nil
		}
		if waited > aheadMost {
			return nil, engine.ErrUnavailable // its partition has stopped between the two
		}
		if !sleep(ctx, toldPoll) {
			return nil, ctx.Err()
		}
	}
}

func (f *Feed) opened(c *engine.Campaign) *Reel {
	p := f.parts[c.Partition]
	p.mu.Lock()
	r := p.reel(f, c.ID)
	r.epoch = c.Epoch
	r.adopt(c)
	return r
}
