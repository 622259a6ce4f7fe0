package cache

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestNeverOlder: the source answers late and out of order, messages are late, lost and
// doubled, Redis comes and goes. No client of a node sees a version after a newer one.
// On one thread: on several the race detector itself crashes once in 60 runs, in what it
// notes about a bubble's timers (Go 1.26.8; with one thread not once in 150).
func TestNeverOlder(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) { neverOlder(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

func neverOlder(t *testing.T, random *rand.Rand) {
	s, source := newPantry(), &truth{version: 1}
	nodes := []*nodeOn{newNode(t, s, source), newNode(t, s, source), newNode(t, s, source)}
	var over atomic.Bool
	var wg sync.WaitGroup
	for i := range 12 {
		pace := time.Duration(1+random.IntN(700)) * time.Millisecond
		wg.Go(func() {
			for last := int64(0); !over.Load(); time.Sleep(pace) {
				v, err := nodes[i%3].Get(t.Context(), "a", 0)
				if err != nil {
					continue
				}
				if v.Version < last {
					t.Errorf("a client of node %d saw %d after %d", i%3, v.Version, last)
				}
				last = v.Version
			}
		})
	}
	for v := int64(2); v < 200; v++ {
		s.mu.Lock()
		s.away, s.deaf = random.IntN(5) == 0, random.IntN(4) == 0
		s.mu.Unlock()
		source.mu.Lock()
		source.version, source.slow = v, time.Duration(random.IntN(400))*time.Millisecond
		source.mu.Unlock()
		writer := nodes[random.IntN(3)]
		writer.Changed(t.Context(), writer.changes, "a", v)
		if late := v - int64(random.IntN(4)); random.IntN(3) == 0 { // an old message comes now
			nodes[random.IntN(3)].raise("a", late)
		}
		time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
	}
	s.mu.Lock()
	s.away, s.deaf = false, false
	s.mu.Unlock()
	time.Sleep(5 * time.Second)
	for i, n := range nodes {
		if v := n.version(t); v != 199 {
			t.Errorf("node %d ends with version %d", i, v)
		}
	}
	over.Store(true)
	wg.Wait()
}
