package main

import (
	"context"
	"fmt"
	"time"

	"firstcome/cache"
	"firstcome/cache/redis"
	"firstcome/engine/redisgate"
)

// How many reads of each sort may be at the ledger at once, and how long the next
// ones wait before they are told to come again. Together they are fewer than the
// ledger's connections for reading.
const (
	copyReads   = 2 // what the copies of everybody's data cannot answer
	memberReads = 4
	adminReads  = 3
	readWait    = 100 * time.Millisecond
)

// copies is the room cache, joined, but for the news.
type copies struct {
	changes  *cache.Changes
	bulletin *cache.Bulletin
	past     *cache.History
}

// openCopies joins what is kept to answer fast. It does not ask whether Redis is
// there: without it the copies are in memory alone.
func (r *rooms) openCopies(address string, t tools) error {
	where, err := redisgate.ParseURL(address)
	if err != nil {
		return fmt.Errorf("join the copies: %w", err)
	}
	store := redis.Connect(redis.Address{
		Hosts: where.Hosts, Master: where.Master, Cluster: where.Shape == redisgate.Cluster, TLS: where.TLS,
		User: where.User, Password: where.Password, SentinelUser: where.SentinelUser, SentinelPassword: where.SentinelPassword, DB: where.DB,
	}, redis.Config{Logger: t.log, Metrics: t.metrics})
	r.shuts(func(context.Context) error { return store.Close() })
	m := cache.NewMetrics(t.metrics)
	admins := cache.NewBulkhead("admins", adminReads, readWait, m)
	r.copies.changes = cache.NewChanges(store, m)
	r.runs = append([]line{{"copies", r.copies.changes.Run}}, r.runs...)
	r.copies.bulletin, err = cache.NewBulletin(cache.BulletinConfig{
		Book: r.books.book, Store: store, Changes: r.copies.changes,
		Readers: cache.NewBulkhead("copies", copyReads, readWait, m),
		Admins:  admins, Metrics: m, Logger: t.log,
	})
	if err != nil {
		return fmt.Errorf("join the copies: %w", err)
	}
	r.copies.past, err = cache.NewHistory(cache.HistoryConfig{
		Book: r.books.book, Store: store, Members: cache.NewBulkhead("members", memberReads, readWait, m), Admins: admins,
		Metrics: m, Logger: t.log,
	})
	if err != nil {
		return fmt.Errorf("join the copies: %w", err)
	}
	r.ports.Register = r.copies.past
	return nil
}
