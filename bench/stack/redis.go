package stack

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// startTime bounds every start on top of the caller's context.
const startTime = 60 * time.Second

// stopTime bounds a polite end; then the process is killed.
const stopTime = 10 * time.Second

// redisDatabases is how many databases a server has for tests to share.
const redisDatabases = 1024

// RedisOptions say how a Redis server is started. The zero value is one
// server, empty, in memory only.
type RedisOptions struct {
	// Port to listen at; 0: a free one.
	Port int
	// ReplicaOf makes it a replica of the server at a port; 0: it is a master.
	ReplicaOf int
	// MinReplicas refuses writes while fewer replicas than this are at most 2 s
	// behind (min-replicas-to-write).
	MinReplicas int
	// Announce is the port under which a replica tells others to reach it; 0: its own.
	Announce int
	// Args are further arguments of redis-server, like "--appendonly", "yes".
	Args []string
}

// RedisServer is a running Redis server.
type RedisServer struct {
	*Process
	Port int
	dir  string
}

// StartRedis starts a Redis server and waits until it answers: 10-50 ms.
func StartRedis(ctx context.Context, o RedisOptions) (*RedisServer, error) {
	path, err := program("redis-server")
	if err != nil {
		return nil, err
	}
	port := o.Port
	if port == 0 {
		if port, err = freePort(); err != nil {
			return nil, err
		}
	}
	dir, err := newDir("redis")
	if err != nil {
		return nil, err
	}
	s := &RedisServer{Port: port, dir: dir}
	conf := filepath.Join(dir, "redis.conf")
	if err = os.WriteFile(conf, []byte(redisConfig(port, dir, o)), 0o644); err == nil {
		s.Process, err = StartProcess(Spec{
			Name: "redis-" + strconv.Itoa(port), Path: path, Dir: dir, Args: append([]string{conf}, o.Args...),
		})
	}
	if err == nil {
		err = s.ready(ctx)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// redisConfig are the settings of a gate: nothing is evicted, and nothing is
// kept on disk, because losing all of it loses nothing. They are in a file, since
// a sentinel writes there whose replica a server is: it is that again after a restart.
func redisConfig(port int, dir string, o RedisOptions) string {
	lines := []string{
		fmt.Sprintf("port %d", port), "bind 127.0.0.1", "dir " + dir,
		`save ""`, "appendonly no", "maxmemory-policy noeviction",
		fmt.Sprintf("databases %d", redisDatabases),
		"repl-diskless-sync-delay 0", "repl-ping-replica-period 1",
		fmt.Sprintf("min-replicas-to-write %d", o.MinReplicas), "min-replicas-max-lag 2",
	}
	if o.Announce != 0 {
		lines = append(lines, fmt.Sprintf("replica-announce-port %d", o.Announce))
	}
	if o.ReplicaOf != 0 {
		lines = append(lines, fmt.Sprintf("replicaof 127.0.0.1 %d", o.ReplicaOf))
	}
	return strings.Join(lines, "\n") + "\n"
}

// Addr is host:port.
func (s *RedisServer) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// URL is the address as firstcome takes it, with the database in it.
func (s *RedisServer) URL(database int) string {
	return fmt.Sprintf("redis://%s/%d", s.Addr(), database)
}

// Client returns a plain client of one database that repeats nothing by
// itself. The caller closes it.
func (s *RedisServer) Client(database int) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: s.Addr(), DB: database, MaxRetries: -1, DialerRetries: 1, DialTimeout: time.Second,
		ReadTimeout: 2 * time.Second, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: noNotifications(),
	})
}

func (s *RedisServer) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	c := s.Client(0)
	defer c.Close()
	return s.Ready(ctx, func(ctx context.Context) error {
		if err := dial(ctx, s.Addr()); err != nil {
			return err // go-redis would complain to standard error each time
		}
		return c.Ping(ctx).Err()
	})
}

// Restart ends the server politely if it runs, starts it again on the same
// port and waits until it answers. Its memory is empty afterwards.
func (s *RedisServer) Restart(ctx context.Context) error {
	if err := restart(ctx, s.Process); err != nil {
		return err
	}
	return s.ready(ctx)
}

// Close kills the server and removes its files.
func (s *RedisServer) Close() {
	if s.Process != nil {
		s.Kill()
	}
	_ = os.RemoveAll(s.dir)
}

// dial tells whether anybody listens.
func dial(ctx context.Context, addr string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// restart ends a process, politely for a while, and starts it again.
func restart(ctx context.Context, p *Process) error {
	soon, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	_ = p.Stop(soon) // killed in the end, and then it may start as well
	return p.Start()
}

// noNotifications keeps go-redis from asking for a feature of hosted servers.
func noNotifications() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}
