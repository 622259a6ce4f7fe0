package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"firstcome/engine/fold"
)

func TestNothingIsSentForAFlightThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(1))}, a)
		p := a.node.partition(c.ID)
		before := len(r.log.records[p.id])
		f := &flight{key: flightKey{campaign: c.ID, user: fold.User{1}}, p: p, desk: p.desks[c.ID], gone: make(chan struct{}), done: make(chan struct{})}
		req := &request{until: time.Now().Add(time.Minute)}
		f.requests = []*request{req}
		f.leave(req)
		if _, _, err := f.send(p.next.Load(), false); !errors.Is(err, errGone) {
			t.Fatalf("a record for nobody: %v", err)
		}
		if n := len(r.log.records[p.id]); n != before {
			t.Fatalf("%d records more", n-before)
		}
	})
}

func TestALostPartitionStopsAloneAndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(5))}, a)
		p := a.node.partition(c.ID)
		other := ""
		for i := 0; other == ""; i++ {
			if id := fmt.Sprintf("other-%d", i); a.node.partition(id) != p {
				other = id
			}
		}
		r.open(Campaign{ID: other}, a)
		r.log.set(func(l *memLog) { l.hold = true })
		waiting := make(chan error, 1)
		go func() {
			_, err := a.Claim(r.ctx, call(c.ID, "m"))
			waiting <- err
		}()
		synctest.Wait()
		a.node.Lost(p.id, fmt.Errorf("%w: it ends too early", ErrLogLost))
		if err := <-waiting; !errors.Is(err, ErrStopped) {
			t.Errorf("who waited was told %v", err)
		}
		r.log.set(func(l *memLog) { l.hold = false })
		if _, err := a.Claim(r.ctx, call(c.ID, "n")); !errors.Is(err, ErrStopped) || !errors.Is(err, ErrLogLost) {
			t.Errorf("a stopped partition: %v", err)
		}
		if d, err := a.Claim(r.ctx, call(other, "n")); err != nil || d.Outcome != Granted {
			t.Errorf("the others go on: %v %v", d.Outcome, err)
		}
		h := a.Health()
		if !h.Ready || h.Partitions[p.id].State != "stopped" || h.Partitions[p.id].Reason == "" {
			t.Errorf("%+v", h)
		}
	})
}

func TestAWrongRecordStopsItsPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon"}, a)
		p := a.node.partition(c.ID)
		r.log.set(func(l *memLog) {
			l.records[p.id] = append(l.records[p.id], LogRecord{Offset: int64(len(l.records[p.id])), Value: []byte{fold.Version + 1, 1}})
		})
		time.Sleep(50 * time.Millisecond)
		if _, err := a.Claim(r.ctx, call(c.ID, "m")); !errors.Is(err, ErrStopped) || !errors.Is(err, fold.ErrUnknown) {
			t.Errorf("after a record of a higher version: %v", err)
		}
	})
}

func TestAForeignWrongBeaconStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon"}, a)
		p := a.node.partition(c.ID)
		noop, err := fold.Encode(&fold.Record{Kind: fold.KindNoop, Node: 9, Nr: 1})
		if err != nil {
			t.Fatal(err)
		}
		lie, err := fold.Encode(&fold.Record{Kind: fold.KindBeacon, Node: 9, Nr: 2, Mark: fold.BeaconEvery, Digest: 42})
		if err != nil {
			t.Fatal(err)
		}
		r.log.set(func(l *memLog) {
			for n := len(l.records[p.id]); n <= fold.BeaconEvery; n++ {
				value := noop
				if n == fold.BeaconEvery {
					value = lie
				}
				l.records[p.id] = append(l.records[p.id], LogRecord{Offset: int64(n), Value: value})
			}
		})
		time.Sleep(time.Second) // virtual: it is folded again meanwhile
		if d, err := a.Claim(r.ctx, call(c.ID, "m")); err != nil || d.Outcome != Granted {
			t.Errorf("this fold was right: %v %v", d.Outcome, err)
		}
		// The same lie about a fold that is really wrong stops it.
		p.digests.value = [maxDigests]uint64{7}
		p.digests.mark = [maxDigests]int64{fold.BeaconEvery}
		p.diverged(fold.BeaconEvery, 42)
		time.Sleep(time.Second)
		if _, err := a.Claim(r.ctx, call(c.ID, "n")); !errors.Is(err, ErrStopped) {
			t.Errorf("this fold was wrong: %v", err)
		}
	})
}

func TestAFailingGateIsPassedByAndProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker{}
		for range gateTrips {
			if !b.allow() {
				t.Fatal("tripped too early")
			}
			b.report(false)
		}
		if b.allow() {
			t.Fatal("not tripped")
		}
		time.Sleep(gateProbe)
		if !b.allow() || b.allow() {
			t.Fatal("one probe, not none and not two")
		}
		if came, _ := b.report(true); !came || !b.allow() {
			t.Fatal("it does not come back")
		}
	})
}

func TestBlocksShrinkAsTheRoomDoes(t *testing.T) {
	l := lease{rate: 10_000} // 200 in 20 ms
	for _, tt := range []struct{ room, nodes, want int64 }{
		{1 << 40, 1, 200}, {4000, 2, 200}, {800, 1, 200}, {400, 1, 100}, {400, 2, 50}, {8, 2, 1}, {3, 1, 1}, {0, 1, 1},
	} {
		if got := l.block(tt.room, tt.nodes); got != tt.want {
			t.Errorf("room %d, %d nodes: %d, want %d", tt.room, tt.nodes, got, tt.want)
		}
	}
}

type source struct{ ahead time.Duration }

func (s source) Now(context.Context) (time.Time, error) {
	if s.ahead == never {
		return time.Time{}, errDown
	}
	return time.Now().Add(s.ahead), nil
}

const never = time.Duration(1<<63 - 1)

func TestTwoOfThreeClocksAgree(t *testing.T) {
	for name, tt := range map[string]struct {
		redis, postgres, want time.Duration
	}{
		"all":                       {time.Second, 500 * time.Millisecond, time.Second},
		"Redis an hour ahead":       {time.Hour, time.Second, time.Second},
		"Postgres an hour ahead":    {time.Second, -time.Hour, time.Second},
		"this node an hour behind":  {time.Hour, time.Hour + time.Second, time.Hour},
		"everybody something else":  {time.Hour, 2 * time.Hour, 0},
		"Redis away":                {never, time.Second, time.Second},
		"nobody there":              {never, never, 0},
		"only Redis, an hour ahead": {time.Hour, never, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClock([]TimeSource{source{tt.redis}, source{tt.postgres}}, nil, slog.New(slog.DiscardHandler))
				c.agree(t.Context())
				if got := c.now().Sub(time.Now()).Round(time.Millisecond); got != tt.want {
					t.Errorf("%s ahead, want %s", got, tt.want)
				}
			})
		})
	}
}

type memCounter struct {
	mu   sync.Mutex
	down bool
	n    map[string]int64
}

func (c *memCounter) Add(_ context.Context, counts map[string]map[string]int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return errDown
	}
	for _, of := range counts {
		for name, n := range of {
			c.n[name] += n
		}
	}
	return nil
}

func (c *memCounter) Counts(context.Context, string) (map[string]int64, error) { return c.n, nil }

func TestTalliesArriveLateAndNotTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		counter := &memCounter{n: map[string]int64{}, down: true}
		a := r.nodeWith(Ports{Log: r.log, Gate: r.gate, Counter: counter})
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(2))}, a)
		for i := range 5 {
			if _, err := a.Claim(r.ctx, call(c.ID, fmt.Sprintf("m%d", i))); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second) // the counter is away
		counter.mu.Lock()
		counter.down = false
		counter.mu.Unlock()
		time.Sleep(time.Second)
		counter.mu.Lock()
		defer counter.mu.Unlock()
		if n := counter.n; n["attempts"] != 5 || n["granted"] != 2 || n["sold-out"] != 3 {
			t.Errorf("%v", n)
		}
	})
}
