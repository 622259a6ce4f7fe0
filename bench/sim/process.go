package sim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"firstcome/engine"
	"firstcome/ledger"
)

// bookRate is the ledger's limit, rows a second: low enough that it lags.
const bookRate = 400

// process is one run of one node: the product's engine, scheduler and ledger
// writer on a host of their own.
type process struct {
	host   *host
	engine *engine.Engine
	writer *ledger.Writer
	life   context.Context // ends with the process, however it ends
	kill   context.CancelFunc
	stop   context.CancelFunc // asks it to end
	done   chan struct{}
	err    error // after done
}

// startProcess starts a node on a new host.
func startProcess(w *world, n int) *process {
	p := &process{host: newHost(w.dice), done: make(chan struct{})}
	p.life, p.kill = context.WithCancel(context.Background())
	serving, stop := context.WithCancel(p.life)
	p.stop = stop
	log := slog.New(&listener{w, n, p.host})
	g, b := &gate{w.redis, p.host}, &book{w.shelf, p.host}
	v := newView(p.life, w.journal, p.host)
	secret := secretOf(w.plan.Seed)
	var err error
	p.engine, err = engine.New(engine.Config{Secret: secret, Partitions: int32(w.plan.Partitions), Logger: log, Wall: w.wall(n)},
		engine.Ports{Log: v, Gate: g, Locker: g, Snapshots: b, Booked: b, Register: b, Times: []engine.TimeSource{g, b}})
	if err != nil {
		panic(fmt.Sprintf("a simulated engine does not start: %v", err))
	}
	throttle := ledger.NewThrottle(bookRate, b, b, p.engine, log)
	p.writer = ledger.NewWriter(ledger.Config{Log: v, Book: b, Sealer: w.sealer, Throttle: throttle, Partitions: int32(w.plan.Partitions), Locker: g, Logger: log})
	go func() {
		defer close(p.done)
		group, ctx := errgroup.WithContext(serving)
		group.Go(func() error { return p.engine.Run(ctx) })
		group.Go(func() error { return p.engine.Schedule(ctx) })
		group.Go(func() error { return p.writer.Run(ctx) })
		group.Go(func() error { return throttle.Run(ctx) })
		p.err = group.Wait()
		stop()
	}()
	return p
}

// crash ends the process in the middle of whatever it does.
func (p *process) crash() {
	p.host.change(func(h *host) { h.dead = true })
	p.kill()
	p.stop()
	<-p.done
}

// end stops it as SIGTERM does: what is under way is finished first.
func (p *process) end() {
	drain, cancel := context.WithTimeout(p.life, 5*time.Second)
	p.engine.Drain(drain)
	cancel()
	p.stop()
	<-p.done
	p.host.change(func(h *host) { h.dead = true })
	p.kill()
}

// secretOf makes the cluster's secret of a seed.
func secretOf(seed uint64) [32]byte {
	return sha256.Sum256(binary.LittleEndian.AppendUint64([]byte("simulated"), seed))
}

// listener hears what the product tells a person: an error is a finding.
type listener struct {
	world *world
	node  int
	host  *host
}

func (l *listener) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }

func (l *listener) Handle(_ context.Context, r slog.Record) error {
	text := fmt.Sprintf("node %d says: %s", l.node, r.Message)
	r.Attrs(func(a slog.Attr) bool { text += fmt.Sprintf(" %s=%v", a.Key, a.Value); return true })
	l.world.violate("stopped", "", "%s", text)
	return nil
}

func (l *listener) WithAttrs([]slog.Attr) slog.Handler { return l }

func (l *listener) WithGroup(string) slog.Handler { return l }
