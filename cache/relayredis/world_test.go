package relayredis

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"firstcome/bench/stack"
	"firstcome/cache"
	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/engine/redisgate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(stack.Main(m)) }

const patience = 20 * time.Second

// world is what several nodes' folds have read of the same logs.
type world struct {
	mu        sync.Mutex
	campaigns map[string]*engine.Campaign
	nodes     []*node
}

// node follows the log: its feed, and a relay.
type node struct {
	w     *world
	feed  *cache.Feed
	relay *cache.Relay
	stop  func()
	dead  bool // guarded by world.mu
}

func newWorld() *world { return &world{campaigns: map[string]*engine.Campaign{}} }

func (w *world) Campaign(id string) (engine.Campaign, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.campaigns[id]; c != nil {
		return *c, nil
	}
	return engine.Campaign{}, engine.ErrNotFound
}

// Told: everybody is told while mu is held.
func (w *world) Told(int32) int64 { return 1 << 40 }

func (w *world) Glance(campaign string, user fold.User) (engine.Claim, error) {
	return engine.Claim{Campaign: campaign, State: "granted", Rank: int64(user[0])}, nil
}

// then lets something happen to a campaign, and tells the nodes that live.
func (w *world) then(id string, what fold.Change, user byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.campaigns[id]
	if c == nil {
		c = &engine.Campaign{ID: id, Epoch: "e-1"}
		w.campaigns[id] = c
	}
	c.Ev++
	c.Next = c.Ev
	if s := what.Status(); s != 0 {
		c.Status = s
	}
	if what == fold.GrantedNow {
		c.Granted++
	}
	change := engine.Change{Campaign: id, Ev: c.Ev, At: time.Now().UnixMilli(), What: what, User: fold.User{user},
		After: fold.Totals{Granted: c.Granted, Cap: fold.NoCap, Status: c.Status}}
	for _, n := range w.nodes {
		if !n.dead {
			n.relay.Tell(0, []engine.Change{change})
		}
	}
}

func client(t *testing.T, url string) *Client {
	t.Helper()
	a, err := redisgate.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := New(a.Open(), a.DB, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// run runs something until the returned function, or the test, has ended it.
func run(t *testing.T, all ...func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, f := range all {
		group.Go(func() { _ = f(ctx) })
	}
	stop = sync.OnceFunc(func() { cancel(); group.Wait() })
	t.Cleanup(stop)
	return stop
}

// follow starts a node that follows the log.
func (w *world) follow(t *testing.T, url string, locker engine.Locker) *node {
	t.Helper()
	n := &node{w: w}
	n.feed = cache.NewFeed(cache.FeedConfig{Partitions: 1, Source: w})
	n.relay = cache.NewRelay(cache.RelayConfig{Feed: n.feed, Glances: w, Carrier: client(t, url), Locker: locker, Logger: slog.New(slog.DiscardHandler)})
	n.stop = run(t, n.relay.Run)
	w.mu.Lock()
	w.nodes = append(w.nodes, n)
	w.mu.Unlock()
	return n
}

// die ends a node's part at once; it gives its turn to nobody when it is silenced
// before.
func (n *node) die() {
	n.w.mu.Lock()
	n.dead = true
	n.w.mu.Unlock()
	n.stop()
}

// receive starts a node that others tell the news.
func receive(t *testing.T, url string) *cache.Receiver {
	t.Helper()
	metrics := prometheus.NewRegistry()
	t.Cleanup(func() {
		if n := count(t, metrics, "firstcome_cache_receiver_foreign_total"); n != 0 {
			t.Errorf("%v messages of campaigns that nobody watched came to a node", n)
		}
	})
	r := cache.NewReceiver(cache.ReceiverConfig{Channels: client(t, url), User: func(string) fold.User { return fold.User{} },
		Logger: slog.New(slog.DiscardHandler), Metrics: metrics})
	r.Feed().Listen(func() {}, func(string, fold.User) {})
	run(t, r.Run)
	return r
}

// count reads one counter.
func count(t *testing.T, metrics *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("%s is not measured", name)
	return 0
}

// onlooker reads a campaign's frames and holds each against the one before.
type onlooker struct {
	t    *testing.T
	reel *cache.Reel
	pos  int64
	last int64
}

func look(t *testing.T, r *cache.Receiver, campaign string) *onlooker {
	t.Helper()
	for late := time.Now().Add(patience); ; {
		reel, err := r.Feed().Watch(t.Context(), campaign)
		if err == nil {
			t.Cleanup(reel.Leave)
			o := &onlooker{t: t, reel: reel}
			missed, pos, _ := reel.Join("", true)
			o.pos = pos
			o.take(missed)
			return o
		}
		if time.Now().After(late) {
			t.Fatalf("%s cannot be watched: %v", campaign, err)
		}
	}
}

func (o *onlooker) take(frames []byte) {
	o.t.Helper()
	for _, e := range eventsOf(frames) {
		var from, to int64
		if _, err := fmt.Sscanf(e, `{"from":%d,"to":%d,`, &from, &to); err != nil {
			o.t.Fatalf("%s: %v", e, err)
		}
		if from != o.last+1 || to < from {
			o.t.Fatalf("%s follows %d", e, o.last)
		}
		o.last = to
	}
}

// until reads up to an event.
func (o *onlooker) until(ev int64) {
	o.t.Helper()
	for late := time.Now().Add(patience); o.last < ev; {
		data, ok := o.reel.Read(o.pos)
		if !ok {
			o.t.Fatal("fell off the tape")
		}
		o.pos += int64(len(data))
		o.take(data)
		if len(data) == 0 {
			if time.Now().After(late) {
				o.t.Fatalf("stands at %d, not %d", o.last, ev)
			}
			time.Sleep(time.Millisecond)
		}
	}
}
