package sim

import (
	"strings"
	"time"
)

// breaks maps each fault to what it does; what it returns heals it.
var breaks = map[string]func(w *world, s Step) (heal func()){
	"freeze":    func(w *world, s Step) func() { return w.onHost(s, func(h *host, on bool) { h.frozen = on }) },
	"cut-log":   func(w *world, s Step) func() { return w.onHost(s, func(h *host, on bool) { h.links[toLog].cut = on }) },
	"cut-gate":  func(w *world, s Step) func() { return w.onHost(s, func(h *host, on bool) { h.links[toGate].cut = on }) },
	"cut-book":  func(w *world, s Step) func() { return w.onHost(s, func(h *host, on bool) { h.links[toBook].cut = on }) },
	"slow-log":  func(w *world, s Step) func() { return w.slow(s, toLog, 200*time.Millisecond) },
	"slow-gate": func(w *world, s Step) func() { return w.slow(s, toGate, 300*time.Millisecond) },
	"slow-book": func(w *world, s Step) func() { return w.slow(s, toBook, time.Second) },
	"lose-log":  func(w *world, s Step) func() { return w.lose(s, toLog) },
	"lose-gate": func(w *world, s Step) func() { return w.lose(s, toGate) },
	"lose-book": func(w *world, s Step) func() { return w.lose(s, toBook) },

	"crash": (*world).crash,
	"stop":  (*world).stop,

	"redis-gone": func(w *world, _ Step) func() {
		w.redis.set(func(r *redis) { r.gone = true })
		return func() { w.redis.set(func(r *redis) { r.gone = false }) }
	},
	"redis-wipe": func(w *world, _ Step) func() { w.redis.wipe(); return nothing },
	"redis-failover": func(w *world, _ Step) func() {
		w.redis.replicate()
		return w.redis.failOver
	},
	"redis-lie": func(w *world, _ Step) func() {
		w.redis.set(func(r *redis) { r.lying = true })
		return func() { w.redis.set(func(r *redis) { r.lying = false }) }
	},
	"redis-stingy": func(w *world, _ Step) func() {
		w.redis.set(func(r *redis) { r.stingy = true })
		return func() { w.redis.set(func(r *redis) { r.stingy = false }) }
	},
	"clock-redis": func(w *world, s Step) func() {
		w.redis.set(func(r *redis) { r.drift = jump(s) })
		return func() { w.redis.set(func(r *redis) { r.drift = 0 }) }
	},
	"clock-book": func(w *world, s Step) func() {
		w.shelf.setDrift(jump(s))
		return func() { w.shelf.setDrift(0) }
	},
	"clock-node": func(w *world, s Step) func() {
		w.setDrift(s.Node, jump(s))
		return func() { w.setDrift(s.Node, 0) }
	},
}

func nothing() {}

// fault breaks something for a while. Only one clock is wrong at a time: the
// time is what two of three agree on.
func (w *world) fault(s Step) {
	if strings.HasPrefix(s.Do, "clock-") {
		w.clocks <- struct{}{}
		defer func() { <-w.clocks }()
	}
	heal := breaks[s.Do](w, s)
	time.Sleep(s.For)
	heal()
}

// onHost changes the machine of a running node and changes it back, unless the
// process has gone meanwhile. Two faults of a kind may overlap: the first to
// heal heals both.
func (w *world) onHost(s Step, set func(h *host, on bool)) func() {
	p := w.node(s.Node)
	if p == nil {
		return nothing
	}
	p.host.change(func(h *host) { set(h, true) })
	return func() { p.host.change(func(h *host) { set(h, false) }) }
}

func (w *world) slow(s Step, to service, most time.Duration) func() {
	return w.onHost(s, func(h *host, on bool) {
		h.links[to].slow = 0
		if on {
			h.links[to].slow = most * time.Duration(s.N+1) / 1000
		}
	})
}

func (w *world) lose(s Step, to service) func() {
	return w.onHost(s, func(h *host, on bool) {
		h.links[to].lose = 0
		if on {
			h.links[to].lose = int(s.N/2) + 50
		}
	})
}

// crash kills a node; it is started anew afterwards.
func (w *world) crash(s Step) func() {
	p := w.takeDown(s.Node)
	if p == nil {
		return nothing
	}
	p.crash()
	return func() { w.setNode(s.Node, startProcess(w, s.Node)) }
}

// stop ends a node as an upgrade does; it is started anew afterwards.
func (w *world) stop(s Step) func() {
	p := w.takeDown(s.Node)
	if p == nil {
		return nothing
	}
	p.end()
	if p.err != nil {
		w.violate("stopped", "", "node %d ended with %v", s.Node, p.err)
	}
	return func() { w.setNode(s.Node, startProcess(w, s.Node)) }
}

// jump is an hour or more, ahead or behind.
func jump(s Step) time.Duration {
	d := time.Hour + time.Duration(s.N)*time.Second
	if s.N%2 == 0 {
		return -d
	}
	return d
}

func (w *world) setDrift(n int, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drift[n] = d
}

func (s *shelf) setDrift(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drift = d
}
