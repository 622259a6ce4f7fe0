package engine

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"firstcome/engine/fold"
)

// Currency is how old the state behind an answer from memory may be.
const Currency = 100 * time.Millisecond

// silence is how long the log may say nothing before a node stops answering
// for it at all: claims are then ErrUnavailable instead of waiting in vain.
const silence = 5 * time.Second

// partition is one partition's fold in this process, and all who wait for it.
type partition struct {
	id   int32
	node *Node

	// mu guards state, desks, past and unbooked. It is held for at most one chunk of
	// a batch; readers hold it for one look.
	mu       sync.RWMutex
	state    *fold.State
	desks    map[string]*desk // by campaign, for every campaign in state
	past     past
	unbooked unbooked

	next    atomic.Int64  // state.Next(), readable without mu
	end     atomic.Int64  // newest end of the log that was heard of
	rules   atomic.Uint32 // in force at next
	known   atomic.Int64  // process time (ns) as of which the fold is complete; 0: never
	heard   atomic.Int64  // process time of the last answer of the log
	target  atomic.Int64  // end of the log when following began: from there on the fold is usable
	started atomic.Bool   // the state is loaded
	halted  atomic.Pointer[haltReason]
	changed atomic.Uint64 // counts what the scheduler must look at
	strange atomic.Int64  // 1 + offset of the first record that is none; 0: there was none
	told    atomic.Int64  // 1 + offset before which News has heard everything; 0: nothing is loaded

	// Owned by the delivery under way; the log never makes two at once.
	marks    marks
	wakes    wakes
	lastPeer uint64
	grown    int64 // process time at which the newest record had been applied
	begun    int64 // process time of the last try to write the first record
	digests  digests

	appends appends
	flights flights
	waits   offsetWaits
	barrier barrier
}

// past is what a partition knows of its archived campaigns: a member's places in
// them are the ledger's to tell.
type past struct {
	count int64 // how many there are
	by    int64 // the offset after the newest archiving; 0: it was in the ledger when this node began
}

type haltReason struct{ err error }

// marks remembers answers of the log that the fold has not caught up with yet.
// Dropping one only makes the fold look older than it is.
type marks struct {
	list [32]mark
	n    int
}

type mark struct {
	end int64
	at  int64
}

func (m *marks) add(end, at int64) {
	if m.n == len(m.list) {
		copy(m.list[:], m.list[1:])
		m.n--
	}
	m.list[m.n] = mark{end, at}
	m.n++
}

// reached takes out the marks at or below next and returns the newest time
// among them, 0 when there is none.
func (m *marks) reached(next int64) int64 {
	newest, kept := int64(0), 0
	for _, k := range m.list[:m.n] {
		if k.end <= next {
			newest = max(newest, k.at)
			continue
		}
		m.list[kept] = k
		kept++
	}
	m.n = kept
	return newest
}

func newPartition(n *Node, id int32) *partition {
	p := &partition{id: id, node: n, desks: map[string]*desk{}}
	p.unbooked.byClaim = map[int64][]sealedRow{}
	p.wakes.touched = map[*desk]struct{}{}
	p.appends.open = map[uint64]*own{}
	p.flights.byKey = map[flightKey]*flight{}
	return p
}

// install makes a loaded state the partition's own.
func (p *partition) install(s *fold.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
	p.next.Store(s.Next())
	p.rules.Store(uint32(s.Version()))
	clear(p.desks)
	p.past = past{}
	for c := range s.Campaigns() {
		p.desks[c.ID] = newDesk(p, c)
		if c.Status == fold.Archived {
			p.past.count++
		}
	}
	p.told.Store(s.Next() + 1)
	p.started.Store(true)
	p.changed.Add(1)
}

// usable says why the partition cannot answer at all, nil when it can.
func (p *partition) usable() error {
	if h := p.halted.Load(); h != nil {
		return fmt.Errorf("%w: partition %d: %w", ErrStopped, p.id, h.err)
	}
	if p.starting() {
		return fmt.Errorf("%w: partition %d is still reading the log", ErrUnavailable, p.id)
	}
	if p.node.elapsed()-p.heard.Load() > int64(silence) {
		return fmt.Errorf("%w: partition %d has heard nothing for %s", ErrUnavailable, p.id, silence)
	}
	return nil
}

// starting reports whether the fold is not as far as the log was when this
// process began, or the log has no first record yet: nothing may come before it.
func (p *partition) starting() bool {
	next := p.next.Load()
	return !p.started.Load() || next == 0 || next < p.target.Load()
}

// current reports whether the fold is new enough to answer from.
func (p *partition) current() bool {
	known := p.known.Load()
	return known != 0 && p.node.elapsed()-known <= int64(Currency)
}

// halt stops the partition for good: its claims are ErrStopped from now on.
func (p *partition) halt(err error) {
	if !p.halted.CompareAndSwap(nil, &haltReason{err}) {
		return
	}
	p.node.log.Error("a partition has stopped: a person must look", "partition", p.id,
		"next", p.next.Load(), "end", p.end.Load(), "err", err)
	p.node.metrics.halted.Inc()
	p.flights.endAll(fmt.Errorf("%w: partition %d: %w", ErrStopped, p.id, err))
	p.appends.endAll()
	p.waits.wake(1<<63 - 1)
	p.barrier.fail()
}

// health tells how the partition does.
func (p *partition) health() PartitionHealth {
	h := PartitionHealth{Partition: p.id, Next: p.next.Load(), End: p.end.Load(), Rules: uint8(p.rules.Load()), State: "following"}
	h.Age = time.Duration(p.node.elapsed() - p.heard.Load())
	switch err := p.usable(); {
	case p.halted.Load() != nil:
		h.State, h.Reason = "stopped", p.halted.Load().err.Error()
	case p.starting():
		h.State = "starting"
	case err != nil:
		h.State, h.Reason = "behind", err.Error()
	case p.strange.Load() > 0:
		h.Reason = fmt.Sprintf("the record at %d is none of this program's: every node passes over it", p.strange.Load()-1)
	}
	return h
}
