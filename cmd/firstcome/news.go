package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"firstcome/api"
	"firstcome/cache"
	"firstcome/cache/relayredis"
	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/engine/redisgate"
)

// news joins the folds to those who watch.
type news struct {
	feed   *cache.Feed
	shown  bool           // to watchers of this node
	relay  *cache.Relay   // nil: nobody else hears of it
	engine *engine.Engine // set before anybody runs
}

// openNews opens the feed of a node with the role stream, or whose news others
// hear of; the engine, made after it, tells it everything.
func (n *node) openNews(t tools) error {
	relays := n.c.cluster() && (n.c.does("api") || n.c.does("stream"))
	if !n.c.does("stream") && !relays {
		return nil
	}
	n.news = &news{shown: n.c.does("stream")}
	n.news.feed = cache.NewFeed(cache.FeedConfig{
		Partitions: n.c.KafkaPartitions, Source: n.news, Book: n.rooms.books.book, Logger: t.log, Metrics: t.metrics,
	})
	n.rooms.ports.News = n.news.feed
	if relays {
		return n.openRelay(t)
	}
	return nil
}

// openRelay tells nodes that follow no log what this one hears.
func (n *node) openRelay(t tools) error {
	channels, err := openChannels(n.c, t.log)
	if err != nil {
		return err
	}
	n.rooms.shuts(func(context.Context) error { return channels.Close() })
	relay := cache.NewRelay(cache.RelayConfig{
		Feed: n.news.feed, Glances: n.news, Carrier: channels, Locker: n.rooms.ports.Locker, Logger: t.log, Metrics: t.metrics,
	})
	n.rooms.ports.News = relay
	n.news.relay = relay
	return nil
}

// openChannels joins what carries news between nodes. It connects to nothing.
func openChannels(c *Config, log *slog.Logger) (*relayredis.Client, error) {
	address, err := redisgate.ParseURL(c.Redis)
	if err != nil {
		return nil, fmt.Errorf("join the relay: %w", err)
	}
	return relayredis.New(address.Open(), address.DB, log), nil
}

// run runs the feed, and the relay where there is one.
func (n *news) run(ctx context.Context) error {
	if n.relay == nil {
		return n.feed.Run(ctx)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return n.feed.Run(ctx) })
	group.Go(func() error { return n.relay.Run(ctx) })
	return group.Wait()
}

// Campaign and Told make the engine the feed's source.
func (n *news) Campaign(id string) (engine.Campaign, error) { return n.engine.Campaign(id) }

// Told is how far the feed was told.
func (n *news) Told(partition int32) int64 { return n.engine.Told(partition) }

// Glance is a member's claim for who relays it.
func (n *news) Glance(campaign string, user fold.User) (engine.Claim, error) {
	return n.engine.Glance(campaign, user)
}

// reels is the feed in the doors' words.
type reels struct{ *cache.Feed }

// Watch opens a campaign's news.
func (r reels) Watch(ctx context.Context, campaign string) (api.Reel, error) {
	reel, err := r.Feed.Watch(ctx, campaign)
	if err != nil {
		return nil, err // a nil *cache.Reel would not be nil there
	}
	return reel, nil
}

// ports hands feed and folds to the doors. Tickets are made on every node.
func (n *news) ports(p *api.Ports, e *engine.Engine) {
	p.Glances = e
	if n != nil && n.shown {
		p.Feed = reels{n.feed}
	}
}

// ticketKey signs stream tickets; every node of the cluster derives the same.
func ticketKey(secret [32]byte) (key [32]byte, err error) {
	b, err := hkdf.Expand(sha256.New, secret[:], "firstcome stream tickets", len(key))
	if err != nil {
		return key, fmt.Errorf("derive the key of tickets: %w", err)
	}
	return [32]byte(b), nil
}
