package logtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"firstcome/engine"
)

func testDescribe(t *testing.T, opener Opener) {
	log := open(t, opener, 0)
	topic, starts, ends, err := log.Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if topic.ID == "" || topic.Partitions != Partitions || len(starts) != Partitions || len(ends) != Partitions {
		t.Fatalf("topic %+v, %d starts, %d ends", topic, len(starts), len(ends))
	}
	fill(t, log, 3)
	_, starts, ends, err = log.Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for p := range Partitions {
		if starts[p] != 0 || ends[p] != 3 {
			t.Errorf("partition %d goes from %d to %d, want 0 to 3", p, starts[p], ends[p])
		}
	}
}

func testAppend(t *testing.T, opener Opener) {
	log := open(t, opener, 0)
	r := NewRecorder()
	follow(t, log, all(0), r)
	begin := time.Now()
	const n = 500
	a := fill(t, log, n)
	for p := range int32(Partitions) {
		r.AwaitRecords(t, p, n)
		recs := r.Records(p)
		CheckValues(t, a.Taken(p), recs)
		CheckDense(t, 0, recs)
		at := time.UnixMilli(recs[0].At)
		if at.Before(begin.Add(-time.Minute)) || at.After(time.Now().Add(time.Minute)) {
			t.Errorf("a record appended now is stamped %s", at)
		}
	}
	a.CheckOnce(t)
	r.CheckCalls(t)
}

func testValueReuse(t *testing.T, opener Opener) {
	log := open(t, opener, 0)
	r := NewRecorder()
	follow(t, log, all(0), r)
	buf := make([]byte, 8)
	var want []string
	for i := range 200 {
		v := fmt.Sprintf("%08d", i)
		want = append(want, v)
		copy(buf, v)
		if err := log.Append(0, "c", buf, func(error) {}); err != nil {
			t.Fatal(err)
		}
	}
	r.AwaitRecords(t, 0, len(want))
	CheckValues(t, want, r.Records(0))
}

func testWrongPartition(t *testing.T, opener Opener) {
	log := open(t, opener, 0)
	for _, p := range []int32{-1, Partitions} {
		if err := log.Append(p, "c", []byte("x"), func(error) { t.Error("a refused append was answered") }); err == nil {
			t.Errorf("partition %d was accepted", p)
		}
	}
	if err := log.Follow(context.Background(), []int64{0}, NewRecorder()); err == nil {
		t.Error("a follower with too few offsets was accepted")
	}
}

func testFull(t *testing.T, opener Opener) {
	const room = 16
	log := open(t, opener, room)
	r := NewRecorder()
	follow(t, log, all(0), r)
	a := NewAnswers()
	refused := 0
	for i := 0; refused < 50 && i < 2_000_000; i++ {
		err := a.Append(log, 1, fmt.Sprint(i))
		if errors.Is(err, engine.ErrLogFull) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Fatal("the buffer was never full")
	}
	a.Await(t)
	if err := a.Append(log, 1, "last"); err != nil {
		t.Fatalf("after the buffer had drained: %v", err)
	}
	want := a.Taken(1)
	r.AwaitRecords(t, 1, len(want))
	CheckValues(t, want, r.Records(1))
}

func testReopen(t *testing.T, opener Opener) {
	log := open(t, opener, 0)
	before, _, _, err := log.Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r := NewRecorder()
	stop := follow(t, log, all(0), r)
	a := fill(t, log, 20)
	if err := shut(t, log); err != nil {
		t.Fatalf("close: %v", err)
	}
	if err := stop(); err == nil {
		t.Error("a follower of a closed log ended without a reason")
	}
	if err := log.Append(0, "c", []byte("late"), func(error) {}); err == nil {
		t.Error("a closed log took an append")
	}

	log = open(t, opener, 0)
	after, _, ends, err := log.Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if after != before {
		t.Errorf("the topic was %+v and is %+v", before, after)
	}
	r = NewRecorder()
	follow(t, log, all(0), r)
	for p := range int32(Partitions) {
		r.AwaitRecords(t, p, int(ends[p]))
		CheckValues(t, a.Taken(p), r.Records(p))
	}
}
