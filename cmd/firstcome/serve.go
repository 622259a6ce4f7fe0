package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"firstcome/api"
	"firstcome/engine"
)

const (
	// lastFlush bounds everything after the doors are closed.
	lastFlush = 5 * time.Second
	// doorGrace is how much longer than a claim's deadline a door waits for the
	// answers under way: time to write them.
	doorGrace = 500 * time.Millisecond
	// readyPoll is how often a starting node looks whether it is ready.
	readyPoll = 10 * time.Millisecond
	// readySoon is when a node says why it is not ready yet.
	readySoon = 5 * time.Second
)

func (h *hall) serveCommand(use string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: "Run the engine",
		Long: `Runs the engine until it is told to end (SIGINT, SIGTERM). The first signal lets
nobody new in and answers everybody who waits; the second ends at once.

Without any configuration it runs alone: log, book and keys are in ./firstcome-data,
the program signs its own tokens, and an example campaign is open. Given Kafka, Redis
and Postgres it is a stateless node of a cluster.

Every key below can also be a variable, FIRSTCOME_ and its name in capitals, or a line
of the YAML file that --config names. The flag wins over the variable, the variable
over the file. Unknown keys are errors. Keys that carry a secret may be file:/path.`,
		Example: `  firstcome
  firstcome --listen 127.0.0.1:9000 --data /var/lib/firstcome --no-example
  firstcome --config /etc/firstcome.yaml
  FIRSTCOME_SECRET=file:/run/secrets/firstcome firstcome --kafka k1:9092,k2:9092,k3:9092 \
    --redis redis-sentinel://s1:26379,s2:26379,s3:26379/mymaster --postgres postgres://firstcome@db/firstcome \
    --issuer https://login.example.org/`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := h.config(cmd)
			if err != nil {
				return err
			}
			return h.serve(cmd.Context(), c)
		},
	}
	keyFlags(cmd)
	return cmd
}

// node is everything that one process runs.
type node struct {
	c               *Config
	log             *slog.Logger
	data            *dataDir // nil: nothing is embedded
	rooms           *rooms
	engine          *engine.Engine
	news            *news    // nil: nobody hears of this node's news
	relayed         *relayed // instead of rooms, engine and news, when stream-source is redis
	doors           *api.Server
	tracing         tracing
	members, admins net.Listener
	lockless        bool             // see tools
	wall            func() time.Time // nil: this machine's clock
}

// serve runs a node until ctx ends.
func (h *hall) serve(ctx context.Context, c *Config) (err error) {
	n := &node{c: c, log: h.logger(c), lockless: h.lockless || rehearsedLockless(h.environ), wall: rehearsedWall(h.environ)}
	defer func() { err = errors.Join(err, n.close()) }()
	if c.relayed() {
		return n.serveRelayed(ctx, h)
	}
	if err := n.open(ctx); err != nil {
		return err
	}
	crew := n.crew(func(ctx context.Context) { n.welcome(ctx, h) })
	return crew.run(ctx, c.ClaimDeadline+lastFlush)
}

// open takes what only one process can have, then opens the rooms and joins them.
func (n *node) open(ctx context.Context) (err error) {
	nameDriver(n.log)
	if n.c.embedded() {
		if n.data, err = openDataDir(n.c.Data); err != nil {
			return err
		}
	}
	if n.members, n.admins, err = listen(n.c); err != nil {
		return err
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	t, err := n.openRooms(ctx, metrics)
	if err != nil {
		return err
	}
	if err := n.openNews(t); err != nil {
		return err
	}
	if err := n.joinEngine(t, n.c.Roles); err != nil {
		return err
	}
	return n.joinDoors(ctx, t, metrics)
}

// openRooms opens the rooms of the shape that the configuration asks for.
func (n *node) openRooms(ctx context.Context, metrics prometheus.Registerer) (t tools, err error) {
	if !n.c.Secret.known {
		if n.c.Secret, err = n.data.secret(); err != nil {
			return t, err
		}
	}
	t = tools{log: n.log, metrics: metrics, secret: n.c.Secret.bytes, lockless: n.lockless}
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	if n.c.cluster() {
		n.rooms, err = cluster(ctx, n.c, t)
	} else {
		n.rooms, err = embedded(ctx, n.c, t, n.data)
	}
	return t, err
}

// joinEngine hands the rooms to the engine.
func (n *node) joinEngine(t tools, roles engine.Roles) (err error) {
	address := ""
	if n.members != nil {
		address = n.members.Addr().String()
	}
	n.engine, err = engine.New(engine.Config{
		Secret: t.secret, Partitions: n.c.KafkaPartitions, ClaimDeadline: n.c.ClaimDeadline,
		Roles: roles, Logger: t.log, Wall: n.wall, Metrics: t.metrics, Address: address, Build: buildVersion(),
	}, n.rooms.ports)
	if err != nil {
		return fmt.Errorf("join the engine: %w", err)
	}
	n.rooms.copies.past.Join(n.engine)
	if n.news != nil {
		n.news.engine = n.engine
	}
	return n.rooms.books.join(n.c, n.engine, n.rooms.ports, t)
}

// joinDoors hands engine and books to the doors.
func (n *node) joinDoors(ctx context.Context, t tools, shown prometheus.Gatherer) (err error) {
	ports := n.rooms.books.doors(n.engine)
	n.news.ports(&ports, n.engine)
	ports.Notices = n.rooms.copies.bulletin
	key, err := ticketKey(t.secret)
	if err != nil {
		return err
	}
	n.doors, err = api.New(api.Config{
		Identity: identity(n.c), DefaultLanguage: n.c.DefaultLanguage, TrustedProxies: n.c.TrustedProxies,
		Streams:     api.StreamLimits{Most: n.c.StreamsMost, PerAddress: n.c.StreamsPerAddress, Spread: n.c.StreamsEnd},
		StreamsOnly: !n.c.does("api"), TicketKey: key,
		Version: buildVersion(), Logger: t.log, Metrics: t.metrics, Gatherer: shown,
	}, ports)
	if err != nil {
		return fmt.Errorf("join the doors: %w", err)
	}
	n.tracing, err = openTracing(ctx, n.c.OTLPEndpoint)
	return err
}

// crew is the list of what runs, in the order in which it ends: doors, the
// streams, the engine with its leases and tallies, the book's writer, and what the rooms need
// to stay connected.
func (n *node) crew(started func(context.Context)) *crew {
	c := &crew{log: n.log}
	end := &farewell{leave: n.doors.Leave}
	wait := idleGrace + n.c.ClaimDeadline + doorGrace // the last claim comes within idleGrace
	members := newDoor(n.members, n.tracing.around("members", n.doors.Members()), end, wait, n.log)
	admins := newDoor(n.admins, n.tracing.around("admins", n.doors.Admins()), end, wait, n.log)
	if n.c.does("api") || n.c.does("stream") {
		c.add("members' door", func(ctx context.Context) error {
			n.awaitReady(ctx)
			return members.run(ctx)
		})
	} else {
		c.add("members' door", n.shutDoor)
	}
	if n.news != nil {
		c.add("streams", n.doors.Stream)
	}
	c.add("waiters", n.drain)
	c.add("admins' door", admins.run)
	c.add("welcome", func(ctx context.Context) error { started(ctx); <-ctx.Done(); return nil })
	c.add("issuer's keys", n.doors.Run)
	if n.c.does("scheduler") {
		c.add("scheduler", n.engine.Schedule)
	}
	if n.news != nil {
		c.add("news", n.news.run)
	}
	c.add("engine", n.engine.Run)
	for _, l := range n.rooms.books.runs(n.c.does("ledger")) {
		c.add(l.name, l.run)
	}
	for _, l := range n.rooms.runs {
		c.add(l.name, l.run)
	}
	return c
}

// shutDoor keeps members out of a node without the roles api and stream: their
// address is given back, so that nobody waits there.
func (n *node) shutDoor(ctx context.Context) error {
	_ = n.members.Close() // nothing was accepted on it
	<-ctx.Done()
	return nil
}

// drain waits, once the doors are closed, for claims whose client is gone.
func (n *node) drain(ctx context.Context) error {
	<-ctx.Done()
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.c.ClaimDeadline)
	defer cancel()
	n.engine.Drain(limit)
	return nil
}

// welcome waits until the node is ready, opens the example and says what is where.
func (n *node) welcome(ctx context.Context, h *hall) {
	if n.data != nil {
		if err := n.data.announce(n.members.Addr().String(), n.admins.Addr().String()); err != nil {
			n.log.WarnContext(ctx, "the data directory does not tell who runs here", "room", "cmd", "err", err)
		}
	}
	if !n.ready(ctx) {
		return
	}
	example := ""
	if !n.c.cluster() && !n.c.NoExample {
		var err error
		if example, err = openExample(ctx, n.engine); err != nil {
			n.log.WarnContext(ctx, "there is no example campaign", "room", "cmd", "err", err)
		}
	}
	h.greet(n.c, n.members.Addr().String(), n.admins.Addr().String(), example)
}

// awaitReady keeps members in front of the door until this node can answer them:
// who comes meanwhile waits a moment instead of being told to come again. A node
// that is not ready for long opens all the same, and says so.
func (n *node) awaitReady(ctx context.Context) {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	late := time.After(readySoon)
	for !n.health().Ready {
		select {
		case <-tick.C:
		case <-late:
			return
		case <-ctx.Done():
			return
		}
	}
}

// ready waits until this node answers claims.
func (n *node) ready(ctx context.Context) bool {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	late := time.After(readySoon)
	for !n.health().Ready {
		select {
		case <-tick.C:
		case <-late:
			n.log.WarnContext(ctx, "this node is not ready yet", "room", "cmd", "err", n.health().Reason)
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// close shuts the rooms and gives back what only one process can have.
func (n *node) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), lastFlush)
	defer cancel()
	var all []error
	if n.rooms != nil {
		all = append(all, n.rooms.close(ctx))
	}
	if n.relayed != nil {
		all = append(all, n.relayed.close())
	}
	all = append(all, n.tracing.close(ctx))
	for _, l := range []net.Listener{n.members, n.admins} {
		if l != nil {
			_ = l.Close() // closed already once its door has run
		}
	}
	if n.data != nil {
		all = append(all, n.data.close())
	}
	return errors.Join(all...)
}
