package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
)

// maxPartitions bounds what one process folds.
const maxPartitions = 1024

// Config of an engine. Zero values mean the defaults named here.
type Config struct {
	Secret        [32]byte      // required: pseudonyms, sealed answers, the cluster's id
	Partitions    int32         // of the log, required
	ClaimDeadline time.Duration // then a claim is answered Deciding; 3 s
	Roles         Roles
	Logger        *slog.Logger // required
	// Wall is this machine's clock, one of those that agree on the time; nil: time.Now.
	Wall    func() time.Time
	Metrics prometheus.Registerer
	Address string // of the members' door, as the other nodes are told
	Build   string // version of the program, likewise
}

// Roles of this node as its health tells them: "api", "stream", "ledger", "scheduler".
type Roles []string

// Ports are what an engine stands on. Log and Gate are required.
type Ports struct {
	Log       Log
	Gate      Gate
	Locker    Locker       // nil: no locks; nothing is wrong, some work is done twice
	Counter   Counter      // nil: tallies stay in this process
	Snapshots Snapshots    // nil: every fold starts at the log's start
	Booked    Booked       // nil: nothing is ever known to be booked
	Register  Register     // nil: archived campaigns and lists are ErrUnavailable
	Writing   Writing      // nil: this process does not write the ledger
	Roster    Roster       // nil: the nodes do not know of one another
	News      News         // nil: nobody watches
	Times     []TimeSource // other machines' clocks, to agree on the time
}

// Engine decides. All its methods may be called at once.
type Engine struct {
	cfg     Config
	ports   Ports
	sealer  *Sealer
	node    *Node
	clock   *clock
	metrics *metrics
}

// New joins an engine to its ports. It starts nothing. An error names what is
// missing.
func New(cfg Config, ports Ports) (*Engine, error) {
	if ports.Log == nil || ports.Gate == nil || cfg.Logger == nil {
		return nil, errors.New("an engine needs a log, a gate and a logger")
	}
	if cfg.Partitions < 1 || cfg.Partitions > maxPartitions {
		return nil, fmt.Errorf("an engine needs 1 to %d partitions, not %d", maxPartitions, cfg.Partitions)
	}
	if cfg.ClaimDeadline <= 0 {
		cfg.ClaimDeadline = 3 * time.Second
	}
	sealer, err := NewSealer(cfg.Secret)
	if err != nil {
		return nil, err
	}
	m := newMetrics(cfg.Metrics)
	e := &Engine{cfg: cfg, ports: ports, sealer: sealer, metrics: m, clock: newClock(ports.Times, cfg.Wall, cfg.Logger)}
	e.node = newNode(cfg, ports, sealer, e.clock, m)
	return e, e.gauges(cfg.Metrics)
}

// Run follows the log, flushes leases and tallies and keeps the time until ctx
// ends; then it gives back its leases, flushes once more (5 s at most) and
// returns when all that it started has ended. An error means that this log
// must not be used (another cluster's, another number of partitions).
func (e *Engine) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return e.node.follow(ctx) })
	group.Go(func() error { e.node.gate.run(ctx); return nil })
	group.Go(func() error { e.runTallies(ctx); return nil })
	group.Go(func() error { e.node.watchBooked(ctx); return nil })
	group.Go(func() error { e.runRoster(ctx); return nil })
	group.Go(func() error { e.clock.run(ctx); return nil })
	err := group.Wait()
	close(e.node.stopped)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Schedule opens and closes campaigns by agreed time until ctx ends: the work
// of the role "scheduler".
func (e *Engine) Schedule(ctx context.Context) error {
	(&scheduler{engine: e, tried: map[string]time.Time{}}).run(ctx)
	return nil
}

// Drain waits until no claim is under way, or ctx ends.
func (e *Engine) Drain(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for e.node.underway.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Now returns the agreed time (protocol 8).
func (e *Engine) Now() time.Time { return e.clock.now() }

// Sync waits until this node's fold of the campaign's partition is as new as
// the read asks; ErrUnavailable, ErrStopped.
func (e *Engine) Sync(ctx context.Context, campaign string, read Read) error {
	p := e.node.partition(campaign)
	ctx, cancel := context.WithTimeoutCause(ctx, e.cfg.ClaimDeadline, ErrUnavailable)
	defer cancel()
	if err := p.usable(); err != nil {
		return err
	}
	return p.sync(ctx, read)
}

// Reach waits until this node's fold includes a record, whatever it is about;
// ErrUnavailable, ErrStopped. Of a partition that there is not it knows all.
func (e *Engine) Reach(ctx context.Context, o LogOffset) error {
	if !o.Known || o.Partition < 0 || int(o.Partition) >= len(e.node.parts) {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, e.cfg.ClaimDeadline, ErrUnavailable)
	defer cancel()
	return e.ready(ctx, e.node.parts[o.Partition], Read{After: o})
}

// Folds returns, per partition, the first offset that this node has not
// applied and the digest of its fold there: equal offsets have equal digests
// on every node. A partition that is not loaded has both 0.
func (e *Engine) Folds() (next []int64, digests []uint64) {
	next, digests = make([]int64, len(e.node.parts)), make([]uint64, len(e.node.parts))
	for i, p := range e.node.parts {
		p.mu.RLock()
		if p.state != nil {
			next[i], digests[i] = p.state.Next(), p.state.Digest()
		}
		p.mu.RUnlock()
	}
	return next, digests
}
