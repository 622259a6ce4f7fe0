package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"firstcome/engine/fold"
)

// activateAtOnce bounds how many partitions are told at the same time.
const activateAtOnce = 32

// ErrNoRoster: which nodes there are cannot be known.
var ErrNoRoster = errors.New("there is no list of the nodes")

// TooOldError: nodes are at work that do not know the rules, or may not.
type TooOldError struct {
	Rules   uint8
	Old     []Presence
	Unknown []string // write to the log, and say nothing of themselves
}

// Error names every node.
func (e *TooOldError) Error() string {
	var names []string
	for _, p := range e.Old {
		names = append(names, fmt.Sprintf("%s at %s knows version %d", p.Node, p.Address, p.Rules))
	}
	for _, name := range e.Unknown {
		names = append(names, fmt.Sprintf("%s writes to the log and says nothing of itself", name))
	}
	return fmt.Sprintf("not every node is known to know version %d of the rules: %s", e.Rules, strings.Join(names, "; "))
}

// Activation is what Activate did, partition by partition.
type Activation struct {
	Rules      uint8
	Changed    bool // false: it was in force already
	Partitions []ActivatedPartition
}

// ActivatedPartition tells of one partition.
type ActivatedPartition struct {
	Partition int32
	Offset    int64 // of the ACTIVATE record that was read back; 0: none was needed
	Changed   bool
	Err       error // with force only: this partition was left out, or its record is undecided
}

// Activate brings a version of the rules into force: one record in every
// partition, each read back. A node that does not know the version stops there,
// so all must: TooOldError names those that do not, ErrNoRoster says that it
// cannot be known. force goes on all the same, and without partitions that
// cannot answer here. Where it is in force already nothing is written, so it
// may be repeated. A dry run checks and writes nothing.
func (e *Engine) Activate(ctx context.Context, rules uint8, force bool, by Actor, dryRun bool) (Activation, error) {
	out := Activation{Rules: rules}
	if rules < fold.First || rules > fold.Version {
		return out, &InvalidError{Fields: []FieldError{{Pointer: "/rules", Detail: fmt.Sprintf("must be a version from %d to %d, the newest that this node knows", fold.First, fold.Version)}}}
	}
	if err := by.validate(false); err != nil {
		return out, err
	}
	out.Partitions = make([]ActivatedPartition, len(e.node.parts))
	todo := false
	for i, p := range e.node.parts {
		out.Partitions[i] = ActivatedPartition{Partition: p.id, Err: p.usable()}
		if err := out.Partitions[i].Err; err != nil && !force {
			return out, err
		}
		out.Partitions[i].Changed = out.Partitions[i].Err == nil && p.rules.Load() < uint32(rules)
		todo = todo || out.Partitions[i].Changed
	}
	if !todo {
		return out, nil
	}
	if err := e.known(ctx, rules); err != nil && !force {
		return out, err
	}
	if out.Changed = true; dryRun {
		return out, nil
	}
	return out, e.activate(ctx, &out, force, by)
}

// activate appends the records and waits for them.
func (e *Engine) activate(ctx context.Context, out *Activation, force bool, by Actor) error {
	var group errgroup.Group
	group.SetLimit(activateAtOnce)
	for i := range out.Partitions {
		a := &out.Partitions[i]
		if !a.Changed {
			continue
		}
		group.Go(func() error {
			r := &fold.Record{Kind: fold.KindActivate, Activate: out.Rules, Actor: by.Subject, Reason: by.Reason}
			got, err := e.node.parts[a.Partition].submit(ctx, r)
			a.Offset, a.Changed, a.Err = got.offset, err == nil && got.verdict == fold.Done, err
			return err
		})
	}
	if err := group.Wait(); err != nil && !force {
		return fmt.Errorf("activate rules %d: %w", out.Rules, err)
	}
	return nil
}

// known checks that every node that is at work knows the rules. The roster says
// which there are; who wrote to the log a moment ago and is not in it may be a
// node that cannot reach the roster.
func (e *Engine) known(ctx context.Context, rules uint8) error {
	all, err := e.roster(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoRoster, err)
	}
	old := &TooOldError{Rules: rules}
	listed := map[string]bool{}
	now := e.Now()
	for _, p := range all {
		listed[p.Node] = p.Left || p.there(now)
		if p.there(now) && p.Rules < rules {
			old.Old = append(old.Old, p)
		}
	}
	for _, name := range e.node.writers() {
		if !listed[name] {
			old.Unknown = append(old.Unknown, name)
		}
	}
	if len(old.Old)+len(old.Unknown) > 0 {
		return old
	}
	return nil
}
