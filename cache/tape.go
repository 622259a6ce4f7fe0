package cache

import "sync"

// blockSize is how much of a tape is made at once. A tape keeps one to two
// blocks: at ten frames of 150 bytes a second that is at least twenty seconds,
// and a reader that stands still is closed after ten. Who falls behind all the
// same is told so and has to come again.
const blockSize = 32 << 10

// tape is the frames of one campaign, encoded once for all who watch. Bytes that
// are on it never change, so readers need no copy.
type tape struct {
	mu    sync.Mutex // held for a few instructions
	start int64      // position of the first byte of old
	old   []byte
	now   []byte // grows within its capacity only
	id    string // of the last frame that is told, on the tape or before it
	over  bool   // nothing comes any more
}

// append puts whole frames on the tape; id is the last one's.
func (t *tape) append(frames []byte, id string, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.now)+len(frames) > cap(t.now) {
		t.start += int64(len(t.old))
		t.old, t.now = t.now, make([]byte, 0, max(blockSize, len(frames)))
	}
	t.now = append(t.now, frames...)
	t.id, t.over = id, over
}

// tail is where the tape ends, and the id of its last frame.
func (t *tape) tail() (end int64, id string, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.end(), t.id, t.over
}

func (t *tape) end() int64 { return t.start + int64(len(t.old)+len(t.now)) }

// read returns what is on the tape from a position on, not always all of it;
// ok is false when that is not there any more.
func (t *tape) read(pos int64) (data []byte, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch at := pos - t.start; {
	case at < 0 || pos > t.end():
		return nil, false
	case at < int64(len(t.old)):
		return t.old[at:len(t.old):len(t.old)], true
	default:
		at -= int64(len(t.old))
		return t.now[at:len(t.now):len(t.now)], true
	}
}

// wipe forgets what is on the tape; positions go on from its end.
func (t *tape) wipe() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.start, t.old, t.now = t.end(), nil, nil
}
