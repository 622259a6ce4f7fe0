package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"firstcome/engine"
	"firstcome/engine/redisgate"
	"firstcome/engine/redisgate/inprocess"
	"firstcome/ledger/kafkalog"
	"firstcome/ledger/locallog"
)

// openWait bounds what opening all rooms may take, services out of reach included.
const openWait = 30 * time.Second

// rooms is everything that the engine and the doors stand on, in either shape.
type rooms struct {
	ports  engine.Ports
	books  books
	copies copies
	runs   []line // what lives long in the rooms, in the order in which it ends
	shut   []func(context.Context) error
}

// line is one thing that lives long.
type line struct {
	name string
	run  func(context.Context) error
}

// tools is what every room gets handed in.
type tools struct {
	log     *slog.Logger
	metrics prometheus.Registerer
	secret  [32]byte
	// lockless leaves Redsync out: nothing may be wrong then, only some work is
	// done twice.
	lockless bool
}

// embedded joins the rooms of a node that is alone: its log is a file. Redis and
// Postgres may stand elsewhere all the same.
func embedded(ctx context.Context, c *Config, t tools, data *dataDir) (r *rooms, err error) {
	r = &rooms{}
	defer func() { err = r.orShut(err) }()
	log, err := locallog.Open(ctx, locallog.Config{
		Path: filepath.Join(data.path, "log.db"), Partitions: c.KafkaPartitions, Logger: t.log, Metrics: t.metrics,
	})
	if err != nil {
		return r, err
	}
	r.ports.Log = log
	r.shuts(log.Close)
	if err := r.openLedger(ctx, c, t, data); err != nil {
		return r, err
	}
	address := c.Redis
	if address == "" {
		server, err := inprocess.Start()
		if err != nil {
			return r, err
		}
		r.runs = append(r.runs, line{"redis in this process", server.Run})
		r.shuts(func(context.Context) error { server.Close(); return nil })
		address = server.URL()
	}
	if err := r.openGate(address, t); err != nil {
		return r, err
	}
	return r, r.openCopies(address, t)
}

// cluster joins the rooms of a node among others: it keeps nothing itself.
func cluster(ctx context.Context, c *Config, t tools) (r *rooms, err error) {
	r = &rooms{}
	defer func() { err = r.orShut(err) }()
	log, err := kafkalog.Open(ctx, kafkaConfig(c, t.log, t.metrics))
	if err != nil {
		return r, kafkaError(err, c)
	}
	r.ports.Log = log
	r.shuts(log.Close)
	if err := r.openLedger(ctx, c, t, nil); err != nil {
		return r, err
	}
	if err := r.openGate(c.Redis, t); err != nil {
		return r, err
	}
	return r, r.openCopies(c.Redis, t)
}

func kafkaConfig(c *Config, log *slog.Logger, metrics ...prometheus.Registerer) kafkalog.Config {
	cfg := kafkalog.Config{
		Brokers: c.Kafka, Topic: c.KafkaTopic, Partitions: c.KafkaPartitions, Replication: c.KafkaReplication, Logger: log,
	}
	for _, m := range metrics {
		cfg.Metrics = m
	}
	return cfg
}

// openGate joins the gate. It does not ask whether Redis is there: a gate that is
// away is passed by, and found when it comes back.
func (r *rooms) openGate(address string, t tools) error {
	client, err := redisgate.Connect(address, redisgate.Config{Logger: t.log, Metrics: t.metrics})
	if err != nil {
		return fmt.Errorf("join the gate: %w", err)
	}
	r.ports.Gate = redisgate.NewGate(client)
	if !t.lockless {
		r.ports.Locker = redisgate.NewLocker(client)
	}
	r.ports.Counter = redisgate.NewCounter(client)
	r.ports.Roster = redisgate.NewRoster(client)
	r.ports.Times = append(r.ports.Times, client)
	r.runs = append(r.runs, line{"gate", client.Run})
	r.shuts(func(context.Context) error { return client.Close() })
	return nil
}

// shuts remembers how to shut what was opened last.
func (r *rooms) shuts(how func(context.Context) error) { r.shut = append(r.shut, how) }

// close shuts what was opened, the last first: connections, books, and the log
// when nobody can append any more.
func (r *rooms) close(ctx context.Context) error {
	var all []error
	for i := len(r.shut) - 1; i >= 0; i-- {
		all = append(all, r.shut[i](ctx))
	}
	r.shut = nil
	return errors.Join(all...)
}

// orShut shuts what was opened before an error.
func (r *rooms) orShut(err error) error {
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastFlush)
	defer cancel()
	return errors.Join(err, r.close(ctx))
}
