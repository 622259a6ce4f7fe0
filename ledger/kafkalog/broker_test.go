package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"firstcome/bench/stack"
	"firstcome/engine"
	"firstcome/ledger/logtest"
)

// load appends to every partition, one goroutine each, at most 100 under way,
// until it is stopped.
type load struct {
	answers *logtest.Answers
	stop    chan struct{}
	wg      sync.WaitGroup
}

func startLoad(t *testing.T, log *Log) *load {
	l := &load{answers: logtest.NewAnswers(), stop: make(chan struct{})}
	for p := range int32(logtest.Partitions) {
		l.wg.Go(func() {
			pace := time.NewTicker(2 * time.Millisecond)
			defer pace.Stop()
			for i := 0; ; i++ {
				select {
				case <-l.stop:
					return
				case <-pace.C:
				}
				err := l.answers.Append(log, p, fmt.Sprintf("%d-%d", p, i))
				if errors.Is(err, engine.ErrLogFull) {
					continue // a long outage on a busy machine fills the buffer: nothing was appended, go on
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	return l
}

// ride appends and follows while the fault happens, and checks that nothing was
// lost, moved, said twice or claimed wrongly, by the follower and by a new one.
func ride(t *testing.T, log *Log, fault func(t *testing.T, news func())) {
	seen := followFrom(t, log, make([]int64, logtest.Partitions))
	l := startLoad(t, log)
	news := func() {
		t.Helper()
		now := time.Now()
		for p := range int32(logtest.Partitions) {
			n := len(seen.Records(p))
			seen.Await(t, "records and knowledge", func() bool { return len(seen.Records(p)) > n+50 && newest(seen, p).After(now) })
		}
		t.Logf("every partition had news after %s", time.Since(now).Round(time.Millisecond))
	}
	news()
	fault(t, news)
	news()
	close(l.stop)
	l.wg.Wait()
	l.answers.Await(t)
	again := followFrom(t, log, make([]int64, logtest.Partitions))
	for p := range int32(logtest.Partitions) {
		want := l.answers.Taken(p)
		for _, r := range []*logtest.Recorder{seen, again} {
			r.AwaitRecords(t, p, len(want))
			logtest.CheckDense(t, 0, r.Records(p))
			logtest.CheckValues(t, want, r.Records(p))
			l.answers.CheckClaims(t, r.Records(p), r.Claims(p))
			r.CheckCalls(t)
		}
	}
	l.answers.CheckOnce(t)
}

// cluster starts brokers for one test.
func cluster(t *testing.T, brokers int) *stack.KafkaCluster {
	t.Helper()
	stack.NeedKafka(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c, err := stack.StartKafka(ctx, stack.KafkaOptions{Brokers: brokers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestABrokerIsKilledAndComesBack(t *testing.T) {
	c := cluster(t, 1)
	ride(t, mustOpen(t, config(t, c.Addrs(), 1)), func(t *testing.T, _ func()) {
		c.Kill()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Restart(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

func TestALeaderDiesAndAnotherFreezes(t *testing.T) {
	c := cluster(t, 3)
	log := mustOpen(t, config(t, c.Addrs(), 3))
	ride(t, log, func(t *testing.T, news func()) {
		c.Brokers[0].Kill()
		news()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Brokers[0].Start(); err != nil {
			t.Fatal(err)
		}
		if err := c.Ready(ctx); err != nil {
			t.Fatal(err)
		}
		news()
		c.Brokers[1].Pause()
		news()
		c.Brokers[1].Resume()
		news()
	})
}
