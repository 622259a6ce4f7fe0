package cache

import (
	"context"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// aheadMost is how long a client that knows more than this node is waited for,
// and so is the book by one who comes from before this process began.
const aheadMost = 2 * time.Second

// frameSize is about how large a frame is.
const frameSize = 256

// Watch opens a campaign's reel for one more watcher, who must Leave it. A draft
// is not found. engine.ErrNotFound, engine.ErrUnavailable.
func (f *Feed) Watch(ctx context.Context, campaign string) (*Reel, error) {
	r, err := f.find(ctx, campaign)
	if err != nil {
		return nil, err
	}
	defer r.part.mu.Unlock()
	if r.now.totals.Status == fold.Draft {
		return nil, engine.ErrNotFound
	}
	r.begin()
	return r, nil
}

// Leave ends a watcher's interest. The last one to leave takes the tape along.
func (r *Reel) Leave() {
	r.part.mu.Lock()
	defer r.part.mu.Unlock()
	if r.watchers--; r.watchers == 0 {
		r.tape.wipe()
		r.buf = nil
	}
}

// Mind asks for news of a member's own changes, or no more. As often as it was
// asked it must be taken back.
func (r *Reel) Mind(user fold.User, on bool) {
	r.part.mu.Lock()
	defer r.part.mu.Unlock()
	if r.minds == nil {
		r.minds = map[fold.User]int{}
	}
	if on {
		r.minds[user]++
	} else if r.minds[user]--; r.minds[user] <= 0 {
		delete(r.minds, user)
		delete(r.claims, user)
	}
}

// Join finds where a watcher who has seen everything up to an id goes on: the
// frames that it missed, and the position on the tape behind them. Without an
// id that is one count of everything so far. An id of another log gives a reset.
// ok is false when this node has yet to hear of what the id names, or to read
// what came before it began: ask again for up to two seconds, then insist, and
// a reset is given.
func (r *Reel) Join(after string, insist bool) (missed []byte, pos int64, ok bool) {
	r.part.mu.Lock()
	defer r.part.mu.Unlock()
	pos, _, _ = r.tape.tail()
	if after == "" {
		f := frame{count, 1, r.told}
		return f.appendSSE(make([]byte, 0, frameSize), r.epoch), pos, true
	}
	epoch, ev, known := parseID(after)
	switch {
	case !known || epoch != r.epoch || r.forgotten && ev < r.since:
		return appendReset(nil, r.epoch, r.told), pos, true
	case ev > r.told.ev || !r.complete(ev):
		if insist {
			return appendReset(nil, r.epoch, r.told), pos, true
		}
		return nil, pos, false
	}
	if ev < r.told.ev {
		missed = make([]byte, 0, frameSize)
	}
	for ev < r.told.ev {
		f := r.past.next(ev, r.told)
		missed = f.appendSSE(missed, r.epoch)
		ev = f.ev
	}
	return missed, pos, true
}

// Read returns what is on the tape from a position on, not always all of it.
// The bytes never change. ok is false when they are not there any more.
func (r *Reel) Read(pos int64) (data []byte, ok bool) { return r.tape.read(pos) }

// Tail is where the tape ends, the id of the last frame before that, and
// whether the stream is over for good: the campaign is archived, and everything
// is on the tape.
func (r *Reel) Tail() (end int64, id string, over bool) { return r.tape.tail() }

// Missing returns the frames behind an id as items of a JSON array without its
// brackets, at most most of them, and the position behind the last; without an
// id, one count of everything so far. Its cost is that of the missing. It waits
// for what this node has yet to hear, for up to two seconds.
func (f *Feed) Missing(ctx context.Context, campaign, after string, most int) (items []byte, position string, err error) {
	ctx, cancel := context.WithTimeout(ctx, aheadMost)
	defer cancel()
	for {
		r, err := f.find(ctx, campaign)
		if err != nil {
			return nil, "", err
		}
		items, position, ok, err := r.missing(after, most, ctx.Err() != nil)
		if ok || err != nil {
			return items, position, err
		}
		sleep(ctx, beat/4)
	}
}

// missing is Missing once. It lets go of the part's mu.
func (r *Reel) missing(after string, most int, insist bool) (items []byte, position string, ok bool, err error) {
	defer r.part.mu.Unlock()
	if r.now.totals.Status == fold.Draft {
		return nil, "", false, engine.ErrNotFound
	}
	at := string(appendID(nil, r.epoch, r.now.ev))
	if after == "" {
		f := frame{count, 1, r.now}
		return f.appendItem(nil, r.epoch), at, true, nil
	}
	epoch, ev, known := parseID(after)
	switch lost := !known || epoch != r.epoch || r.forgotten && ev < r.since; {
	case !lost && !insist && (ev > r.now.ev || !r.complete(ev)):
		return nil, "", false, nil
	case lost || ev > r.now.ev || !r.complete(ev):
		items = append(appendID([]byte(`{"id":"`), r.epoch, r.now.ev), `","event":"reset","data":`...)
		return append(appendResetData(items, r.epoch, r.now), '}'), at, true, nil
	}
	for ; ev < r.now.ev && most > 0; most-- {
		f := r.past.next(ev, r.now)
		if items != nil {
			items = append(items, ',')
		}
		items = f.appendItem(items, r.epoch)
		ev = f.ev
	}
	return items, string(appendID(nil, r.epoch, ev)), true, nil
}
