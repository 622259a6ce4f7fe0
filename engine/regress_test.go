package engine

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"firstcome/engine/fold"
)

// ahead is a ledger that is written while a node starts: what it hands out is
// newer than the log's end that was asked for before.
type ahead struct {
	log   *memLog
	state *fold.State // follows partition 0 by itself
}

func (a *ahead) Load(_ context.Context, partition int32) (fold.Snapshot, string, error) {
	if partition != 0 {
		return fold.Snapshot{}, "", ErrNoSnapshot
	}
	value, err := fold.Encode(&fold.Record{Kind: fold.KindNoop, Node: 7, Nr: uint64(a.state.Next()) + 1})
	if err != nil {
		return fold.Snapshot{}, "", err
	}
	if err := a.log.Append(0, "", value, func(error) {}); err != nil {
		return fold.Snapshot{}, "", err
	}
	a.log.mu.Lock()
	defer a.log.mu.Unlock()
	for _, rec := range a.log.records[0][a.state.Next():] {
		if _, err := a.state.Apply(rec.Offset, rec.At, rec.Value); err != nil {
			return fold.Snapshot{}, "", err
		}
	}
	return a.state.Snapshot(), "t", nil
}

func TestALedgerThatIsWrittenWhileANodeStartsStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.node() // makes the partitions' first records
		e := r.nodeWith(Ports{Log: r.log, Gate: r.gate, Locker: r.locker, Snapshots: &ahead{r.log, fold.New(0)}})
		for _, p := range e.Health().Partitions {
			if p.State != "following" {
				t.Errorf("partition %d is %s: %s", p.Partition, p.State, p.Reason)
			}
		}
	})
}

// A claim in line whose member gained a place by another record, and lost it
// again, waits on. It used to go round without rest, and so would this test.
func TestAClaimThatGainedAndLostAPlaceRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		e := r.node()
		c := r.open(Campaign{ID: "c", Cap: ptr(int64(1))}, e)
		r.log.set(func(l *memLog) { l.hold = true })
		const members = slack + 3 // more than may be under way
		outcomes := make(chan Outcome, members)
		for i := range members {
			go func() {
				d, err := e.Claim(r.ctx, call(c.ID, fmt.Sprint("m", i)))
				if err != nil {
					t.Error(err)
				}
				outcomes <- d.Outcome
			}()
		}
		time.Sleep(500 * time.Millisecond) // those who fit are in the log's queue, the others in line
		for i := range members {
			e.node.partition(c.ID).flights.place(c.ID, e.sealer.User(fmt.Sprint("m", i)))
		}
		time.Sleep(100 * time.Millisecond)
		r.log.set(func(l *memLog) { l.hold = false })
		count := map[Outcome]int{}
		for range members {
			count[<-outcomes]++
		}
		if count[Granted]+count[Repeated] != 1 || count[SoldOut] != members-1 {
			t.Errorf("the claims ended with %v", count)
		}
	})
}
