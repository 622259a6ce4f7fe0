package engine

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// boardCounter keeps tallies in memory, until it is away.
type boardCounter struct {
	mu     sync.Mutex
	counts map[string]map[string]int64
	away   bool
}

func (c *boardCounter) Add(_ context.Context, counts map[string]map[string]int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away {
		return errors.New("away")
	}
	for id, fields := range counts {
		if c.counts[id] == nil {
			c.counts[id] = map[string]int64{}
		}
		for name, n := range fields {
			c.counts[id][name] += n
		}
	}
	return nil
}

func (c *boardCounter) Counts(_ context.Context, id string) (map[string]int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away {
		return nil, errors.New("away")
	}
	return maps.Clone(c.counts[id]), nil
}

func (c *boardCounter) set(away bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = away
}

// boardBooked is a ledger that has come so far.
type boardBooked struct {
	mu   sync.Mutex
	rows []int64
	err  error
}

func (b *boardBooked) Cursors(context.Context, int32) (next, rows []int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return make([]int64, len(b.rows)), b.rows, b.err
}

// TestBoard: all nodes' decisions are on each node's board, also those that are
// not flushed yet, and stay there while the counter is away.
func TestBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		counter, booked := &boardCounter{counts: map[string]map[string]int64{}}, &boardBooked{rows: make([]int64, 4)}
		ports := Ports{Log: r.log, Gate: r.gate, Locker: r.locker, Counter: counter, Booked: booked}
		one, two := r.nodeWith(ports), r.nodeWith(ports)
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(2))}, one, two)
		for _, who := range []string{"a", "a", "b", "c"} {
			if _, err := one.Claim(r.ctx, call(c.ID, who)); err != nil {
				t.Fatal(err)
			}
		}
		look := func(e *Engine) Board {
			t.Helper()
			b, err := e.Board(r.ctx, c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		check := func(b Board, granted, soldOut int64, whole bool) {
			t.Helper()
			if b.Outcomes["granted"] != granted || b.Outcomes["repeated"] != 1 || b.Outcomes["sold-out"] != soldOut || b.Whole != whole {
				t.Errorf("the board shows %v, whole %v", b.Outcomes, b.Whole)
			}
		}
		b := look(one)
		check(b, 2, 1, true)
		if b.Pace.Claims != 4 || b.Pace.P50 > b.Pace.P95 || b.Pace.P95 > b.Pace.P99 || b.Log != "ok" || b.Gate != "ok" || b.Ledger != "ok" {
			t.Errorf("the board is %+v", b)
		}
		if b.Backlog < 2 {
			t.Errorf("%d rows wait for a ledger that has none", b.Backlog)
		}
		time.Sleep(time.Second) // virtual: flushed
		check(look(two), 2, 1, true)
		if p := look(two).Pace; p.Claims != 0 {
			t.Errorf("the other node saw the pace of %d claims", p.Claims)
		}
		check(look(one), 2, 1, true)
		counter.set(true)
		if _, err := one.Claim(r.ctx, call(c.ID, "d")); err != nil {
			t.Fatal(err)
		}
		check(look(one), 2, 2, false)
		if b := look(one); b.Gate != "away" {
			t.Errorf("the gate is %q", b.Gate)
		}
		if _, err := one.Board(r.ctx, "nothing"); !errors.Is(err, ErrNotFound) {
			t.Errorf("a campaign that is none: %v", err)
		}
	})
}

// TestBoardKnowsALedgerThatIsAway: the backlog is unknown until the ledger has
// answered once, and as it was from then on.
func TestBoardKnowsALedgerThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		booked := &boardBooked{rows: make([]int64, 4), err: errors.New("away")}
		e := r.nodeWith(Ports{Log: r.log, Gate: r.gate, Locker: r.locker, Booked: booked})
		c := r.open(Campaign{ID: "noon"}, e)
		b, err := e.Board(r.ctx, c.ID)
		if err != nil || b.Ledger != "away" || b.Backlog != -1 || b.Gate != "" {
			t.Fatalf("the board is %+v, %v", b, err)
		}
		booked.mu.Lock()
		booked.err, booked.rows = nil, e.Rows()
		booked.mu.Unlock()
		time.Sleep(time.Second) // virtual: asked again
		if b, err = e.Board(r.ctx, c.ID); err != nil || b.Ledger != "ok" || b.Backlog != 0 {
			t.Fatalf("the board is %+v, %v", b, err)
		}
	})
}

func TestPace(t *testing.T) {
	p := new(pace)
	for us := range 1000 {
		p.observe(100+int64(us%paceSeconds), time.Duration(us+1)*time.Microsecond)
	}
	got := p.look(100 + paceSeconds - 1)
	near := func(name string, got, want time.Duration) {
		if got < want*93/100 || got > want*107/100 {
			t.Errorf("%s is %v, want about %v", name, got, want)
		}
	}
	near("p50", got.P50, 500*time.Microsecond)
	near("p95", got.P95, 950*time.Microsecond)
	near("p99", got.P99, 990*time.Microsecond)
	if got.Claims != 1000 || p.look(99+2*paceSeconds) != (Pace{}) {
		t.Errorf("%d claims, and %+v when all are old", got.Claims, p.look(99+2*paceSeconds))
	}
	if p.idle(110+paceIdle-1) || !p.idle(110+paceIdle) {
		t.Error("a pace is idle a minute after its last claim")
	}
	for _, took := range []time.Duration{0, -1, 7 * time.Microsecond, 8 * time.Microsecond, time.Millisecond, 15 * time.Second, time.Hour} {
		b := paceBucket(took)
		if b < 0 || b >= paceBuckets {
			t.Fatalf("%v is in bucket %d of %d", took, b, paceBuckets)
		}
		if middle := paceMiddle(b); took > 0 && took < 16*time.Second {
			near(took.String(), middle, took)
		}
	}
}
