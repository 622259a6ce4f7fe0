package fault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"firstcome/bench/stack"
	"firstcome/engine/redisgate"
)

// RigOptions say what a rig consists of.
type RigOptions struct {
	Nodes   int           // that it has links for
	Brokers int           // 1 or 3
	Lag     time.Duration // of the replication between the Redis servers
}

// Rig is the services that runs take place on, and the links before them. It
// lives through many runs: each has a topic, a database and nodes of its own.
type Rig struct {
	RigOptions
	Redis    *stack.SentinelGroup
	Kafka    *stack.KafkaCluster
	Postgres *stack.PostgresServer

	// Fronts are what replicas and sentinels reach each Redis server through.
	Fronts []*Link
	// Nodes' own wires: who cuts one cuts one node off.
	Links []*NodeLinks

	mu   sync.Mutex
	all  []*Link // guarded by mu while the services start
	runs int
	pass passes
}

// NodeLinks are one node's wires, one to each server.
type NodeLinks struct {
	Redis, Sentinels, Kafka []*Link
	Postgres                *Link
}

// each does something to links.
func each(links []*Link, do func(*Link)) {
	for _, l := range links {
		do(l)
	}
}

// Gate are all wires to Redis.
func (n *NodeLinks) Gate() []*Link {
	return append(append([]*Link(nil), n.Redis...), n.Sentinels...)
}

// quiet keeps the driver of Redis from telling standard error what breaks: all of it is meant to.
var quiet sync.Once

// StartRig starts the services and lays the links: 3-8 s.
func StartRig(ctx context.Context, o RigOptions) (*Rig, error) {
	quiet.Do(func() { redisgate.DriverLog(slog.New(slog.DiscardHandler)) })
	r := &Rig{RigOptions: o}
	if err := r.start(ctx); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Rig) start(ctx context.Context) error {
	group, all := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		r.Redis, err = stack.StartSentinels(all, stack.SentinelOptions{Reach: r.front})
		return err
	})
	group.Go(func() (err error) {
		r.Kafka, err = stack.StartKafka(all, stack.KafkaOptions{
			Brokers: r.Brokers, Settings: []string{"offsets.topic.num.partitions=1"}, // a broker that comes back reads all it has
		})
		return err
	})
	group.Go(func() (err error) {
		r.Postgres, err = stack.StartPostgres(all, stack.PostgresOptions{})
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	for range r.Nodes {
		n, err := r.lay()
		if err != nil {
			return err
		}
		r.Links = append(r.Links, n)
	}
	return nil
}

// link lays one wire to a port.
func (r *Rig) link(target int, lag time.Duration, speak func(*Link) wire) (*Link, error) {
	port, err := stack.FreePort()
	if err != nil {
		return nil, err
	}
	l, err := newLink(port, target, lag, speak)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, l)
	return l, nil
}

// front lays the wire that replicas and sentinels reach a Redis server through.
func (r *Rig) front(port int) (int, error) {
	l, err := r.link(port, r.Lag, nil)
	if err != nil {
		return 0, err
	}
	r.Fronts = append(r.Fronts, l)
	return l.Port(), nil
}

// lay lays one node's wires. What sentinels and brokers say of where servers
// are is renamed on the way: it names this node's wires.
func (r *Rig) lay() (n *NodeLinks, err error) {
	n = &NodeLinks{}
	var errs []error
	add := func(to *[]*Link, target int, speak func(*Link) wire) *Link {
		l, err := r.link(target, 0, speak)
		errs = append(errs, err)
		*to = append(*to, l)
		return l
	}
	doors := map[string]string{}
	for i, s := range r.Redis.Servers {
		l := add(&n.Redis, s.Port, func(l *Link) wire { return &resp{link: l} })
		if l != nil {
			doors[strconv.Itoa(r.Fronts[i].Port())] = strconv.Itoa(l.Port())
		}
	}
	for _, s := range r.Redis.Sentinels {
		add(&n.Sentinels, s.Port, func(l *Link) wire { return &resp{link: l, ports: doors} })
	}
	brokers := map[int]int{}
	for _, b := range r.Kafka.Brokers {
		l := add(&n.Kafka, b.Port, func(*Link) wire { return &kafka{ports: brokers, asked: map[uint32]int16{}} })
		if l != nil {
			brokers[b.Port] = l.Port()
		}
	}
	var one []*Link
	n.Postgres = add(&one, r.Postgres.Port, func(*Link) wire { return pg{} })
	return n, errors.Join(errs...)
}

// settings are where node i finds the services: over its own wires.
func (r *Rig) settings(i int, database string) map[string]string {
	n := r.Links[i]
	return map[string]string{
		"FIRSTCOME_REDIS":    fmt.Sprintf("redis-sentinel://%s/%s?db=0", addresses(n.Sentinels), stack.MasterName),
		"FIRSTCOME_KAFKA":    addresses(n.Kafka),
		"FIRSTCOME_POSTGRES": strings.Replace(r.Postgres.DSN(database), strconv.Itoa(r.Postgres.Port), strconv.Itoa(n.Postgres.Port()), 1),
	}
}

func addresses(links []*Link) string {
	var all []string
	for _, l := range links {
		all = append(all, address(l.Port()))
	}
	return strings.Join(all, ",")
}

// Close ends everything and removes the files.
func (r *Rig) Close() {
	if r.Kafka != nil {
		r.Kafka.Close()
	}
	if r.Redis != nil {
		r.Redis.Close()
	}
	if r.Postgres != nil {
		r.Postgres.Close()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	each(r.all, (*Link).Close)
}
