package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"firstcome/api"
	"firstcome/cache"
	"firstcome/engine"
)

// news joins the folds to those who watch.
type news struct {
	feed   *cache.Feed
	engine *engine.Engine // set before anybody runs
}

// openNews opens the feed of a node with the role stream; the engine, made
// after it, tells it everything.
func (n *node) openNews(t tools) {
	if !n.c.does("stream") {
		return
	}
	n.news = &news{}
	n.news.feed = cache.NewFeed(cache.FeedConfig{
		Partitions: n.c.KafkaPartitions, Source: n.news, Book: n.rooms.books.book, Logger: t.log, Metrics: t.metrics,
	})
	n.rooms.ports.News = n.news.feed
}

// Campaign and Told make the engine the feed's source.
func (n *news) Campaign(id string) (engine.Campaign, error) { return n.engine.Campaign(id) }

// Told is how far the feed was told.
func (n *news) Told(partition int32) int64 { return n.engine.Told(partition) }

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
	if n != nil {
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
