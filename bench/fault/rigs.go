package fault

import (
	"context"
	"time"
)

// Rigs keeps the rig that the last scenario was played on, for the next one
// that needs the same.
type Rigs struct{ rig *Rig }

const (
	// rigNodes is for how many nodes a rig has links.
	rigNodes = 3
	// lag is how late the replicas of Redis are: what the death of its machine loses.
	lag = 20 * time.Millisecond
)

// For returns a rig as a scenario needs it.
func (r *Rigs) For(ctx context.Context, s *Scenario) (*Rig, error) {
	brokers := max(s.Brokers, 1)
	if r.rig != nil && r.rig.Brokers == brokers {
		return r.rig, nil
	}
	r.Close()
	rig, err := StartRig(ctx, RigOptions{Nodes: rigNodes, Brokers: brokers, Lag: lag})
	if err != nil {
		return nil, err
	}
	r.rig = rig
	return rig, nil
}

// Close ends the rig, if there is one.
func (r *Rigs) Close() {
	if r.rig != nil {
		r.rig.Close()
	}
	r.rig = nil
}
