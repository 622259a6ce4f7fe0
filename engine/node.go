package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"firstcome/engine/fold"
)

// Node is this process: it follows every partition of the log, feeds the
// folds, wakes who waits, and stops a partition that is not what it should be.
type Node struct {
	id       uint64 // new at every start
	name     string // the id as text: whose lease, whose record
	ports    Ports
	sealer   *Sealer
	log      *slog.Logger
	metrics  *metrics
	clock    *clock
	deadline time.Duration
	started  time.Time
	base     time.Time // process time counts from here
	topic    Topic     // set before following begins
	parts    []*partition
	gate     *gatekeeper
	booked   []atomic.Int64 // by partition: first offset that is not in the ledger
	// By partition: how many rows the ledger had when it was asked last; nothing
	// is known before it has answered once.
	bookedRows  []atomic.Int64
	bookedKnown atomic.Bool
	ledger      vital         // of Booked
	counts      vital         // of Counter, as boards ask it
	underway    atomic.Int64  // flights
	stopped     chan struct{} // closed when the node ends
	fatal       chan error    // buffered: the log belongs to somebody else
	peerMu      sync.Mutex
	peerSeen    map[uint64]time.Time // guarded by peerMu: other processes by their records; at most maxPeers
}

const (
	maxPeers  = 64
	peerLives = 10 * time.Second
	retryLog  = 250 * time.Millisecond
	loadLimit = 4 // partitions that are loaded at once
)

func newNode(cfg Config, ports Ports, sealer *Sealer, c *clock, m *metrics) *Node {
	n := &Node{id: rand.Uint64(), ports: ports, sealer: sealer, log: cfg.Logger, metrics: m, clock: c, deadline: cfg.ClaimDeadline,
		base: time.Now().Add(-time.Hour), started: time.Now(), booked: make([]atomic.Int64, cfg.Partitions), bookedRows: make([]atomic.Int64, cfg.Partitions),
		stopped: make(chan struct{}), fatal: make(chan error, 1), peerSeen: map[uint64]time.Time{}}
	n.name = nodeName(n.id)
	n.gate = &gatekeeper{node: n, gate: ports.Gate, locker: ports.Locker}
	for i := range cfg.Partitions {
		n.parts = append(n.parts, newPartition(n, i))
	}
	return n
}

// elapsed is this process' monotonic time in ns.
func (n *Node) elapsed() int64 { return int64(time.Since(n.base)) }

// second is the second of this process' time, from 3600 on.
func (n *Node) second() int64 { return n.elapsed() / int64(time.Second) }

func (n *Node) partition(campaign string) *partition {
	return n.parts[fold.Partition(campaign, int32(len(n.parts)))]
}

// over reports whether the node has ended: nothing is read back any more.
func (n *Node) over() bool {
	select {
	case <-n.stopped:
		return true
	default:
		return false
	}
}

// peers is how many engine processes are at work, this one included: who wrote
// a record in the last ten seconds.
func (n *Node) peers() int64 {
	n.peerMu.Lock()
	defer n.peerMu.Unlock()
	now := time.Now()
	for id, at := range n.peerSeen {
		if now.Sub(at) > peerLives {
			delete(n.peerSeen, id)
		}
	}
	return int64(len(n.peerSeen)) + 1
}

func (n *Node) sawPeer(id uint64) {
	n.peerMu.Lock()
	defer n.peerMu.Unlock()
	if len(n.peerSeen) < maxPeers || !n.peerSeen[id].IsZero() {
		n.peerSeen[id] = time.Now()
	}
}

// follow loads every partition and follows the log until ctx ends.
func (n *Node) follow(ctx context.Context) error {
	_, _, err := n.describe(ctx)
	if err != nil {
		return err
	}
	if int(n.topic.Partitions) != len(n.parts) {
		return fmt.Errorf("the log has %d partitions, the configuration says %d: the number is fixed when the log is made", n.topic.Partitions, len(n.parts))
	}
	group, loading := errgroup.WithContext(ctx)
	group.SetLimit(loadLimit)
	for _, p := range n.parts {
		group.Go(func() error { return p.load(loading) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	// Only now, since the ledger is written meanwhile: what it has must be in the log.
	starts, ends, err := n.describe(ctx)
	if err != nil {
		return err
	}
	for i, p := range n.parts {
		p.hold(starts[i], ends[i])
	}
	from := make([]int64, len(n.parts))
	for i, p := range n.parts {
		from[i] = p.next.Load()
		if p.halted.Load() != nil {
			from[i] = -1
		}
		p.heard.Store(n.elapsed())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- n.ports.Log.Follow(ctx, from, n) }()
	select {
	case err := <-done:
		if ctx.Err() == nil && n.allHalted() {
			<-ctx.Done() // it answers nobody, and stays to say why
			return ctx.Err()
		}
		return err
	case err := <-n.fatal:
		cancel(err)
		<-done
		return err
	}
}

func (n *Node) allHalted() bool {
	return !slices.ContainsFunc(n.parts, func(p *partition) bool { return p.halted.Load() == nil })
}

// describe asks the log what it is until it answers.
func (n *Node) describe(ctx context.Context) (starts, ends []int64, err error) {
	for warned := false; ; warned = true {
		var topic Topic
		topic, starts, ends, err = n.ports.Log.Describe(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case err == nil && n.topic.ID == "":
			n.topic = topic
			return starts, ends, nil
		case err == nil && topic != n.topic:
			return nil, nil, fmt.Errorf("%w: it was %s and is %s by now", ErrLogLost, n.topic.ID, topic.ID)
		case err == nil:
			return starts, ends, nil
		}
		if !warned {
			n.log.Warn("the log is out of reach; trying again", "err", err)
		}
		select {
		case <-time.After(retryLog):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// load takes the ledger's snapshot of the partition, or an empty state. An
// error means that this node must not use the log; what is wrong with one
// partition stops only that.
func (p *partition) load(ctx context.Context) error {
	state, err := p.remembered(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.install(state)
	if err != nil {
		p.halt(err)
	}
	return p.checkGenesis()
}

// hold holds the loaded state against the log's first and last offset.
func (p *partition) hold(start, end int64) {
	p.end.Store(end)
	p.target.Store(end)
	switch next := p.next.Load(); {
	case start > next:
		p.halt(fmt.Errorf("%w: it starts at %d, and what is known ends at %d", ErrLogLost, start, next))
	case end < next:
		p.halt(fmt.Errorf("%w: it ends at %d, and what is known ends at %d", ErrLogLost, end, next))
	}
}

// remembered is the state in the ledger, or an empty one when the ledger has
// none, or one that is not whole: the log decides, the ledger saves work. An
// error means that the ledger is of another log, so one of the two is lost.
func (p *partition) remembered(ctx context.Context) (*fold.State, error) {
	n := p.node
	if n.ports.Snapshots == nil {
		return fold.New(p.id), nil
	}
	snapshot, topic, err := n.ports.Snapshots.Load(ctx, p.id)
	switch {
	case errors.Is(err, ErrNoSnapshot), ctx.Err() != nil:
		return fold.New(p.id), nil
	case err != nil:
		n.log.Warn("the ledger gives no snapshot; reading the log from its start", "partition", p.id, "err", err)
		return fold.New(p.id), nil
	case topic != n.topic.ID:
		return fold.New(p.id), fmt.Errorf("%w: the ledger was folded from log %s, this is log %s", ErrLogLost, topic, n.topic.ID)
	}
	state, err := fold.Restore(snapshot)
	switch {
	case errors.Is(err, fold.ErrUnknown): // the log says the same
		return fold.New(p.id), err
	case err != nil:
		n.log.Error("the ledger's snapshot is not whole; reading the log from its start", "partition", p.id, "err", err)
		return fold.New(p.id), nil
	}
	n.booked[p.id].Store(snapshot.Next)
	return state, nil
}

// checkGenesis holds the partition's first record against this process'
// secret and configuration.
func (p *partition) checkGenesis() error {
	if p.next.Load() == 0 {
		return nil
	}
	g := p.state.Genesis()
	if g.Cluster != p.node.sealer.Cluster() {
		return fmt.Errorf("partition %d belongs to another cluster: this node's secret is not the one that the log began with", p.id)
	}
	if int(g.Partitions) != len(p.node.parts) {
		return fmt.Errorf("partition %d was made for %d partitions, the configuration says %d", p.id, g.Partitions, len(p.node.parts))
	}
	return nil
}

// watchBooked keeps track of how far the ledger has come.
func (n *Node) watchBooked(ctx context.Context) {
	if n.ports.Booked == nil {
		return
	}
	tick := time.NewTicker(bookedEvery)
	defer tick.Stop()
	for {
		answered := n.ledger.ask(n)
		next, rows, err := n.ports.Booked.Cursors(ctx, int32(len(n.parts)))
		answered(err)
		for i := range next {
			if err == nil && next[i] > n.booked[i].Load() {
				n.booked[i].Store(next[i])
				n.parts[i].forgetBooked(next[i])
			}
		}
		if err == nil && len(rows) == len(n.parts) {
			for i := range rows {
				n.bookedRows[i].Store(rows[i])
			}
			n.bookedKnown.Store(true)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
