package engine

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"

	"firstcome/engine/fold"
)

// noopEvery bounds how many records a partition spends on barriers.
const noopEvery = 20 * time.Millisecond

// barrier proves that the fold is as new as a request: a record that this node
// produced after the request arrived has been read back. Requests that come
// together share one record; claims serve as well as a NOOP.
type barrier struct {
	mu     sync.Mutex
	open   *crossing // takes more requests; sealed by the next record of this process
	sealed []*crossing
	last   time.Time // of the last NOOP
}

type crossing struct {
	nr   uint64 // of the record that seals it
	done chan struct{}
	ok   bool
	with []*crossing // whose own record was not produced
}

// pass waits until this partition's fold includes everything that was
// committed before the call. An error when ctx ends first or the partition stops.
func (p *partition) pass(ctx context.Context) error {
	b := &p.barrier
	b.mu.Lock()
	c := b.open
	if c == nil {
		c = &crossing{done: make(chan struct{})}
		b.open = c
		wait := max(0, noopEvery-time.Since(b.last))
		b.last = time.Now().Add(wait)
		time.AfterFunc(wait, p.noop)
	}
	b.mu.Unlock()
	if p.halted.Load() != nil { // it may have stopped before this crossing was there to be told
		b.fail()
	}
	p.node.metrics.barriers.Inc()
	select {
	case <-c.done:
		if c.ok {
			return nil
		}
		return fmt.Errorf("%w: partition %d", ErrStopped, p.id)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// noop seals the open crossing with a record of its own if no other has.
func (p *partition) noop() {
	p.barrier.mu.Lock()
	needed := p.barrier.open != nil
	p.barrier.mu.Unlock()
	if !needed {
		return
	}
	_ = p.append(&fold.Record{Kind: fold.KindNoop}, &own{}) // when the buffer is full it asks for the next try itself
}

// close takes the open crossing out before a record is produced: whoever comes
// from here on may know of something that is behind that record in the log.
func (b *barrier) close() *crossing {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.open
	b.open = nil
	return c
}

// seal gives a closed crossing the record that proves it.
func (b *barrier) seal(c *crossing, nr uint64) {
	if c == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c.nr = nr
	b.sealed = append(b.sealed, c)
}

// reopen takes a closed crossing back whose record was not produced. Its
// requests go with those that have come since; another try is asked for.
func (p *partition) reopen(c *crossing) {
	if c == nil {
		return
	}
	b := &p.barrier
	b.mu.Lock()
	if b.open == nil {
		b.open = c
	} else {
		b.open.with = append(append(b.open.with, c.with...), c)
		c.with = nil
	}
	b.mu.Unlock()
	switch {
	case p.halted.Load() != nil:
		b.fail()
	case !p.node.over():
		time.AfterFunc(noopEvery, p.noop)
	}
}

// end lets everybody in a crossing go.
func (c *crossing) end(ok bool) {
	c.ok = ok
	close(c.done)
	for _, other := range c.with {
		other.end(ok)
	}
}

// passed lets everybody through whose record is nr or older.
func (b *barrier) passed(nr uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := sort.Search(len(b.sealed), func(i int) bool { return b.sealed[i].nr > nr })
	for _, c := range b.sealed[:n] {
		c.end(true)
	}
	b.sealed = append(b.sealed[:0], b.sealed[n:]...)
}

// fail turns everybody away: the partition has stopped.
func (b *barrier) fail() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open != nil {
		b.sealed, b.open = append(b.sealed, b.open), nil
	}
	for _, c := range b.sealed {
		c.end(false)
	}
	b.sealed = nil
}

// offsetWaits are readers that wait for a record by its offset.
type offsetWaits struct {
	mu   sync.Mutex
	list []offsetWait // as many as requests under way
}

type offsetWait struct {
	offset int64
	done   chan struct{}
}

// wake lets every reader go whose record is below next.
func (w *offsetWaits) wake(next int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := w.list[:0]
	for _, o := range w.list {
		if o.offset < next {
			close(o.done)
			continue
		}
		kept = append(kept, o)
	}
	clear(w.list[len(kept):])
	w.list = kept
}

// patience is how long a reader waits for an offset before it asks the log
// itself: an offset that no answer ever carried would else be waited for in vain.
const patience = 50 * time.Millisecond

// reach waits until the fold includes the record at offset, or everything that
// was committed before the call.
func (p *partition) reach(ctx context.Context, offset int64) error {
	if p.next.Load() > offset {
		return nil
	}
	o := offsetWait{offset, make(chan struct{})}
	p.waits.mu.Lock()
	p.waits.list = append(p.waits.list, o)
	p.waits.mu.Unlock()
	defer p.waits.drop(o.done)
	if p.next.Load() > offset {
		return nil
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-o.done:
		return p.usable()
	case <-late.C:
		return p.pass(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w *offsetWaits) drop(done chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.list {
		if w.list[i].done == done {
			w.list = append(w.list[:i], w.list[i+1:]...)
			return
		}
	}
}

// sync waits until the fold is as new as a read asks.
func (p *partition) sync(ctx context.Context, read Read) error {
	if read.After.Known && read.After.Partition == p.id {
		if err := p.reach(ctx, read.After.Offset); err != nil {
			return err
		}
	}
	if read.Exact || !p.current() {
		return p.pass(ctx)
	}
	return nil
}
