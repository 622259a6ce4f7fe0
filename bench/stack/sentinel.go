package stack

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// SentinelOptions say how a master with replicas and sentinels is started.
type SentinelOptions struct {
	// Replicas of the master; 0: 2, so that one may die and the next master
	// still has a replica to write to.
	Replicas int
	// DownAfter is how long a master is silent before a sentinel calls it
	// down; 0: 500 ms.
	DownAfter time.Duration
	// FailoverTimeout is after how long a failed failover is tried again, by
	// halves; 0: 3 s. Sentinel's own default of 3 minutes costs minutes.
	FailoverTimeout time.Duration
	// Reach returns the port under which replicas and sentinels reach the server
	// at a port, as of a proxy in front of it; nil: the port itself.
	Reach func(port int) (int, error)
}

// MasterName is what the sentinels call the master.
const MasterName = "firstcome"

// SentinelGroup is a master, its replicas and three sentinels, quorum 2.
type SentinelGroup struct {
	// Servers are the Redis servers; the first one starts as the master.
	Servers []*RedisServer
	// Sentinels watch them.
	Sentinels []*SentinelProcess
	reached   []int // the ports under which the others reach each server
	dir       string
	o         SentinelOptions
}

// SentinelProcess is one running sentinel.
type SentinelProcess struct {
	*Process
	Port int
	id   string
}

// Addr is host:port.
func (s *SentinelProcess) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.Port) }

// StartSentinels starts a master with replicas and three sentinels, and waits
// until all three would agree on a failover: about 0.3 s. The sentinels are
// told of one another, which saves the seconds in which they would meet.
func StartSentinels(ctx context.Context, o SentinelOptions) (*SentinelGroup, error) {
	path, err := program("redis-server") // with --sentinel: Debian packs redis-sentinel apart
	if err != nil {
		return nil, err
	}
	if o.Replicas == 0 {
		o.Replicas = 2
	}
	if o.DownAfter == 0 {
		o.DownAfter = 500 * time.Millisecond
	}
	if o.FailoverTimeout == 0 {
		o.FailoverTimeout = 3 * time.Second
	}
	if o.Reach == nil {
		o.Reach = func(port int) (int, error) { return port, nil }
	}
	g := &SentinelGroup{o: o}
	if err := g.start(ctx, path); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

func (g *SentinelGroup) start(ctx context.Context, path string) (err error) {
	if g.dir, err = newDir("sentinel"); err != nil {
		return err
	}
	for range g.o.Replicas + 1 {
		if err := g.startServer(ctx); err != nil {
			return err
		}
	}
	if err := g.prepare(); err != nil {
		return err
	}
	for i, s := range g.Sentinels {
		conf := filepath.Join(g.dir, fmt.Sprintf("sentinel-%d.conf", i+1))
		if err := os.WriteFile(conf, []byte(g.config(i)), 0o644); err != nil {
			return fmt.Errorf("write a sentinel's settings: %w", err)
		}
		s.Process, err = StartProcess(Spec{
			Name: fmt.Sprintf("sentinel-%d", i+1), Path: path, Dir: g.dir, Args: []string{conf, "--sentinel"},
		})
		if err != nil {
			return err
		}
	}
	return g.ready(ctx)
}

// startServer starts the master, or the next of its replicas.
func (g *SentinelGroup) startServer(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	reached, err := g.o.Reach(port)
	if err != nil {
		return err
	}
	ro := RedisOptions{MinReplicas: 1, Port: port, Announce: reached}
	if len(g.reached) > 0 {
		ro.ReplicaOf = g.reached[0]
	}
	s, err := StartRedis(ctx, ro)
	if err != nil {
		return err
	}
	g.Servers, g.reached = append(g.Servers, s), append(g.reached, reached)
	return nil
}

// prepare gives the three sentinels their ports and names.
func (g *SentinelGroup) prepare() error {
	for range 3 {
		port, err := freePort()
		if err != nil {
			return err
		}
		var id [20]byte
		if _, err := rand.Read(id[:]); err != nil {
			return fmt.Errorf("name a sentinel: %w", err)
		}
		g.Sentinels = append(g.Sentinels, &SentinelProcess{Port: port, id: hex.EncodeToString(id[:])})
	}
	return nil
}

// config is what a sentinel would have written itself after it met the others.
func (g *SentinelGroup) config(i int) string {
	var b strings.Builder
	me := g.Sentinels[i]
	fmt.Fprintf(&b, "port %d\nbind 127.0.0.1\ndir %s\nprotected-mode no\n", me.Port, g.dir)
	fmt.Fprintf(&b, "sentinel myid %s\n", me.id)
	fmt.Fprintf(&b, "sentinel monitor %s 127.0.0.1 %d 2\n", MasterName, g.reached[0])
	fmt.Fprintf(&b, "sentinel down-after-milliseconds %s %d\n", MasterName, g.o.DownAfter.Milliseconds())
	fmt.Fprintf(&b, "sentinel failover-timeout %s %d\n", MasterName, g.o.FailoverTimeout.Milliseconds())
	fmt.Fprintf(&b, "sentinel parallel-syncs %s 1\n", MasterName)
	for _, port := range g.reached[1:] {
		fmt.Fprintf(&b, "sentinel known-replica %s 127.0.0.1 %d\n", MasterName, port)
	}
	for j, s := range g.Sentinels {
		if j != i {
			fmt.Fprintf(&b, "sentinel known-sentinel %s 127.0.0.1 %d %s\n", MasterName, s.Port, s.id)
		}
	}
	return b.String()
}

// ready waits until each sentinel sees a quorum, and each replica is in step.
func (g *SentinelGroup) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for _, s := range g.Sentinels {
		c := sentinelClient(s.Addr())
		defer c.Close()
		err := s.Ready(ctx, func(ctx context.Context) error {
			if err := dial(ctx, s.Addr()); err != nil {
				return err
			}
			return g.agree(ctx, c)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *SentinelGroup) agree(ctx context.Context, c *redis.SentinelClient) error {
	if err := c.CkQuorum(ctx, MasterName).Err(); err != nil {
		return err
	}
	replicas, err := c.Replicas(ctx, MasterName).Result()
	if err != nil {
		return err
	}
	up := 0
	for _, r := range replicas {
		if r["master-link-status"] == "ok" && r["flags"] == "slave" {
			up++
		}
	}
	if up < g.o.Replicas {
		return fmt.Errorf("%d of %d replicas are in step", up, g.o.Replicas)
	}
	return nil
}

// Addrs are the sentinels' addresses.
func (g *SentinelGroup) Addrs() []string {
	var all []string
	for _, s := range g.Sentinels {
		all = append(all, s.Addr())
	}
	return all
}

// URL is the address as firstcome takes it: sentinels and the master's name.
func (g *SentinelGroup) URL(database int) string {
	return fmt.Sprintf("redis-sentinel://%s/%s?db=%d", strings.Join(g.Addrs(), ","), MasterName, database)
}

// Master asks the sentinels, one after another, who the master is. The server
// may be dead or frozen: they need DownAfter and an election to find out.
func (g *SentinelGroup) Master(ctx context.Context) (*RedisServer, error) {
	var last error
	for _, s := range g.Sentinels {
		c := sentinelClient(s.Addr())
		addr, err := c.GetMasterAddrByName(ctx, MasterName).Result()
		c.Close()
		if err != nil || len(addr) != 2 {
			last = err
			continue
		}
		for i, port := range g.reached {
			if strconv.Itoa(port) == addr[1] {
				return g.Servers[i], nil
			}
		}
	}
	return nil, fmt.Errorf("ask the sentinels for the master: %w", errors.Join(errors.New("none knows it"), last))
}

// Settled returns the master that all sentinels agree on and none of them
// doubts, or why there is none: a failover may be under way.
func (g *SentinelGroup) Settled(ctx context.Context) (*RedisServer, error) {
	master, err := g.Master(ctx)
	if err != nil {
		return nil, err
	}
	port := ""
	for _, s := range g.Sentinels {
		c := sentinelClient(s.Addr())
		seen, err := c.Master(ctx, MasterName).Result()
		c.Close()
		switch {
		case err != nil:
			return nil, fmt.Errorf("ask a sentinel for the master: %w", err)
		case seen["flags"] != "master":
			return nil, fmt.Errorf("a sentinel calls the master %s", seen["flags"])
		case port != "" && port != seen["port"]:
			return nil, errors.New("the sentinels follow different masters")
		}
		port = seen["port"]
	}
	return master, nil
}

// Close kills everything and removes the files.
func (g *SentinelGroup) Close() {
	for _, s := range g.Sentinels {
		if s.Process != nil {
			s.Kill()
		}
	}
	for _, s := range g.Servers {
		s.Close()
	}
	_ = os.RemoveAll(g.dir)
}

func sentinelClient(addr string) *redis.SentinelClient {
	return redis.NewSentinelClient(&redis.Options{
		Addr: addr, MaxRetries: -1, DialerRetries: 1, DialTimeout: 300 * time.Millisecond,
		ReadTimeout: time.Second, ContextTimeoutEnabled: true, MaintNotificationsConfig: noNotifications(),
	})
}
