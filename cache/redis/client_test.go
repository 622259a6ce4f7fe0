package redis

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"firstcome/bench/stack"
	"firstcome/cache"
	"firstcome/engine/fold"
	"firstcome/engine/redisgate"
	"firstcome/engine/redisgate/inprocess"
)

func TestMain(m *testing.M) {
	redisgate.DriverLog(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(stack.Main(m))
}

func connect(t testing.TB, url string) *Client {
	t.Helper()
	a, err := redisgate.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := Connect(Address{Hosts: a.Hosts, Master: a.Master, Cluster: a.Shape == redisgate.Cluster, User: a.User, Password: a.Password, DB: a.DB}, Config{})
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// servers are the Redises that the contract holds for.
var servers = map[string]func(t testing.TB) (url string){
	"in process": func(t testing.TB) string {
		s, err := inprocess.Start()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		background(t, s.Run)
		return s.URL()
	},
	"a server": func(t testing.TB) string {
		stack.NeedRedis(t)
		return stack.Redis(t).URL()
	},
	"behind sentinels": func(t testing.TB) string {
		stack.NeedRedis(t)
		return stack.Sentinels(t).URL(int(time.Now().UnixNano() % 16))
	},
	"a cluster": aCluster,
}

// aCluster is a cluster of one master, with all slots.
func aCluster(t testing.TB) string {
	stack.NeedRedis(t)
	port, err := stack.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	server, err := stack.StartRedis(t.Context(), stack.RedisOptions{Args: []string{"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(port)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	plain := server.Client(0)
	defer plain.Close()
	if err := plain.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "the cluster is whole", func() bool {
		return strings.Contains(plain.ClusterInfo(t.Context()).Val(), "cluster_state:ok")
	})
	return "redis-cluster://" + server.Addr()
}

// background runs what has a Run until the test ends.
func background(t testing.TB, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
}

func eventually(t testing.TB, within time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(within); ; {
		if ok() {
			return time.Since(start)
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never within %v: %s", within, what)
		}
	}
}

func versioned(v int64, text string) []byte { return fmt.Appendf(nil, "%016d=%s", v, text) }

func TestContract(t *testing.T) {
	for name, url := range servers {
		t.Run(name, func(t *testing.T) {
			c := connect(t, url(t))
			t.Run("an older value never replaces a newer one", func(t *testing.T) { keepsTheNewest(t, c) })
			t.Run("copies end", func(t *testing.T) { ends(t, c) })
			t.Run("a record grows by one writer at a time", func(t *testing.T) { appends(t, c) })
			t.Run("messages arrive", func(t *testing.T) { tells(t, c) })
		})
	}
}

func keepsTheNewest(t *testing.T, c *Client) {
	ctx, key := t.Context(), cache.Notices.Key(stack.Unique("k"))
	if got, err := c.Get(ctx, key); got != nil || err != nil {
		t.Fatalf("nothing is %q %v", got, err)
	}
	var wg sync.WaitGroup
	for v := range int64(40) { // in whatever order they arrive
		wg.Go(func() {
			if err := c.Keep(ctx, key, versioned(v, "x"), time.Minute); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, late := range []int64{38, 0, 9} {
		if err := c.Keep(ctx, key, versioned(late, "late"), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := c.Get(ctx, key); err != nil || !bytes.Equal(got, versioned(39, "x")) {
		t.Fatalf("%q %v", got, err)
	}
	if err := c.Keep(ctx, key, versioned(39, "again"), time.Minute); err != nil {
		t.Fatal(err)
	}
	if got, _ := c.Get(ctx, key); !bytes.Equal(got, versioned(39, "again")) {
		t.Fatalf("the same version again: %q", got)
	}
	if err := c.driver.Set(ctx, key.String(), "garbage", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.Keep(ctx, key, versioned(1, "x"), time.Minute); err != nil {
		t.Fatal(err)
	}
	if got, _ := c.Get(ctx, key); !bytes.Equal(got, versioned(1, "x")) {
		t.Fatalf("over garbage: %q", got)
	}
}

func ends(t *testing.T, c *Client) {
	ctx, key := t.Context(), cache.Notices.Key(stack.Unique("k"))
	if err := c.Keep(ctx, key, versioned(5, "x"), 300*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "the copy ends", func() bool { got, err := c.Get(ctx, key); return err == nil && got == nil })
}

func appends(t *testing.T, c *Client) {
	ctx, key := t.Context(), cache.Past.Key("log", fold.User{byte(time.Now().UnixNano()), 2, 3})
	for round, have := 0, 0; round < 20; round, have = round+1, have+2 {
		var won []string
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 4 {
			more := fmt.Sprintf("%c%c", 'a'+round, 'a'+i)
			wg.Go(func() {
				done, err := c.Append(ctx, key, have, []byte(more), time.Minute)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				if done {
					won = append(won, more)
				}
			})
		}
		wg.Wait()
		got, err := c.Get(ctx, key)
		if err != nil || len(won) != 1 || len(got) != have+2 || string(got[have:]) != won[0] {
			t.Fatalf("%d writers won, %q is there: %v", len(won), got, err)
		}
	}
}

func tells(t *testing.T, c *Client) {
	var mu sync.Mutex
	var heard []string
	background(t, func(ctx context.Context) error {
		return c.Listen(ctx, func(m []byte) {
			mu.Lock()
			defer mu.Unlock()
			if m == nil {
				m = []byte("new")
			}
			heard = append(heard, string(m))
		})
	})
	has := func(text string) func() bool {
		return func() bool { mu.Lock(); defer mu.Unlock(); return slices.Contains(heard, text) }
	}
	eventually(t, 10*time.Second, "listening", has("new"))
	for i := range 5 {
		text := stack.Unique("message")
		start := time.Now()
		if err := c.Tell(t.Context(), []byte(text)); err != nil {
			t.Fatal(err)
		}
		eventually(t, 5*time.Second, "a message arrives", has(text))
		if took := time.Since(start); i > 0 && took > 500*time.Millisecond {
			t.Errorf("a message took %v", took)
		}
	}
}
