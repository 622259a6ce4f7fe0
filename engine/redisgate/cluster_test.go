package redisgate_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"firstcome/bench/stack"
	"firstcome/engine/gatetest"
	"firstcome/engine/redisgate"
)

// startCluster starts a Redis Cluster of masters that share the slots, and returns the
// address of its nodes. announce, when not 0, is the port that the only node tells others.
func startCluster(t testing.TB, masters, announce int) []string {
	t.Helper()
	stack.NeedRedis(t)
	const slots = 16384
	var addrs []string
	var clients []*redis.Client
	for i := range masters {
		args := []string{"--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--databases", "16"}
		port, err := stack.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, "--cluster-port", strconv.Itoa(port))
		if announce != 0 {
			args = append(args, "--cluster-announce-ip", "127.0.0.1", "--cluster-announce-port", strconv.Itoa(announce))
		}
		server, err := stack.StartRedis(t.Context(), stack.RedisOptions{Args: args})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		c := server.Client(0)
		t.Cleanup(func() { _ = c.Close() })
		if err := c.ClusterAddSlotsRange(t.Context(), i*slots/masters, (i+1)*slots/masters-1).Err(); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			host, first, _ := net.SplitHostPort(addrs[0])
			bus := clients[0].ConfigGet(t.Context(), "cluster-port").Val()["cluster-port"]
			if err := c.Do(t.Context(), "cluster", "meet", host, first, bus).Err(); err != nil {
				t.Fatal(err)
			}
		}
		addrs, clients = append(addrs, server.Addr()), append(clients, c)
	}
	for _, c := range clients {
		eventually(t, 20*time.Second, "the cluster is whole", func(ctx context.Context) error {
			info, err := c.ClusterInfo(ctx).Result()
			if err == nil && (!strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprint("cluster_size:", masters))) {
				err = fmt.Errorf("not yet: %s", info)
			}
			return err
		})
	}
	return addrs
}

// TestContractCluster runs the contract on three masters: every call finds its slot, and a
// flush of many campaigns travels to all of them at once.
func TestContractCluster(t *testing.T) {
	addrs := startCluster(t, 3, 0)
	gatetest.Run(t, func(t testing.TB) gatetest.Subject {
		c := connect(t, "redis-cluster://"+strings.Join(addrs, ","))
		plain := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, Protocol: 2})
		t.Cleanup(func() { _ = plain.Close() })
		whole := everyMaster{plain}
		whole.FlushDB(t.Context())
		return gatetest.Subject{
			Gate: redisgate.NewGate(c), Locker: redisgate.NewLocker(c), Counter: redisgate.NewCounter(c), Roster: redisgate.NewRoster(c), Clock: c, Redis: whole,
		}
	})
}

// everyMaster empties the whole cluster, where the driver would empty one node.
type everyMaster struct{ *redis.ClusterClient }

func (c everyMaster) FlushDB(ctx context.Context) *redis.StatusCmd {
	cmd := redis.NewStatusCmd(ctx, "flushdb")
	cmd.SetErr(c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return node.FlushDB(ctx).Err() }))
	return cmd
}

// TestLostReplyIsAnErrorAndOneExecutionCluster: the cluster client would repeat the call
// by itself.
func TestLostReplyIsAnErrorAndOneExecutionCluster(t *testing.T) {
	p := startProxy(t, "")
	_, port, _ := net.SplitHostPort(p.addr())
	announce, _ := strconv.Atoi(port)
	server := startCluster(t, 1, announce)[0]
	p.setServer(server)
	plain := redis.NewClient(&redis.Options{Addr: server, Protocol: 2})
	t.Cleanup(func() { _ = plain.Close() })
	lostReplies(t, newRig(t, "redis-cluster://"+p.addr()), p, plain)
}
