package engine

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"firstcome/engine/fold"
)

// TestAFoldThatIsWrongStopsAtATrueBeacon: a bit flips in one node's memory, and
// a beacon of another process tells the truth. Only that node stops.
func TestAFoldThatIsWrongStopsAtATrueBeacon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		wrong, right := r.node(), r.node()
		c := r.open(Campaign{ID: "noon"}, wrong, right)
		p := wrong.node.partition(c.ID)
		p.mu.Lock()
		p.state.Campaign(c.ID).Seq++
		p.mu.Unlock()
		if d, err := right.Claim(r.ctx, call(c.ID, "m")); err != nil || d.Claim.Rank != 1 {
			t.Fatalf("rank %d, %v", d.Claim.Rank, err)
		}
		r.log.set(func(l *memLog) { l.records[p.id] = withBeacon(t, p.id, l.records[p.id]) })
		time.Sleep(time.Second) // virtual: it is folded again meanwhile
		if _, err := wrong.Claim(r.ctx, call(c.ID, "n")); !errors.Is(err, ErrStopped) {
			t.Errorf("the wrong one: %v", err)
		}
		if d, err := right.Claim(r.ctx, call(c.ID, "n")); err != nil || d.Claim.Rank != 2 {
			t.Errorf("the right one: rank %d, %v", d.Claim.Rank, err)
		}
	})
}

// withBeacon fills a partition up to the next mark and tells its digest there.
func withBeacon(t *testing.T, partition int32, records []LogRecord) []LogRecord {
	t.Helper()
	add := func(r *fold.Record) {
		value, err := fold.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, LogRecord{Offset: int64(len(records)), Value: value})
	}
	for len(records) < fold.BeaconEvery {
		add(&fold.Record{Kind: fold.KindNoop, Node: 9, Nr: uint64(len(records))})
	}
	truth := fold.New(partition)
	for _, rec := range records {
		if _, err := truth.Apply(rec.Offset, rec.At, rec.Value); err != nil {
			t.Fatal(err)
		}
	}
	add(&fold.Record{Kind: fold.KindBeacon, Node: 9, Nr: fold.BeaconEvery, Mark: truth.Next(), Digest: truth.Digest()})
	return records
}
