package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"firstcome/api"
	"firstcome/cache"
	"firstcome/cache/relayredis"
	"firstcome/engine"
)

// relayed is what a node stands on that other nodes tell the news: it follows no
// log, and opens no database.
type relayed struct {
	name     string
	roles    engine.Roles
	channels *relayredis.Client
	receiver *cache.Receiver
}

// serveRelayed runs such a node until ctx ends.
func (n *node) serveRelayed(ctx context.Context, h *hall) (err error) {
	nameDriver(n.log)
	if n.members, n.admins, err = listen(n.c); err != nil {
		return err
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	t := tools{log: n.log, metrics: metrics, secret: n.c.Secret.bytes}
	if n.relayed, err = openRelayed(n.c, t); err != nil {
		return err
	}
	if err := n.joinRelayedDoors(ctx, t, metrics); err != nil {
		return err
	}
	return n.relayedCrew(h).run(ctx, n.c.ClaimDeadline+lastFlush)
}

func openRelayed(c *Config, t tools) (*relayed, error) {
	sealer, err := engine.NewSealer(t.secret)
	if err != nil {
		return nil, fmt.Errorf("join the receiver: %w", err)
	}
	channels, err := openChannels(c, t.log)
	if err != nil {
		return nil, err
	}
	return &relayed{name: rand.Text(), roles: c.Roles, channels: channels, receiver: cache.NewReceiver(cache.ReceiverConfig{
		Channels: channels, User: sealer.User, Logger: t.log, Metrics: t.metrics,
	})}, nil
}

// joinRelayedDoors hands the receiver to the doors.
func (n *node) joinRelayedDoors(ctx context.Context, t tools, shown prometheus.Gatherer) error {
	key, err := ticketKey(t.secret)
	if err != nil {
		return err
	}
	n.doors, err = api.New(api.Config{
		Identity: identity(n.c), DefaultLanguage: n.c.DefaultLanguage, TrustedProxies: n.c.TrustedProxies,
		Streams:     api.StreamLimits{Most: n.c.StreamsMost, PerAddress: n.c.StreamsPerAddress, Spread: n.c.StreamsEnd},
		StreamsOnly: true, NewsOnly: true, TicketKey: key,
		Version: buildVersion(), Logger: t.log, Metrics: t.metrics, Gatherer: shown,
	}, api.Ports{Node: n.relayed, Feed: reels{n.relayed.receiver.Feed()}, Glances: n.relayed.receiver})
	if err != nil {
		return fmt.Errorf("join the doors: %w", err)
	}
	n.tracing, err = openTracing(ctx, n.c.OTLPEndpoint)
	return err
}

// relayedCrew is the list of what runs, in the order in which it ends.
func (n *node) relayedCrew(h *hall) *crew {
	c := &crew{log: n.log}
	end := &farewell{leave: n.doors.Leave}
	wait := idleGrace + doorGrace
	members := newDoor(n.members, n.tracing.around("members", n.doors.Members()), end, wait, n.log)
	admins := newDoor(n.admins, n.tracing.around("admins", n.doors.Admins()), end, wait, n.log)
	c.add("members' door", func(ctx context.Context) error {
		n.awaitReady(ctx)
		return members.run(ctx)
	})
	c.add("streams", n.doors.Stream)
	c.add("admins' door", admins.run)
	c.add("welcome", func(ctx context.Context) error {
		if n.ready(ctx) {
			h.greet(n.c, n.members.Addr().String(), n.admins.Addr().String(), "")
		}
		<-ctx.Done()
		return nil
	})
	c.add("issuer's keys", n.doors.Run)
	c.add("receiver", n.relayed.receiver.Run)
	return c
}

// health is what this node says of itself.
func (n *node) health() engine.Health {
	if n.relayed != nil {
		return n.relayed.Health()
	}
	return n.engine.Health()
}

// Health tells how this node does: it is ready while it is told the news.
func (r *relayed) Health() engine.Health {
	away := r.receiver.Away()
	return engine.Health{Node: r.name, Ready: away == "", Reason: away, Roles: r.roles}
}

// Folds are none.
func (r *relayed) Folds() (next []int64, digests []uint64) { return nil, nil }

// close ends the connections.
func (r *relayed) close() error { return r.channels.Close() }
