package cache

import (
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

const (
	// beat is the shortest time between two cuts of a reel: what happens
	// meanwhile is merged.
	beat = 100 * time.Millisecond
	// framesMost is how many frames a reel gives in any second. Milestones that
	// come faster wait for their turn; counts are merged meanwhile.
	framesMost = 10
)

// Reel is one campaign's news: what is past, where it stands, and the tape that
// all who watch it read from.
type Reel struct {
	id   string
	feed *Feed
	part *part

	// Guarded by part.mu.
	epoch     string // of the log; empty while nobody asked for the campaign
	now       mark   // ev 0: nothing is known yet
	since     int64  // milestones behind this event are all in past
	forgotten bool   // those before it are nowhere any more
	past      past
	lines     lines
	watchers  int
	minds     map[fold.User]int          // members whose own changes are asked for: how many ask
	none      bool                       // far feeds: there is no such campaign
	claims    map[fold.User]engine.Claim // far feeds: what those members were told last
	dirty     bool                       // in part.dirty
	heard     time.Duration              // when the first change that is not on the tape was heard
	told      mark                       // the last that is on the tape
	cutAt     time.Duration              // of the last cut
	sent      [framesMost]time.Duration
	frames    int // on the tape so far
	buf       []byte

	tape tape
}

// hear takes the next change. Called with part.mu held.
func (r *Reel) hear(c *engine.Change) {
	if c.What.OfCampaign() {
		m := milestoneOf(c)
		if c.Ev == r.now.ev+1 {
			m.eve = r.now.at
		}
		r.past.add(m)
	}
	if c.Ev <= r.now.ev {
		return // heard before
	}
	if c.Ev != r.now.ev+1 {
		r.since = c.Ev - 1
	}
	if c.What == fold.ArchivedNow && r.since > 0 && !r.part.loaded {
		r.forgotten = true // the book does not tell of archived campaigns
	}
	r.now = mark{c.Ev, c.At, c.After}
	r.lines.add(c)
	if r.watchers == 0 {
		return
	}
	r.touch()
	if len(r.minds) > 0 && r.minds[c.User] > 0 {
		r.part.own = append(r.part.own, own{r.id, c.User})
	}
}

// touch puts the reel on the list of those to be cut. Called with part.mu held.
func (r *Reel) touch() {
	if !r.dirty {
		r.dirty, r.heard = true, r.feed.elapsed()
		r.part.dirty = append(r.part.dirty, r)
	}
}

// adopt takes a campaign's state as the fold has it, unless news of it came
// already. Called with part.mu held.
func (r *Reel) adopt(c *engine.Campaign) {
	if r.now.ev != 0 {
		return
	}
	t := fold.Totals{Granted: c.Granted, Waiting: c.Waiting, Cap: fold.NoCap, Status: c.Status}
	if c.Cap != nil {
		t.Cap = *c.Cap
	}
	r.now = mark{c.Ev, time.Now().UnixMilli(), t}
	r.since, r.forgotten = c.Ev, c.Status == fold.Archived
}

// cut puts on the tape what came since the last cut, if it is time. It returns
// how long what is left has to wait, 0 when nothing is. Called with part.mu held.
func (r *Reel) cut(now time.Duration) (wait time.Duration) {
	if r.told.ev == r.now.ev || r.watchers == 0 {
		return 0
	}
	if next := r.cutAt + beat; now < next {
		return next - now
	}
	b, n := r.buf[:0], r.frames
	for r.told.ev < r.now.ev && wait == 0 {
		turn := &r.sent[r.frames%framesMost]
		if r.frames >= framesMost && now-*turn < time.Second {
			wait = *turn + time.Second - now
			continue
		}
		*turn = now
		r.frames++
		f := r.past.next(r.told.ev, r.now)
		b = f.appendSSE(b, r.epoch)
		r.told = f.mark
	}
	if r.frames > n {
		r.cutAt = now
		r.feed.metrics.cut(r.frames-n, now-r.heard)
		r.put(b)
		r.heard = now // for what is left
	}
	r.buf = b[:0]
	return wait
}

// put puts frames up to told on the tape. Called with part.mu held.
func (r *Reel) put(frames []byte) {
	r.tape.append(frames, string(appendID(nil, r.epoch, r.told.ev)), r.over(r.told.ev))
}

// over reports whether nothing comes behind an event any more.
func (r *Reel) over(ev int64) bool {
	return r.now.totals.Status == fold.Archived && ev == r.now.ev
}

// complete reports whether every milestone behind an event is known.
func (r *Reel) complete(ev int64) bool {
	return ev >= r.since || r.part.loaded && !r.forgotten
}

// begin makes a reel that nobody watched ready to be watched.
func (r *Reel) begin() {
	if r.watchers == 0 {
		r.told = r.now
		r.put(nil)
	}
	r.watchers++
}
