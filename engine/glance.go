package engine

import (
	"fmt"

	"firstcome/engine/fold"
)

// User is a member's pseudonym, the same on every node of the cluster.
func (e *Engine) User(subject string) fold.User { return e.sealer.User(subject) }

// Glance returns a member's claim as this node's fold has it, from memory alone:
// without answers, and without what is still being decided. State is "none" when
// there never was one, or when the campaign is archived and its members are let
// go. It is at least as new as what News was told before the call.
// ErrNotFound, ErrUnavailable.
func (e *Engine) Glance(campaign string, user fold.User) (Claim, error) {
	return e.node.partition(campaign).claim(campaign, user)
}

// Following says why a campaign's partition has no live news to give: ErrStopped,
// or ErrUnavailable while it still reads the log. A log that says nothing for a
// while is followed all the same.
func (e *Engine) Following(campaign string) error {
	p := e.node.partition(campaign)
	if h := p.halted.Load(); h != nil {
		return fmt.Errorf("%w: partition %d: %w", ErrStopped, p.id, h.err)
	}
	if p.starting() {
		return fmt.Errorf("%w: partition %d is still reading the log", ErrUnavailable, p.id)
	}
	return nil
}

// Told returns the offset before which News has been told of everything that
// this process folded in a partition; what was loaded as a whole counts as told.
// -1 while nothing is loaded. A campaign that was read with a Next at or below
// it has no change that News has yet to hear.
func (e *Engine) Told(partition int32) int64 { return e.node.parts[partition].told.Load() - 1 }
