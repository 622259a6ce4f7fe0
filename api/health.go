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

// nodes is GET /v1/admin/nodes: this node, the only one that it can vouch for.
func (s *Server) nodes(c *call) error {
	h := s.ports.Node.Health()
	b := openList(c.buf[:0])
	b = appendText(append(b, '{'), "node", h.Node)
	b = appendBool(b, "ready", h.Ready)
	if h.Reason != "" {
		b = appendText(b, "reason", h.Reason)
	}
	b = appendTexts(b, "roles", h.Roles)
	b = append(appendName(b, "partitions"), '[')
	for i, p := range h.Partitions {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendInt(append(b, '{'), "partition", int64(p.Partition))
		b = appendInt(b, "next", p.Next)
		b = appendInt(b, "end", p.End)
		b = appendText(b, "state", p.State)
		b = appendSeconds(b, "age_seconds", p.Age)
		if p.Reason != "" {
			b = appendText(b, "reason", p.Reason)
		}
		if p.Ledger != "" {
			b = appendText(b, "ledger", p.Ledger)
		}
		b = closeObject(b)
	}
	b = append(closeObject(append(b, ']', ',')), ',')
	c.buf = c.closeList(b, "nodes", "")
	return c.json(http.StatusOK, c.buf)
}
