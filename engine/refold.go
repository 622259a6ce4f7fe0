package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firstcome/engine/fold"
)

const (
	maxDigests   = 8               // own digests at marks that are remembered
	refoldWithin = 2 * time.Minute // then the check is given up, and said so
)

// digests are this fold's own digests at the last marks. Owned by Deliver.
type digests struct {
	mark  [maxDigests]int64
	value [maxDigests]uint64
	n     int
}

func (p *partition) markDigest(mark int64, digest uint64) {
	i := p.digests.n % maxDigests
	p.digests.mark[i], p.digests.value[i] = mark, digest
	p.digests.n++
}

// diverged is called when another process' beacon differs from this fold: one
// of the two is wrong. The partition is folded once more, from the ledger's
// snapshot or the log's start, and stops only if it was this one.
func (p *partition) diverged(mark int64, theirs uint64) {
	var mine uint64
	for i, m := range p.digests.mark {
		if m == mark {
			mine = p.digests.value[i]
		}
	}
	p.node.log.Error("a beacon differs from this fold; folding again to see which is wrong", "partition", p.id, "mark", mark,
		"mine", mine, "theirs", theirs)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), refoldWithin)
		defer cancel()
		again, err := p.refold(ctx, mark)
		switch {
		case err != nil:
			p.node.log.Error("the second fold did not come to the mark", "partition", p.id, "mark", mark, "err", err)
		case again == mine:
			p.node.log.Error("this fold is right, another process' is not", "partition", p.id, "mark", mark)
		default:
			p.halt(fmt.Errorf("the fold in memory is wrong: digest %x at %d, folded again %x", mine, mark, again))
		}
	}()
}

// refold folds the partition anew up to mark and returns the digest there.
func (p *partition) refold(ctx context.Context, mark int64) (uint64, error) {
	state := fold.New(p.id)
	if s := p.node.ports.Snapshots; s != nil {
		snapshot, _, err := s.Load(ctx, p.id)
		if err == nil && snapshot.Next <= mark {
			if restored, err := fold.Restore(snapshot); err == nil {
				state = restored
			}
		}
	}
	from := make([]int64, len(p.node.parts))
	for i := range from {
		from[i] = -1
	}
	from[p.id] = state.Next()
	sink := &refolder{state: state, mark: mark}
	if err := p.node.ports.Log.Follow(ctx, from, sink); err != nil && !sink.there() {
		return 0, err
	}
	if !sink.there() {
		return 0, errors.New("the log ended before it")
	}
	return state.Digest(), nil
}

type refolder struct {
	state *fold.State
	mark  int64
}

var errEnough = errors.New("enough")

func (r *refolder) there() bool { return r.state.Next() == r.mark }

func (r *refolder) Deliver(b Batch) error {
	for _, rec := range b.Records {
		if r.there() {
			return errEnough
		}
		if _, err := r.state.Apply(rec.Offset, rec.At, rec.Value); err != nil {
			return err
		}
	}
	if r.there() {
		return errEnough
	}
	return nil
}

func (r *refolder) Lost(int32, error) {}
