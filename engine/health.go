package engine

import "time"

// Health tells how this node does.
type Health struct {
	Node       string // new at every start
	Ready      bool
	Reason     string // why not ready
	Roles      Roles
	Partitions []PartitionHealth
}

// PartitionHealth tells how one partition does.
type PartitionHealth struct {
	Partition int32         `json:"partition"`
	Next      int64         `json:"next"`
	End       int64         `json:"end"`
	Rules     uint8         `json:"rules"` // in force
	State     string        `json:"state"` // "starting", "following", "behind", "stopped"
	Age       time.Duration `json:"-"`     // since the last answer of the log
	Reason    string        `json:"reason,omitempty"`
	Ledger    string        `json:"ledger,omitempty"` // why its book is not written any more, which stops no claim; empty: it is, or others write it
}

// Health tells how this node does. It is ready while it can answer for some
// partition: the others say why they cannot.
func (e *Engine) Health() Health {
	h := Health{Node: e.node.name, Roles: e.cfg.Roles, Reason: "no partition can answer"}
	var unwritten map[int32]error
	if e.ports.Writing != nil {
		unwritten = e.ports.Writing.Stopped()
	}
	for _, p := range e.node.parts {
		ph := p.health()
		if err := unwritten[p.id]; err != nil {
			ph.Ledger = err.Error()
		}
		h.Partitions = append(h.Partitions, ph)
		switch ph.State {
		case "following":
			h.Ready = true
		case "starting":
			h.Reason = "the log is still being read"
		}
	}
	for _, ph := range h.Partitions {
		if ph.State == "starting" {
			h.Ready = false
		}
	}
	if h.Ready {
		h.Reason = ""
	}
	return h
}
