package cache

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"firstcome/engine"
)

// pantry is a Store and a Bus in this process, which can be away, and lose messages.
type pantry struct {
	mu    sync.Mutex
	kept  map[string]copyOn
	ears  []func([]byte)
	away  bool
	deaf  bool
	calls atomic.Int64
}

type copyOn struct {
	value []byte
	until time.Time
}

func newPantry() *pantry { return &pantry{kept: map[string]copyOn{}} }

var errAway = errors.New("away")

func (s *pantry) lock() (unlock func(), err error) {
	s.calls.Add(1)
	s.mu.Lock()
	if s.away {
		s.mu.Unlock()
		return nil, errAway
	}
	return s.mu.Unlock, nil
}

func (s *pantry) Get(_ context.Context, key Key) ([]byte, error) {
	unlock, err := s.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if c, ok := s.kept[key.String()]; ok && time.Now().Before(c.until) {
		return bytes.Clone(c.value), nil
	}
	return nil, nil
}

func (s *pantry) Keep(_ context.Context, key Key, value []byte, life time.Duration) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if c, ok := s.kept[key.String()]; ok && time.Now().Before(c.until) && string(c.value[:versionWidth]) > string(value[:versionWidth]) {
		return nil
	}
	s.kept[key.String()] = copyOn{bytes.Clone(value), time.Now().Add(life)}
	return nil
}

func (s *pantry) Append(_ context.Context, key Key, have int, more []byte, life time.Duration) (bool, error) {
	unlock, err := s.lock()
	if err != nil {
		return false, err
	}
	defer unlock()
	c := s.kept[key.String()]
	if !time.Now().Before(c.until) {
		c.value = nil
	}
	if len(c.value) != have {
		return false, nil
	}
	s.kept[key.String()] = copyOn{append(bytes.Clone(c.value), more...), time.Now().Add(life)}
	return true, nil
}

func (s *pantry) Tell(_ context.Context, message []byte) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if !s.deaf {
		for _, ear := range s.ears {
			ear(message)
		}
	}
	return nil
}

func (s *pantry) Listen(ctx context.Context, heard func([]byte)) error {
	s.mu.Lock()
	s.ears = append(s.ears, heard)
	s.mu.Unlock()
	<-ctx.Done()
	return nil
}

// truth is a source whose value a test changes.
type truth struct {
	mu      sync.Mutex
	version int64
	gone    bool
	broken  error
	slow    time.Duration
	reads   atomic.Int64
}

func (s *truth) read(ctx context.Context, id string) (Value[string], error) {
	s.reads.Add(1)
	s.mu.Lock()
	v, slow, broken := Value[string]{Version: s.version, Found: !s.gone, Data: id + strconv.FormatInt(s.version, 10)}, s.slow, s.broken
	s.mu.Unlock()
	if slow > 0 && !sleep(ctx, slow) {
		return Value[string]{}, ctx.Err()
	}
	return v, broken
}

func (s *truth) set(version int64) { s.mu.Lock(); s.version = version; s.mu.Unlock() }

func (s *truth) fail(err error) { s.mu.Lock(); s.broken = err; s.mu.Unlock() }

// nodeOn is one node's reader of a source.
type nodeOn struct {
	*Reader[string]
	changes *Changes
	metrics *Metrics
}

// newNode is for a bubble: in the end the flights that nobody waits for come down.
func newNode(t testing.TB, s *pantry, source *truth) *nodeOn {
	t.Helper()
	t.Cleanup(func() { time.Sleep(2 * sourceWait) })
	n := &nodeOn{metrics: NewMetrics(nil)}
	cfg := ReaderConfig[string]{Kind: Notices, Origin: source.read, Memory: 1 << 20, Metrics: n.metrics, Logger: slog.New(slog.DiscardHandler),
		Guard:  NewBulkhead("test", 4, 50*time.Millisecond, n.metrics),
		Encode: func(b []byte, d string) []byte { return append(b, d...) }, Decode: func(b []byte) (string, error) { return string(b), nil }}
	n.changes = NewChanges(nil, n.metrics)
	if s != nil {
		cfg.Store = s
		n.changes = NewChanges(s, n.metrics)
	}
	r, err := NewReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n.Reader = r
	Follow(n.changes, r)
	if s != nil {
		s.mu.Lock()
		s.ears = append(s.ears, n.changes.hear)
		s.mu.Unlock()
	}
	return n
}

func (n *nodeOn) version(t testing.TB) int64 {
	t.Helper()
	v, err := n.Get(t.Context(), "a", 0)
	if err != nil {
		t.Fatal(err)
	}
	return v.Version
}

func TestColdStampedeAsksTheSourceOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, source := newPantry(), &truth{version: 1, slow: 50 * time.Millisecond}
		nodes := []*nodeOn{newNode(t, s, source), newNode(t, s, source)}
		var wg sync.WaitGroup
		for i := range 5000 {
			wg.Go(func() {
				if v, err := nodes[i%2].Get(t.Context(), "a", 0); err != nil || v.Data != "a1" {
					t.Errorf("%+v %v", v, err)
				}
			})
		}
		wg.Wait()
		if n := source.reads.Load(); n > 2 {
			t.Fatalf("two nodes asked %d times", n)
		}
		if joined := testutil.ToFloat64(nodes[0].metrics.joined.WithLabelValues("notices")); joined != 2499 {
			t.Errorf("%v joined", joined)
		}
	})
}

// A hot key costs Redis one call a second and node at most, however often it is read.
func TestHotReadsLeaveRedisAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, source := newPantry(), &truth{version: 1}
		n := newNode(t, s, source)
		n.version(t)
		before, start := s.calls.Load(), time.Now()
		for time.Since(start) < time.Minute {
			n.version(t)
			time.Sleep(5 * time.Millisecond)
		}
		synctest.Wait()
		if calls := s.calls.Load() - before; calls > 60 {
			t.Fatalf("%d calls in a minute", calls)
		}
		if asked := source.reads.Load(); asked > 31 {
			t.Errorf("the source was asked %d times in a minute", asked)
		}
	})
}

func TestAChangeReachesEveryNodeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, source := newPantry(), &truth{version: 1}
		a, b := newNode(t, s, source), newNode(t, s, source)
		a.version(t)
		b.version(t)
		for v := int64(2); v < 50; v++ {
			source.set(v)
			a.Changed(t.Context(), a.changes, "a", v)
			if got := [2]int64{a.version(t), b.version(t)}; got != [2]int64{v, v} {
				t.Fatalf("after change %d: %v", v, got)
			}
		}
		if n := source.reads.Load(); n > 52 {
			t.Errorf("the source was asked %d times for 49 values on two nodes", n)
		}
	})
}

// A message is lost, and Redis did not take the new value either.
func TestALostMessageIsHealedWithin5s(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, source := newPantry(), &truth{version: 1}
		a, b := newNode(t, s, source), newNode(t, s, source)
		for round := int64(2); round < 30; round++ {
			a.version(t)
			b.version(t)
			source.set(round)
			s.mu.Lock()
			s.away = true
			s.mu.Unlock()
			a.Changed(t.Context(), a.changes, "a", round)
			s.mu.Lock()
			s.away = false
			s.mu.Unlock()
			start := time.Now()
			for b.version(t) != round {
				time.Sleep(10 * time.Millisecond)
			}
			if took := time.Since(start); took >= 5*time.Second {
				t.Fatalf("healed after %v", took)
			}
		}
		if healed := testutil.ToFloat64(b.metrics.messages.WithLabelValues("healed")); healed != 28 {
			t.Errorf("%v healed", healed)
		}
		synctest.Wait()
	})
}

func TestWhoMayHaveMissedSomethingLooksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &truth{version: 1}
		n := newNode(t, nil, source)
		n.version(t)
		source.set(2)
		time.Sleep(time.Millisecond)
		n.changes.hear(nil)
		if v := n.version(t); v != 2 {
			t.Fatalf("version %d", v)
		}
	})
}

// What a client has seen elsewhere is not taken back here, though no message came; one
// that is made up costs ten questions a second.
func TestAClientBringsWhatItHasSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &truth{version: 1}
		n := newNode(t, nil, source)
		n.version(t)
		source.set(2)
		if v, err := n.Get(t.Context(), "a", 2); err != nil || v.Version != 2 {
			t.Fatalf("%+v %v", v, err)
		}
		before, start := source.reads.Load(), time.Now()
		for time.Since(start) < time.Second {
			if v, err := n.Get(t.Context(), "a", 99); err != nil || v.Version != 2 {
				t.Fatalf("%+v %v", v, err)
			}
		}
		if asked := source.reads.Load() - before; asked > 11 {
			t.Errorf("asked %d times in a second", asked)
		}
	})
}

func TestStaleIfError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, source := newPantry(), &truth{version: 3}
		n := newNode(t, s, source)
		n.version(t)
		source.fail(errors.New("down"))
		s.mu.Lock()
		s.away = true
		s.mu.Unlock()
		for range 4 {
			time.Sleep(time.Minute)
			if v := n.version(t); v != 3 {
				t.Fatalf("version %d", v)
			}
		}
		if stale := testutil.ToFloat64(n.metrics.stale.WithLabelValues("notices")); stale != 4 {
			t.Errorf("%v stale answers", stale)
		}
		time.Sleep(2 * time.Minute)
		if _, err := n.Get(t.Context(), "a", 0); err == nil {
			t.Fatal("a copy of six minutes was answered")
		}
		source.fail(nil)
		if v := n.version(t); v != 3 {
			t.Fatalf("version %d", v)
		}
	})
}

// A source that hangs holds up one read a second, for a moment; once it answers
// again so do the readers.
func TestStaleIfSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &truth{version: 3}
		n := newNode(t, nil, source)
		n.version(t)
		source.mu.Lock()
		source.slow = time.Hour
		source.mu.Unlock()
		time.Sleep(10 * time.Second)
		start, waited, before := time.Now(), 0, source.reads.Load()
		for time.Since(start) < 10*time.Second {
			called := time.Now()
			if v := n.version(t); v != 3 {
				t.Fatalf("version %d", v)
			}
			switch took := time.Since(called); {
			case took > staleWait:
				t.Fatalf("a read took %v", took)
			case took > 0:
				waited++
			}
			time.Sleep(10 * time.Millisecond)
		}
		if asked := source.reads.Load() - before; waited > 10 || asked > 11 {
			t.Errorf("%d reads were held up, the source was asked %d times", waited, asked)
		}
		source.mu.Lock()
		source.slow, source.version = 0, 4
		source.mu.Unlock()
		time.Sleep(2 * time.Second)
		if v := n.version(t); v != 4 {
			t.Errorf("version %d after the source came back", v)
		}
	})
}

// Who leaves before the answer does not make the source ailing for the others.
func TestWhoLeavesSaysNothingOfTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &truth{version: 3}
		n := newNode(t, nil, source)
		n.version(t)
		source.set(4)
		time.Sleep(10 * time.Second)
		gone, leave := context.WithCancel(t.Context())
		leave()
		if v, err := n.Get(gone, "a", 0); err != nil {
			t.Fatalf("%+v %v", v, err)
		}
		if v := n.version(t); v != 4 {
			t.Errorf("version %d for who came afterwards", v)
		}
	})
}

func TestThereIsNoneIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, source := newPantry(), &truth{version: 1, gone: true}
		a := newNode(t, s, source)
		for range 1000 {
			if v, err := a.Get(t.Context(), "a", 0); err != nil || v.Found {
				t.Fatalf("%+v %v", v, err)
			}
		}
		b := newNode(t, s, source)
		if v, err := b.Get(t.Context(), "a", 0); err != nil || v.Found || source.reads.Load() != 1 {
			t.Fatalf("%+v %v, asked %d times", v, err, source.reads.Load())
		}
	})
}

func TestColdReadsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &truth{version: 1, slow: 300 * time.Millisecond}
		n := newNode(t, nil, source)
		var ok, refused atomic.Int64
		var wg sync.WaitGroup
		for i := range 500 { // Redis is away, and 500 ids are cold
			wg.Go(func() {
				switch _, err := n.Get(t.Context(), strconv.Itoa(i), 0); {
				case err == nil:
					ok.Add(1)
				case errors.Is(err, engine.ErrOverloaded):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if ok.Load() != 4 || refused.Load() != 496 || source.reads.Load() != 4 {
			t.Fatalf("%d answered, %d refused, %d reads", ok.Load(), refused.Load(), source.reads.Load())
		}
	})
}
