package logtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firstcome/engine"
)

func testFollowFrom(t *testing.T, opener Opener) {
	log := open(t, opener, 0)
	a := fill(t, log, 30)
	r := NewRecorder()
	follow(t, log, []int64{0, 12, 30, -1}, r)
	r.AwaitRecords(t, 0, 30)
	r.AwaitRecords(t, 1, 18)
	CheckDense(t, 12, r.Records(1))
	CheckValues(t, a.Taken(1)[12:], r.Records(1))
	r.Await(t, "the end of partition 2", func() bool { c := r.Claims(2); return len(c) > 0 && c[len(c)-1].End == 30 })
	if len(r.Records(2)) != 0 || len(r.Records(3)) != 0 || len(r.Claims(3)) != 0 {
		t.Error("delivered what was not asked for")
	}
}

func testBeyondEnd(t *testing.T, opener Opener) {
	log := open(t, opener, 0)
	fill(t, log, 5)
	r := NewRecorder()
	follow(t, log, []int64{0, 9, 0, 0}, r)
	r.Await(t, "the loss of partition 1", func() bool { return r.LostError(1) != nil })
	err := r.LostError(1)
	if !errors.Is(err, engine.ErrLogLost) {
		t.Errorf("lost with %v, want ErrLogLost", err)
	}
	for _, part := range []string{"partition 1", "9", "5"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %q", err, part)
		}
	}
	r.AwaitRecords(t, 0, 5)
	r.CheckCalls(t)
}

func testTwoFollowers(t *testing.T, opener Opener) {
	log := open(t, opener, 0)
	early := NewRecorder()
	follow(t, log, all(0), early)
	a := fill(t, log, 200)
	late := NewRecorder()
	stop := follow(t, log, all(0), late)
	brief := NewRecorder()
	if err := follow(t, log, all(100), brief)(); err != nil {
		t.Errorf("a follower whose context ended returned %v", err)
	}
	for p := range int32(Partitions) {
		for _, r := range []*Recorder{early, late} {
			r.AwaitRecords(t, p, 200)
			CheckValues(t, a.Taken(p), r.Records(p))
		}
	}
	if err := stop(); err != nil {
		t.Errorf("a follower whose context ended returned %v", err)
	}
	if err := a.Append(log, 0, "after"); err != nil {
		t.Fatal(err)
	}
	early.AwaitRecords(t, 0, 201)
}

func testBlocked(t *testing.T, opener Opener) {
	log := open(t, opener, 0)
	r := NewRecorder()
	release := make(chan struct{})
	unblock := sync.OnceFunc(func() { close(release) })
	defer unblock()
	r.OnDeliver = func(b engine.Batch) error {
		if b.Partition == 0 {
			<-release
		}
		return nil
	}
	follow(t, log, all(0), r)
	var a *Answers
	for range 3 { // each round is delivered before the next
		a = fill(t, log, 300)
	}
	for p := int32(1); p < Partitions; p++ {
		r.AwaitRecords(t, p, 900)
	}
	claims := len(r.Claims(1))
	r.Await(t, "news of the others", func() bool { return len(r.Claims(1)) > claims })
	if n := len(r.Records(0)); n != 0 {
		t.Errorf("%d records passed a blocked sink", n)
	}
	unblock()
	r.AwaitRecords(t, 0, 900)
	CheckDense(t, 0, r.Records(0))
	CheckValues(t, a.Taken(0), r.Records(0)[600:])
	r.CheckCalls(t)
}

func testSinkError(t *testing.T, opener Opener) {
	log := open(t, opener, 0)
	r := NewRecorder()
	enough := errors.New("enough")
	r.OnDeliver = func(b engine.Batch) error {
		if b.Partition == 2 && len(b.Records) > 0 {
			return enough
		}
		return nil
	}
	stop := follow(t, log, all(0), r)
	fill(t, log, 10)
	fill(t, log, 10)
	r.Await(t, "the sink's error", func() bool { return r.Ended(2) })
	for _, p := range []int32{0, 1, 3} {
		r.AwaitRecords(t, p, 20)
	}
	if n := len(r.Records(2)); n != 0 {
		t.Errorf("%d records came after the sink's error", n)
	}
	r.CheckCalls(t)
	if err := stop(); !errors.Is(err, enough) {
		t.Errorf("the follower returned %v, want the sink's error among the reasons", err)
	}
}

func testAllEnded(t *testing.T, opener Opener) {
	log := open(t, opener, 0)
	fill(t, log, 1)
	r := NewRecorder()
	enough := errors.New("enough")
	r.OnDeliver = func(engine.Batch) error { return enough }
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := log.Follow(ctx, all(0), r); !errors.Is(err, enough) || ctx.Err() != nil {
		t.Errorf("the follower returned %v, want the sink's error", err)
	}
}

// testSilence asks for what usually happens: the machine may be busy.
func testSilence(t *testing.T, opener Opener) {
	log := open(t, opener, 0)
	fill(t, log, 1)
	r := NewRecorder()
	follow(t, log, all(0), r)
	const n = 21
	for p := range int32(Partitions) {
		r.Await(t, "empty batches", func() bool { return len(r.Claims(p)) >= n })
		claims := r.Claims(p)[:n]
		var gaps, ages []time.Duration
		for i := 1; i < n; i++ {
			gaps = append(gaps, claims[i].Came.Sub(claims[i-1].Came))
			ages = append(ages, claims[i].Came.Sub(claims[i].At))
			if claims[i].At.Before(claims[i-1].At) || claims[i].Came.Before(claims[i].At) {
				t.Fatalf("partition %d: claims as of %s, then %s, came %s", p, claims[i-1].At, claims[i].At, claims[i].Came)
			}
		}
		slices.Sort(gaps)
		slices.Sort(ages)
		if gap, age := gaps[n/2], ages[n/2]; gap > 100*time.Millisecond || gap+age > 150*time.Millisecond {
			t.Errorf("partition %d: told every %s, of what was known %s before", p, gap, age)
		}
	}
}

func testClaims(t *testing.T, opener Opener) {
	log := open(t, opener, 0)
	quick, slow := NewRecorder(), NewRecorder()
	const writers, each = 8, 400
	slow.OnDeliver = func(b engine.Batch) error { // stays 50 records behind, so batches wait in the log's buffers
		if n := len(b.Records); n > 0 {
			want := min(writers*each/Partitions, int(b.Records[n-1].Offset)+50)
			quick.reach(func() bool { return len(quick.Records(b.Partition)) >= want })
		}
		return nil
	}
	follow(t, log, all(0), quick)
	follow(t, log, all(0), slow)
	a := NewAnswers()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				done := make(chan struct{})
				value := fmt.Sprintf("%d-%d", w, i)
				partition := int32((w + i) % Partitions)
				err := log.Append(partition, "c", []byte(value), func(err error) {
					a.mu.Lock()
					a.acked[value] = time.Now()
					a.mu.Unlock()
					close(done)
				})
				if err != nil {
					t.Error(err)
					return
				}
				if i%3 > 0 {
					<-done
				}
			}
		})
	}
	wg.Wait()
	for _, r := range []*Recorder{quick, slow} {
		for p := range int32(Partitions) {
			r.AwaitRecords(t, p, writers*each/Partitions)
			CheckDense(t, 0, r.Records(p))
			a.CheckClaims(t, r.Records(p), r.Claims(p))
		}
		r.CheckCalls(t)
	}
}

// testModel appends at random and follows from anywhere; the model is a slice
// per partition.
func testModel(t *testing.T, opener Opener) {
	log := open(t, opener, 0)
	model := make([][]string, Partitions)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(0, 40).Draw(rt, "appends") {
			p := rapid.IntRange(0, Partitions-1).Draw(rt, "partition")
			value := fmt.Sprintf("%d:%s", n, rapid.StringN(0, 40, 60).Draw(rt, "value"))
			n++
			done := make(chan error, 1)
			if err := log.Append(int32(p), "c", []byte(value), func(err error) { done <- err }); err != nil {
				rt.Fatal(err)
			}
			if err := <-done; err != nil {
				rt.Fatal(err)
			}
			model[p] = append(model[p], value)
		}
		from := make([]int64, Partitions)
		for p := range from {
			from[p] = rapid.Int64Range(-1, int64(len(model[p]))).Draw(rt, "from")
		}
		r := NewRecorder()
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- log.Follow(ctx, from, r) }()
		for p, first := range from {
			if first >= 0 {
				r.AwaitRecords(t, int32(p), len(model[p])-int(first))
				CheckDense(t, first, r.Records(int32(p)))
				CheckValues(t, model[p][first:], r.Records(int32(p)))
			}
		}
		cancel()
		if err := <-ended; err != nil {
			rt.Fatal(err)
		}
	})
}
