package api

import (
	"hash/maphash"
	"math/rand/v2"
	"strconv"
	"time"
)

// busy: who was written to within this time.
const busy = 2 * time.Second

// pace is when what is done to streams that have nothing to say. All of them are
// looked after once in twenty ticks.
type pace struct {
	tick      time.Duration // how often a writer tries again what did not fit
	heartbeat time.Duration // of silence, then ":" is said; with a round, 15 s at most
	patience  time.Duration // for a reader that takes nothing; with a round, it is closed within 10 s
}

var usualPace = pace{100 * time.Millisecond, 13 * time.Second, 7500 * time.Millisecond}

// check looks after one stream.
func (w *writer) check(s *stream) {
	gone, unread := w.probe.of(s.sock.Load(), w.now.Sub(s.wrote) < busy)
	if taken := s.sent - int64(unread); taken > s.taken || unread == 0 && len(s.owed) == 0 {
		s.taken, s.moved = taken, w.now
	}
	switch {
	case gone:
		w.drop(s, left)
	case w.now.Sub(s.moved) >= w.hub.pace.patience:
		w.drop(s, slow)
	case !s.expires.IsZero() && w.now.After(s.expires):
		w.drop(s, expired)
	default:
		if s.queued {
			s.news.Store(true)
		}
		if w.now.Sub(s.wrote) >= w.hub.pace.heartbeat && len(s.owed) == 0 {
			s.owe(silence)
		}
		w.pump(s)
	}
}

var seed = maphash.MakeSeed()

// tellClaim owes the member its claim, behind the frame with the id, unless it
// knows it already or never had one. It reports whether it does.
func (s *stream) tellClaim(g Glances, id string) bool {
	claim, err := g.Glance(s.campaign, s.user)
	if err != nil || claim.State == "none" && s.claim == 0 {
		return false
	}
	s.queued = claim.State == "waitlisted"
	data := appendClaim(nil, &claim)
	sum := maphash.Bytes(seed, data)
	if sum == s.claim {
		return false
	}
	s.claim = sum
	b := append(append([]byte("id: "), id...), "\nevent: claim\ndata: "...)
	s.owe(append(append(b, data...), '\n', '\n'))
	return true
}

// appendRetry appends when to come back after the stream's end: after one to
// three seconds, so that a crowd does not come back as one.
func appendRetry(b []byte) []byte {
	b = append(b, "retry: "...)
	return append(strconv.AppendInt(b, 1000+rand.Int64N(2000), 10), '\n', '\n')
}
