package api

import (
	"errors"
	"net/http"
)

// live is GET /livez: the process answers. What is beyond it has no say here,
// or a dead Redis would have every node restarted.
func (s *Server) live(c *call) error {
	return c.json(http.StatusOK, []byte(`{"status":"live"}`))
}

// ready is GET /readyz: this node answers claims.
func (s *Server) ready(c *call) error {
	h := s.ports.Node.Health()
	if !h.Ready {
		p := later(unavailable, errors.New(h.Reason))
		p.because = "this node is not ready"
		return p
	}
	return c.json(http.StatusOK, []byte(`{"status":"ready"}`))
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
		b = closeObject(b)
	}
	b = append(closeObject(append(b, ']', ',')), ',')
	c.buf = c.closeList(b, "nodes", "")
	return c.json(http.StatusOK, c.buf)
}
