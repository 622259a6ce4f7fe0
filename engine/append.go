package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"firstcome/engine/fold"
)

// appends are this process' records of one partition that are under way.
type appends struct {
	mu   sync.Mutex // guards nr and open; held while one record is encoded and queued
	nr   uint64
	open map[uint64]*own // by Nr, until read back or known to be lost
	low  uint64          // all up to here are read back or lost
	// probing: a record is about to be sent that shows whether failed ones are lost.
	probing atomic.Bool
}

// own is one record of this process that is under way.
type own struct {
	desk *desk // of a claim: its slot and its unit are settled when the record is read back; nil otherwise
	unit bool
	done chan read // buffered: one read, or closed when the partition stops
}

// read is what the fold said of an own record.
type read struct {
	lost    bool // it is not in the log: one that was sent later is, and it was not before that
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
	crossing := p.barrier.close()
	if err := p.node.ports.Log.Append(p.id, r.Campaign, value, p.appended); err != nil {
		p.reopen(crossing)
		delete(a.open, a.nr)
		if errors.Is(err, ErrLogFull) {
			return ErrOverloaded
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	p.barrier.seal(crossing, a.nr)
	p.node.metrics.appends.Inc()
	return nil
}

// appended takes the producer's answer to an append. An error is no answer: the
// record may be in the log all the same. The next record of this process that
// is read back tells, so one is sent if none is under way.
func (p *partition) appended(err error) {
	if err == nil {
		return
	}
	p.node.metrics.appendErrors.Inc()
	if p.appends.probing.CompareAndSwap(false, true) {
		time.AfterFunc(probeAfter, p.probe)
	}
}

// probeAfter spaces the records that follow a failure; while the log is away
// each fails and asks for the next.
const probeAfter = 100 * time.Millisecond

func (p *partition) probe() {
	p.appends.probing.Store(false)
	if p.node.over() || p.appends.none() {
		return
	}
	if err := p.append(&fold.Record{Kind: fold.KindNoop}, &own{}); err != nil {
		p.appended(err)
	}
}

func (a *appends) none() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.open) == 0
}

// take removes the own record that was read back; nil when it is not known
// (another process', or of before a restart). Records of one process reach a
// partition in the order in which they were sent, so those before it that have
// not been read back are lost; should one of them come all the same, it is a
// record that nobody waits for, like a dead process'.
func (a *appends) take(nr uint64) (o *own, lost []*own) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for ; a.low+1 < nr && a.low < a.nr; a.low++ {
		if before := a.open[a.low+1]; before != nil {
			delete(a.open, a.low+1)
			lost = append(lost, before)
		}
	}
	a.low = max(a.low, nr)
	o = a.open[nr]
	delete(a.open, nr)
	return o, lost
}

func (a *appends) endAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for nr, o := range a.open {
		close(o.done)
		delete(a.open, nr)
	}
}

// submit appends a record and waits until it is read back. ErrUndecided when it
// was lost, or that takes longer than ctx or the claim deadline: it may still happen.
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
		if got.lost {
			return read{}, ErrUndecided
		}
		return got, nil
	case <-ctx.Done():
		return read{}, ErrUndecided
	}
}
