package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"firstcome/engine/fold"
)

// memSnapshots is a ledger that remembers what a test says.
type memSnapshots struct {
	snapshot fold.Snapshot
	topic    string
	err      error
}

func (s memSnapshots) Load(_ context.Context, partition int32) (fold.Snapshot, string, error) {
	if partition != s.snapshot.Partition {
		return fold.Snapshot{}, "", ErrNoSnapshot
	}
	return s.snapshot, s.topic, s.err
}

// unwritten says that a partition's ledger has stopped.
type unwritten map[int32]error

func (u unwritten) Stopped() map[int32]error { return u }

// raw puts bytes into the log as anybody with access to it may.
func (l *memLog) raw(partition int32, value []byte) (offset int64) {
	l.set(func(l *memLog) {
		offset = int64(len(l.records[partition]))
		l.records[partition] = append(l.records[partition], LogRecord{Offset: offset, At: time.Now().UnixMilli(), Value: value})
	})
	return offset
}

// one begins a log with an open campaign that has a grant, ends that node's
// part in it, and returns the campaign's partition with what is remembered.
func one(r *rig) (a *Engine, p *partition, snapshot fold.Snapshot) {
	a = r.node()
	c := r.open(Campaign{ID: "noon", Cap: ptr(int64(5))}, a)
	if d, err := a.Claim(r.ctx, call(c.ID, "m")); err != nil || d.Outcome != Granted {
		r.t.Fatalf("%v %v", d.Outcome, err)
	}
	p = a.node.partition(c.ID)
	p.mu.RLock()
	defer p.mu.RUnlock()
	return a, p, p.state.Snapshot()
}

func stoppedBy(t *testing.T, e *Engine, partition int32, named ...string) {
	t.Helper()
	h := e.Health().Partitions[partition]
	if h.State != "stopped" {
		t.Fatalf("%+v", h)
	}
	for _, n := range named {
		if !strings.Contains(h.Reason, n) {
			t.Errorf("%q does not name %q", h.Reason, n)
		}
	}
	_, err := e.Claim(t.Context(), call("noon", "another"))
	if !errors.Is(err, ErrStopped) {
		t.Errorf("a claim: %v", err)
	}
}

// What may be wrong with a partition when a node starts stops that partition,
// and the node answers for the others.
func TestAPartitionThatIsNotAsRememberedStopsAlone(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(s *memSnapshots, records *[]LogRecord)
		named []string
	}{
		"topic made again":     {func(s *memSnapshots, _ *[]LogRecord) { s.topic = "another" }, []string{"log another", "log t"}},
		"end cut off":          {func(_ *memSnapshots, l *[]LogRecord) { *l = (*l)[:2] }, []string{"ends at 2", "ends at 7"}},
		"rules of a new build": {func(s *memSnapshots, _ *[]LogRecord) { s.snapshot.Version = fold.Version + 1 }, []string{"does not know"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				_, p, snapshot := one(r)
				s := &memSnapshots{snapshot: snapshot, topic: "t"}
				log := newMemLog(4) // as another node finds it
				r.log.set(func(l *memLog) { copy(log.records, l.records) })
				tt.spoil(s, &log.records[p.id])
				b := r.nodeWith(Ports{Log: log, Gate: r.gate, Snapshots: s})
				stoppedBy(t, b, p.id, tt.named...)
				for _, h := range b.Health().Partitions {
					if h.Partition != p.id && h.State != "following" {
						t.Errorf("%+v", h)
					}
				}
			})
		})
	}
}

// A book that somebody changed by hand, or that is cut off while it is read,
// costs a reading of the log, no answer.
func TestASnapshotThatIsNotWholeIsFoldedFromTheLog(t *testing.T) {
	for name, spoil := range map[string]func(*memSnapshots){
		"changed":     func(s *memSnapshots) { s.snapshot.Campaigns[0].Members[0].Place.Rank = 77 },
		"half":        func(s *memSnapshots) { s.snapshot.Campaigns[0].Members = nil },
		"interrupted": func(s *memSnapshots) { s.snapshot, s.err = fold.Snapshot{Partition: s.snapshot.Partition}, errDown },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				_, _, snapshot := one(r)
				s := memSnapshots{snapshot: snapshot, topic: "t"}
				spoil(&s)
				b := r.nodeWith(Ports{Log: r.log, Gate: r.gate, Snapshots: s})
				if d, err := b.Claim(r.ctx, call("noon", "m")); err != nil || d.Outcome != Repeated || d.Claim.Rank != 1 {
					t.Errorf("%v, rank %d, %v", d.Outcome, d.Claim.Rank, err)
				}
			})
		})
	}
}

func TestForeignRecords(t *testing.T) {
	for name, tt := range map[string]struct {
		value []byte
		stops bool
	}{
		"a line of text":        {[]byte(`{"hello":"world"}`), true},
		"an unknown kind":       {[]byte{fold.Encoding, 200}, true},
		"a higher version":      {[]byte{fold.Encoding + 1, byte(fold.KindNoop)}, true},
		"nothing":               {nil, false},
		"a record cut in two":   {[]byte{fold.Encoding, byte(fold.KindClaim), 0}, false},
		"zeros":                 {make([]byte, 40), false},
		"a claim of no members": {[]byte{fold.Encoding, byte(fold.KindClaim)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				a, p, _ := one(r)
				offset := r.log.raw(p.id, tt.value)
				time.Sleep(50 * time.Millisecond)
				if tt.stops {
					stoppedBy(t, a, p.id, fmt.Sprintf("offset %d", offset))
					return
				}
				r.log.raw(p.id, tt.value) // the first is told
				if d, err := a.Claim(r.ctx, call("noon", "n")); err != nil || d.Outcome != Granted || d.Claim.Rank != 2 {
					t.Errorf("%v %v", d.Outcome, err)
				}
				if h := a.Health().Partitions[p.id]; h.State != "following" || !strings.Contains(h.Reason, fmt.Sprintf("record at %d", offset)) {
					t.Errorf("%+v", h)
				}
			})
		})
	}
}

// A node whose partitions have all stopped stays, so that it can say why.
func TestANodeThatCanAnswerNobodyStaysToSayWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a, _, _ := one(r)
		for p := range int32(4) {
			r.log.raw(p, []byte("foreign"))
		}
		time.Sleep(time.Second)
		if h := a.Health(); h.Ready || h.Reason == "" || h.Partitions[3].State != "stopped" {
			t.Errorf("%+v", h)
		}
		if a.node.over() {
			t.Error("the node has ended")
		}
	})
}

func TestALedgerThatStoppedStopsNoClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.nodeWith(Ports{Log: r.log, Gate: r.gate, Writing: unwritten{2: errors.New("the book's rule places_rank is violated")}})
		h := a.Health()
		if !h.Ready || h.Partitions[2].State != "following" || !strings.Contains(h.Partitions[2].Ledger, "places_rank") || h.Partitions[1].Ledger != "" {
			t.Errorf("%+v", h)
		}
	})
}
