package gatetest

import (
	"maps"
	"sync"
	"testing"
)

func (r *rig) tallies(want map[string]int64) {
	r.t.Helper()
	got, err := r.Counter.Counts(r.ctx, r.campaign)
	if err != nil || !maps.Equal(got, want) {
		r.t.Fatalf("counts %v (%v), not %v", got, err, want)
	}
}

func (r *rig) add(campaign string, counts map[string]int64) {
	r.t.Helper()
	r.must(r.Counter.Add(r.ctx, map[string]map[string]int64{campaign: counts}))
}

func testCounts(t *testing.T, s Subject) {
	r := newRig(t, s)
	r.tallies(map[string]int64{})
	r.must(r.Counter.Add(r.ctx, nil))
	r.must(r.Counter.Add(r.ctx, map[string]map[string]int64{
		r.campaign:          {"granted": 3, "sold-out": 5, "like": -1, "nothing": 0},
		r.campaign + "-two": {"granted": 100},
	}))
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { r.add(r.campaign, map[string]int64{"granted": 1, "late": 2}) })
	}
	group.Wait()
	r.tallies(map[string]int64{"granted": 23, "sold-out": 5, "like": -1, "late": 40})
	if err := r.Counter.Add(r.ctx, map[string]map[string]int64{"a}b": {"granted": 1}}); err == nil {
		t.Fatal("a campaign with a brace was counted")
	}
	if err := r.Counter.Add(r.ctx, map[string]map[string]int64{r.campaign: {"": 1}}); err == nil {
		t.Fatal("a count without a name was counted")
	}
}

func testDamagedCounts(t *testing.T, s Subject) {
	r := newRig(t, s)
	r.must(r.Redis.HSet(r.ctx, r.key("t"), "granted", "abc", "full", "7.5", "late", 1).Err())
	r.tallies(map[string]int64{"late": 1})
	r.add(r.campaign, map[string]int64{"granted": 2, "full": 1, "late": 3})
	r.tallies(map[string]int64{"granted": 2, "full": 1, "late": 4})

	r.must(r.Redis.Del(r.ctx, r.key("t")).Err())
	r.must(r.Redis.SAdd(r.ctx, r.key("t"), "x").Err())
	r.add(r.campaign, map[string]int64{"granted": 2, "late": 3})
	r.tallies(map[string]int64{"granted": 2, "late": 3})
}
