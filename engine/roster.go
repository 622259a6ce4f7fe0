package engine

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"firstcome/engine/fold"
)

const (
	signEvery = 3 * time.Second
	signOnce  = 500 * time.Millisecond // for one signature, the last one included
	// PresentFor is how long a node counts as present after its last word: it
	// speaks every three seconds. Who is silent longer has ended, or cannot
	// reach the roster, and then its records in the log tell of it.
	PresentFor = 10 * time.Second
	// RosterKeeps is how long a node's last word is kept after it has fallen silent.
	RosterKeeps = time.Minute
)

// Presence is what a node says of itself to all others.
type Presence struct {
	Node      string    `json:"node"`              // new at every start
	Address   string    `json:"address,omitempty"` // of its members' door
	Build     string    `json:"build,omitempty"`
	Rules     uint8     `json:"rules"` // the newest version of the rules that it knows
	Roles     Roles     `json:"roles"`
	StartedAt time.Time `json:"started_at"`
	SaidAt    time.Time `json:"said_at"`        // by the agreed time
	Left      bool      `json:"left,omitempty"` // it has ended: its last word
	// Unready is why the node cannot answer claims, when it spoke; empty: it can.
	Unready string `json:"unready,omitempty"`
}

// there reports whether the node is at work as far as the roster tells.
func (p *Presence) there(now time.Time) bool { return !p.Left && now.Sub(p.SaidAt) <= PresentFor }

// presence is what this node says of itself now.
func (e *Engine) presence() Presence {
	return Presence{Node: e.node.name, Address: e.cfg.Address, Build: e.cfg.Build, Rules: fold.Version, Roles: e.cfg.Roles,
		StartedAt: e.startedAt(), SaidAt: e.Now(), Unready: e.Health().Reason}
}

func (e *Engine) startedAt() time.Time { return e.Now().Add(-time.Since(e.node.started)) }

// runRoster says every three seconds that this node is there, and at the end
// that it has left. A roster that is away is nothing to claims: the others just
// do not hear of this node meanwhile.
func (e *Engine) runRoster(ctx context.Context) {
	if e.ports.Roster == nil {
		return
	}
	tick := time.NewTicker(signEvery)
	defer tick.Stop()
	for silent := false; ; {
		err := e.sign(ctx, e.presence())
		switch {
		case ctx.Err() != nil:
		case err != nil && !silent:
			e.cfg.Logger.Warn("the other nodes do not hear of this one", "room", "engine", "err", err)
		case err == nil && silent:
			e.cfg.Logger.Info("the other nodes hear of this one again", "room", "engine")
		}
		silent = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			last := e.presence()
			last.Left = true
			_ = e.sign(context.WithoutCancel(ctx), last) // else it is forgotten in time
			return
		}
	}
}

func (e *Engine) sign(ctx context.Context, p Presence) error {
	ctx, cancel := context.WithTimeout(ctx, signOnce)
	defer cancel()
	return e.ports.Roster.Sign(ctx, p)
}

// Nodes returns what the nodes of this cluster say of themselves, this one
// first and as it is now, then the others by name: those that have left are
// left out, those that fell silent are kept for a minute. An error says that
// the others cannot be known now; this node is there all the same.
func (e *Engine) Nodes(ctx context.Context) ([]Presence, error) {
	list := []Presence{e.presence()}
	all, err := e.roster(ctx)
	for _, p := range all {
		if p.Node != e.node.name && !p.Left && e.Now().Sub(p.SaidAt) <= RosterKeeps {
			list = append(list, p)
		}
	}
	slices.SortFunc(list[1:], func(a, b Presence) int { return strings.Compare(a.Node, b.Node) })
	return list, err
}

func (e *Engine) roster(ctx context.Context) ([]Presence, error) {
	if e.ports.Roster == nil {
		return nil, ErrNoRoster
	}
	ctx, cancel := context.WithTimeout(ctx, signOnce)
	defer cancel()
	return e.ports.Roster.Present(ctx)
}

// writers are the processes that wrote records of late, by name, without this one.
func (n *Node) writers() []string {
	n.peers() // forgets who is silent
	n.peerMu.Lock()
	defer n.peerMu.Unlock()
	names := make([]string, 0, len(n.peerSeen))
	for id := range n.peerSeen {
		names = append(names, nodeName(id))
	}
	slices.Sort(names)
	return names
}

// nodeName is a node's id as text.
func nodeName(id uint64) string {
	return hex.EncodeToString([]byte{byte(id >> 56), byte(id >> 48), byte(id >> 40), byte(id >> 32),
		byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)})
}
