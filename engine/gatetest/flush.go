package gatetest

import (
	"context"
	"fmt"
	"testing"

	"firstcome/engine"
)

func testTwoNodes(t *testing.T, s Subject) {
	r := newRig(t, s)
	r.open(100)
	r.lease(r.ask("a", 10), 10)
	r.lease(r.ask("b", 20), 20)

	a := r.report("a") // a has used 4 of its 10
	a.Room, a.Offset, a.Used, a.Held = 100, 10, 4, 6
	r.flush(a)
	r.counts(30, 26, 4)

	b := r.report("b") // b's fold knows more: its own 5 as well
	b.Room, b.Offset, b.Used, b.Held = 100, 15, 9, 15
	r.flush(b, b)
	r.counts(30, 21, 9)

	a.Held = 0 // a gives back, with an older fold
	r.flush(a)
	r.counts(24, 15, 9)
}

func testOlder(t *testing.T, s Subject) {
	r := newRig(t, s)
	newer, older := r.report("a"), r.report("b")
	newer.Room, newer.Offset, newer.Used = 100, 50, 30
	older.Room, older.Offset, older.Used, older.Open = 200, 49, 29, false
	r.flush(newer)
	r.flush(older)
	r.counts(30, 0, 30)
	r.lease(r.ask("a", 100), 70)

	// Nobody confirms the newer one: it may have been wrong.
	past := r.Redis.HGet(r.ctx, r.key("s"), "at").Val()
	var at int64
	_, err := fmt.Sscan(past, &at)
	r.must(err)
	r.must(r.Redis.HSet(r.ctx, r.key("s"), "at", at-1000).Err())
	older.Open = true
	r.flush(older)
	r.counts(99, 70, 29)

	// A clock that jumped back must not keep a report alive.
	r.must(r.Redis.HSet(r.ctx, r.key("s"), "at", at+100_000).Err())
	older.Offset, older.Used = 10, 5
	r.flush(older)
	r.counts(75, 70, 5)
}

func testTopic(t *testing.T, s Subject) {
	r := newRig(t, s)
	report := r.report("a")
	report.Room, report.Offset, report.Used = 100, 5000, 90
	r.flush(report)
	report.Topic, report.Offset, report.Used = "log-2", 3, 1
	r.flush(report)
	r.counts(1, 0, 1)
}

func testMany(t *testing.T, s Subject) {
	r := newRig(t, s)
	var reports []engine.Report
	for i := range 150 {
		report := r.report("a")
		report.Campaign = fmt.Sprintf("%s-%d", r.campaign, i)
		report.Room, report.Used, report.Held = 1e6, int64(i), 2
		reports = append(reports, report)
	}
	r.again("flush of many", func(ctx context.Context) error { return r.Gate.Flush(ctx, reports) }) // may be repeated
	for _, i := range []int64{0, 31, 32, 100, 149} {
		r.campaign = reports[i].Campaign
		r.counts(i+2, 2, i)
	}
}

func testExpiry(t *testing.T, s Subject) {
	r := newRig(t, s)
	r.open(10)
	r.lease(r.ask("a", 1), 1)
	r.must(r.Counter.Add(r.ctx, map[string]map[string]int64{r.campaign: {"granted": 1}}))
	for _, key := range []string{"n", "s", "l", "x", "t"} {
		if left := r.Redis.PTTL(r.ctx, r.key(key)).Val(); left <= 0 {
			t.Errorf("%s never expires (%v)", key, left)
		}
	}
}

func testClock(t *testing.T, s Subject) {
	r := newRig(t, s)
	before, err := r.Clock.Now(r.ctx)
	r.must(err)
	server, err := r.Redis.Time(r.ctx).Result()
	r.must(err)
	after, err := r.Clock.Now(r.ctx)
	r.must(err)
	if server.Before(before) || after.Before(server) {
		t.Fatalf("%v, then the server's %v, then %v", before, server, after)
	}
}
