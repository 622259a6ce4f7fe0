package api

import (
	"bytes"
	"sync/atomic"
	"time"

	"firstcome/engine/fold"
)

// aheadMost is how long a reader that knows more than this node is waited for.
const aheadMost = 2 * time.Second

var (
	silence  = []byte(":\n\n")
	frameEnd = []byte("\n\n")
)

// stream is one reader: a socket, a position on a tape, and little else.
type stream struct {
	sock     atomic.Pointer[socket] // nil until it has its head
	reel     Reel
	campaign string
	address  string
	user     fold.User
	known    bool      // who reads is the member user
	expires  time.Time // of what proved that; zero: it does not
	counted  bool      // guarded by streams.mu
	writer   *writer   // guarded by streams.mu; set once
	news     atomic.Bool

	// Owned by its writer.
	room     *room
	at, spot int    // its places in writer.all and room.streams
	pos      int64  // of the next byte on the tape, always behind a whole frame
	owed     []byte // what comes before that
	after    string // joining: what the reader has seen
	joining  bool
	until    time.Time // joining: then a reset is given
	wrote    time.Time // when something was written last
	moved    time.Time // when the reader took something last, or had nothing to take
	sent     int64
	taken    int64  // of sent, by the reader's machine
	claim    uint64 // hash of the claim that was told last; 0: none
	queued   bool   // that claim waits in the list: its position moves without news
}

// owe puts bytes before everything else that is to be written.
func (s *stream) owe(b []byte) { s.owed = append(s.owed, b...) }

// end closes the stream and tells everybody who counts it.
func (s *stream) end(h *streams) {
	if s.known {
		s.reel.Mind(s.user, false)
	}
	s.reel.Leave()
	sock := s.sock.Load()
	if half, ok := sock.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	sock.close()
	h.leave(s)
}

// pump writes what there is for a stream, as far as its reader takes it.
func (w *writer) pump(s *stream) {
	if s.room == nil {
		return
	}
	why, more := w.write(s)
	switch {
	case why != going:
		w.drop(s, why)
	case more:
		w.waiting[s] = struct{}{}
	default:
		delete(w.waiting, s)
	}
}

// write is pump: more says that something is left, why that nothing goes on.
func (w *writer) write(s *stream) (why reason, more bool) {
	if why, more = w.writeOwed(s); why != going || more {
		return why, more
	}
	if s.joining {
		if !s.join(w.now) {
			return going, true
		}
		if why, more = w.writeOwed(s); why != going || more {
			return why, more
		}
	}
	for {
		end, id, over := s.reel.Tail()
		if s.pos == end {
			if s.known && s.news.Swap(false) && s.tellClaim(w.hub.glances, id) {
				if why, more = w.writeOwed(s); why != going || more {
					return why, more
				}
			}
			if over {
				return finished, false
			}
			return going, false
		}
		if why, more = w.writeTape(s); why != going || more {
			return why, more
		}
	}
}

// writeTape writes what is on the tape behind a stream's position.
func (w *writer) writeTape(s *stream) (why reason, more bool) {
	data, frames, ok := s.room.read(s.pos)
	if !ok {
		return slow, false
	}
	n, why := w.send(s, data)
	if why != going {
		return why, false
	}
	if n < len(data) {
		w.frames += s.stop(data, n)
		return going, true
	}
	w.frames += frames
	s.pos += int64(n)
	return going, false
}

// join finds where on the tape the stream begins; false when nobody knows yet.
func (s *stream) join(now time.Time) bool {
	missed, pos, ok := s.reel.Join(s.after, !now.Before(s.until))
	if !ok {
		return false
	}
	s.owe(missed)
	s.pos, s.joining, s.after = pos, false, ""
	return true
}

// stop keeps the rest of the frame in which a reader stopped, so that the stream
// stands behind a whole one. It returns how many frames that were.
func (s *stream) stop(data []byte, n int) (frames int64) {
	whole := n // frames up to here
	if n == 0 || !bytes.HasSuffix(data[:n], frameEnd) {
		whole = bytes.LastIndex(data[:n], frameEnd) + 2
		if whole == 1 {
			whole = 0
		}
	}
	if whole < n { // in the midst of one
		end := whole + bytes.Index(data[whole:], frameEnd) + 2
		s.owe(data[n:end])
		whole = end
	}
	s.pos += int64(whole)
	return int64(bytes.Count(data[:whole], frameEnd))
}

// writeOwed writes what comes before the tape.
func (w *writer) writeOwed(s *stream) (why reason, more bool) {
	if len(s.owed) == 0 {
		return going, false
	}
	n, why := w.send(s, s.owed)
	if why != going {
		return why, false
	}
	if n < len(s.owed) {
		s.owed = s.owed[:copy(s.owed, s.owed[n:])]
		return going, true
	}
	s.owed = nil
	return going, false
}

func (w *writer) send(s *stream, b []byte) (n int, why reason) {
	n, err := s.sock.Load().write(b)
	if err != nil {
		return n, left
	}
	if n > 0 {
		s.wrote = w.now
		s.sent += int64(n)
		w.bytes += int64(n)
	}
	return n, going
}

// read reads the room's tape. Nearly all of a room read from the same position.
func (r *room) read(pos int64) (data []byte, frames int64, ok bool) {
	if r.pos != pos || len(r.data) == 0 {
		r.pos = pos
		r.data, r.ok = r.reel.Read(pos)
		r.frames = int64(bytes.Count(r.data, frameEnd))
	}
	return r.data, r.frames, r.ok
}
