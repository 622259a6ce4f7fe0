package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"firstcome/engine/fold"
)

// appends are this process' records of one partition that are under way.
type appends struct {
	mu   sync.Mutex // guards nr and open; held while one record is encoded and queued
	nr   uint64
	open map[uint64]*own // by Nr, until read back or the partition stops
}

// own is one record of this process that is under way.
type own struct {
	desk *desk // of a claim: its slot and its unit are settled when the record is read back; nil otherwise
	unit bool
	done chan read // buffered: one read, or closed when the partition stops
}

// read is what the fold said of an own record.
type read struct {
	verdict fold.Verdict
	offset  int64
	place   fold.Place // of the record's member after it
}

// append queues a record under a new number. ErrOverloaded when the log's
// buffer is full: nothing was appended. The producer's own answer is counted
// and otherwise means nothing: only reading the record back decides.
func (p *partition) append(r *fold.Record, o *own) error {
	o.done = make(chan read, 1)
	a := &p.appends
	a.mu.Lock()
	defer a.mu.Unlock()
	if h := p.halted.Load(); h != nil { // under mu: endAll comes after, and finds what was added before
		return fmt.Errorf("%w: partition %d: %w", ErrStopped, p.id, h.err)
	}
	a.nr++
	r.Node, r.Nr = p.node.id, a.nr
	value, err := fold.Encode(r)
	if err != nil {
		return fmt.Errorf("encode a record of %s: %w", r.Campaign, err)
	}
	a.open[a.nr] = o
	if err := p.node.ports.Log.Append(p.id, r.Campaign, value, p.node.appended); err != nil {
		delete(a.open, a.nr)
		if errors.Is(err, ErrLogFull) {
			return ErrOverloaded
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	p.barrier.seal(a.nr)
	p.node.metrics.appends.Inc()
	return nil
}

// take removes the own record that was read back; nil when it is not known
// (another process', or of before a restart).
func (a *appends) take(nr uint64) *own {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.open[nr]
	delete(a.open, nr)
	return o
}

func (a *appends) endAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for nr, o := range a.open {
		close(o.done)
		delete(a.open, nr)
	}
}

// submit appends a record and waits until it is read back. ErrUndecided when
// that takes longer than ctx or the claim deadline: it may still happen.
func (p *partition) submit(ctx context.Context, r *fold.Record) (read, error) {
	if err := p.usable(); err != nil {
		return read{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.node.deadline)
	defer cancel()
	o := &own{}
	if err := p.append(r, o); err != nil {
		return read{}, err
	}
	select {
	case got, ok := <-o.done:
		if !ok {
			return read{}, fmt.Errorf("%w: partition %d", ErrStopped, p.id)
		}
		return got, nil
	case <-ctx.Done():
		return read{}, ErrUndecided
	}
}
