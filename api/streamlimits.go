package api

import (
	"math/rand/v2"
	"slices"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// StreamLimits of one node. Zero fields mean the defaults named here; a negative
// number is none at all.
type StreamLimits struct {
	Most       int           // open at once; beyond: 503 and come again later; 40,000
	PerMember  int           // beyond: 429; 4
	PerAddress int           // of client addresses; beyond: 429; 500, since a campus is one address
	Spread     time.Duration // over which they end when the node does; 2 s
}

func (l StreamLimits) withDefaults() StreamLimits {
	for _, n := range []struct {
		at  *int
		def int
	}{{&l.Most, 40_000}, {&l.PerMember, 4}, {&l.PerAddress, 500}} {
		if *n.at == 0 {
			*n.at = n.def
		}
	}
	if l.Spread <= 0 {
		l.Spread = 2 * time.Second
	}
	return l
}

// enter counts a stream in, or says why there is no room for it.
func (h *streams) enter(s *stream) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.leaving {
		return later(unavailable, errLeaving)
	}
	if h.limits.Most < 0 || h.open >= h.limits.Most {
		p := later(overloaded, engine.ErrOverloaded)
		p.retry = 5*time.Second + rand.N(10*time.Second)
		return p
	}
	if h.byAddress[s.address] >= h.limits.PerAddress && h.limits.PerAddress >= 0 {
		return limited(&h.address, 2*time.Second+rand.N(3*time.Second))
	}
	if s.known && h.limits.PerMember >= 0 && len(h.byMember[s.user]) >= h.limits.PerMember {
		h.lookFor(s.user)
		if len(h.byMember[s.user]) >= h.limits.PerMember {
			return limited(&h.members, 2*time.Second+rand.N(3*time.Second))
		}
	}
	h.open++
	h.came.Add(1)
	h.byAddress[s.address]++
	if s.known {
		h.byMember[s.user] = append(h.byMember[s.user], s)
	}
	s.counted = true
	h.metrics.open.Inc()
	return nil
}

// lookFor counts out a member's streams whose reader has left without a word.
// Their writers find them too, a moment later. Called with mu held.
func (h *streams) lookFor(user fold.User) {
	for _, s := range slices.Clone(h.byMember[user]) {
		if sock := s.sock.Load(); sock != nil {
			if gone, _ := h.probe.of(sock, false); gone {
				h.countOut(s)
			}
		}
	}
}

// leave counts a stream out.
func (h *streams) leave(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.countOut(s)
}

func (h *streams) countOut(s *stream) {
	if !s.counted {
		return
	}
	s.counted = false
	h.open--
	h.metrics.open.Dec()
	if h.byAddress[s.address]--; h.byAddress[s.address] <= 0 {
		delete(h.byAddress, s.address)
	}
	if !s.known {
		return
	}
	left := slices.DeleteFunc(h.byMember[s.user], func(o *stream) bool { return o == s })
	if len(left) == 0 {
		delete(h.byMember, s.user)
		return
	}
	h.byMember[s.user] = left
}
