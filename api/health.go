package api

import (
	"errors"
	"net/http"

	"firstcome/engine"
)

// live is GET /livez: the process answers. What is beyond it has no say here,
// or a dead Redis would have every node restarted.
func (s *Server) live(c *call) error {
	return c.json(http.StatusOK, []byte(`{"status":"live"}`))
}

// ready is GET /readyz: this node answers claims. It is ready while it can for
// some partition, and names those that have stopped, or whose ledger has; why,
// it tells on the admins' listener only.
func (s *Server) ready(because bool) func(c *call) error {
	return func(c *call) error {
		h := s.ports.Node.Health()
		if s.leaving.Load() {
			h.Ready, h.Reason = false, "it ends"
		}
		if !h.Ready {
			p := later(unavailable, errors.New(h.Reason))
			p.because = "this node is not ready"
			p.extra = appendStopped(nil, h.Partitions, because)
			return p
		}
		b := appendText(append(c.buf[:0], '{'), "status", "ready")
		c.buf = closeObject(appendStopped(b, h.Partitions, because))
		return c.json(http.StatusOK, c.buf)
	}
}

// appendStopped appends `"stopped":[…],`; nothing when nothing has stopped.
func appendStopped(b []byte, parts []engine.PartitionHealth, because bool) []byte {
	none := len(b)
	b = append(appendName(b, "stopped"), '[')
	first := len(b)
	one := func(p *engine.PartitionHealth, what, reason string) {
		b = appendInt(append(b, '{'), "partition", int64(p.Partition))
		b = appendText(b, "what", what)
		if because {
			b = appendText(b, "reason", reason)
		}
		b = append(closeObject(b), ',')
	}
	for i := range parts {
		if p := &parts[i]; p.State == "stopped" {
			one(p, "claims", p.Reason)
		}
		if p := &parts[i]; p.Ledger != "" {
			one(p, "ledger", p.Ledger)
		}
	}
	if len(b) == first {
		return b[:none]
	}
	b[len(b)-1] = ']'
	return append(b, ',')
}
