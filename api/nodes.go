package api

import (
	"errors"
	"net/http"
	"time"

	"firstcome/engine"
)

// nodes is GET /v1/admin/nodes: this node in full, and the others with what
// they say of themselves. complete tells whether the others could be asked for.
func (s *Server) nodes(c *call) error {
	h := s.ports.Node.Health()
	list, err := []engine.Presence{{Node: h.Node, Roles: h.Roles}}, error(nil)
	if s.ports.Cluster != nil {
		list, err = s.ports.Cluster.Nodes(c.r.Context())
	}
	now := s.ports.Campaigns.Now()
	b := openList(c.buf[:0])
	for i := range list {
		b = appendPresence(append(b, '{'), &list[i], now)
		if i == 0 {
			b = appendThisNode(b, &h, s.ports.Node)
		}
		b = append(closeObject(b), ',')
	}
	b = c.closeList(b, "nodes", "")
	c.buf = closeObject(appendBool(append(b[:len(b)-1], ','), "complete", err == nil && s.ports.Cluster != nil))
	return c.json(http.StatusOK, c.buf)
}

// appendPresence appends what a node says of itself.
func appendPresence(b []byte, p *engine.Presence, now time.Time) []byte {
	b = appendText(b, "node", p.Node)
	if p.Address != "" {
		b = appendText(b, "address", p.Address)
	}
	if p.Build != "" {
		b = appendText(b, "build", p.Build)
	}
	if p.Rules > 0 {
		b = appendInt(b, "rules", int64(p.Rules))
	}
	b = appendTexts(b, "roles", p.Roles)
	b = appendTime(b, "started_at", p.StartedAt)
	if !p.SaidAt.IsZero() {
		b = appendSeconds(b, "age_seconds", max(0, now.Sub(p.SaidAt)))
	}
	return b
}

// appendThisNode appends what a node can vouch for only itself. A digest is that
// of the fold at next: nodes with an equal next have equal ones.
func appendThisNode(b []byte, h *engine.Health, node Node) []byte {
	next, digests := node.Folds()
	b = appendBool(b, "this", true)
	b = appendBool(b, "ready", h.Ready)
	if h.Reason != "" {
		b = appendText(b, "reason", h.Reason)
	}
	b = append(appendName(b, "partitions"), '[')
	for i, p := range h.Partitions {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendInt(append(b, '{'), "partition", int64(p.Partition))
		if int(p.Partition) < len(next) && next[p.Partition] > 0 {
			p.Next = next[p.Partition]
			b = appendDigest(b, digests[p.Partition])
		}
		b = appendInt(b, "next", p.Next)
		b = appendInt(b, "end", p.End)
		b = appendInt(b, "rules", int64(p.Rules))
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
	return append(b, ']', ',')
}

// rulesMost bounds a version that may be asked for: one byte of a record.
const rulesMost = 255

// upgrade is POST /v1/admin/upgrade: brings a version of the rules into force.
func (s *Server) upgrade(c *call) error {
	if s.ports.Cluster == nil {
		return later(unavailable, errors.New("this node knows no others"))
	}
	dryRun, err := c.dryRun()
	if err != nil {
		return err
	}
	f, err := c.adminFields()
	if err != nil {
		return err
	}
	var rules int64
	f.integer("rules", &rules)
	if rules < 1 || rules > rulesMost {
		f.refuse("rules", "must be an integer from 1 to %d", rulesMost)
	}
	force := false
	f.flag("force", &force)
	reason := readReason(f, false)
	if err := f.done(); err != nil {
		return err
	}
	done, err := s.ports.Cluster.Activate(c.r.Context(), uint8(rules), force, c.actor(reason), dryRun)
	if err != nil {
		return s.notUpgraded(err)
	}
	b := append(c.buf[:0], '{')
	if dryRun {
		b = appendBool(b, "dry_run", true)
	}
	c.buf = closeObject(appendActivation(b, &done))
	return c.json(http.StatusOK, c.buf)
}

func appendActivation(b []byte, a *engine.Activation) []byte {
	b = appendInt(b, "rules", int64(a.Rules))
	b = appendBool(b, "changed", a.Changed)
	b = append(appendName(b, "partitions"), '[')
	for i, p := range a.Partitions {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendInt(append(b, '{'), "partition", int64(p.Partition))
		b = appendBool(b, "changed", p.Changed)
		if p.Offset > 0 {
			b = appendInt(b, "offset", p.Offset)
		}
		if p.Err != nil {
			b = appendText(b, "reason", p.Err.Error())
		}
		b = closeObject(b)
	}
	return append(b, ']', ',')
}

// notUpgraded names the nodes that stand in the way.
func (s *Server) notUpgraded(err error) error {
	var old *engine.TooOldError
	switch {
	case errors.As(err, &old):
		return &problem{kind: nodesTooOld, because: old.Error(), extra: appendTooOld(nil, old, s.ports.Campaigns.Now())}
	case errors.Is(err, engine.ErrNoRoster):
		p := later(unavailable, err)
		p.because = "the list of the nodes cannot be read: nobody knows whether one is too old"
		return p
	}
	return err
}

func appendTooOld(b []byte, old *engine.TooOldError, now time.Time) []byte {
	b = append(appendName(b, "nodes"), '[')
	for i := range old.Old {
		b = append(closeObject(appendPresence(append(b, '{'), &old.Old[i], now)), ',')
	}
	for _, name := range old.Unknown {
		b = append(closeObject(appendText(append(b, '{'), "node", name)), ',')
	}
	b[len(b)-1] = ']'
	return append(b, ',')
}
