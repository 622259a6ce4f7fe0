package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
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

// A record that never came into the log held its slot and its unit for ever.
func TestALostRecordGivesItsSlotAndUnitBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		e := r.node()
		c := r.open(Campaign{ID: "c", Cap: ptr(int64(1000))}, e)
		r.log.set(func(l *memLog) { l.fail = true })
		done := make(chan Outcome, 1)
		go func() {
			d, err := e.Claim(r.ctx, call(c.ID, "m"))
			if err != nil {
				t.Error(err)
			}
			done <- d.Outcome
		}()
		time.Sleep(time.Second)
		r.log.set(func(l *memLog) { l.fail = false })
		healed := time.Now()
		if got := <-done; got != Granted || time.Since(healed) > 500*time.Millisecond {
			t.Errorf("the claim ended with %s %v after the log was back", got, time.Since(healed))
		}
		d := e.node.partition(c.ID).desks[c.ID]
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.under != 0 || d.lease.spent != 0 {
			t.Errorf("%d slots and %d units are still held", d.under, d.lease.spent)
		}
	})
}

// archive is a ledger that answers what it was given and has come so far.
type archive struct {
	Register
	mu   sync.Mutex
	next [4]int64   // guarded by mu
	rows []PlaceRow // guarded by mu
}

func (a *archive) Cursors(context.Context, int32) ([]int64, []int64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := a.next
	return next[:], make([]int64, len(next)), nil
}

func (a *archive) History(context.Context, fold.User, int) ([]PlaceRow, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.rows), nil
}

// come books everything before an offset: one place in that state.
func (a *archive) come(p *partition, state string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next[p.id] = p.next.Load()
	a.rows = []PlaceRow{{Campaign: "c", State: state, Rank: 1}}
}

// After a cancel and an archiving that the ledger had not booked, the member
// was shown the place as it was before.
func TestAnArchivedPlaceIsNotShownOlderThanItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := &archive{}
		e := r.nodeWith(Ports{Log: r.log, Gate: r.gate, Locker: r.locker, Register: a, Booked: a})
		c := r.open(Campaign{ID: "c", Cap: ptr(int64(3))}, e)
		m := Member{Subject: "m"}
		if _, err := e.Claim(r.ctx, call(c.ID, "m")); err != nil {
			t.Fatal(err)
		}
		p := e.node.partition(c.ID)
		a.come(p, "granted")
		if _, err := e.Cancel(r.ctx, c.ID, m, Read{}); err != nil {
			t.Fatal(err)
		}
		for _, verb := range []Verb{Close, Archive} {
			if _, err := e.Move(r.ctx, c.ID, verb, 0, admin, false); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := e.Mine(r.ctx, c.ID, m, Read{}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%+v, %v: the ledger does not know the end yet", got, err)
		}
		if got, err := e.History(r.ctx, m, Read{}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%+v, %v: the ledger does not know the end yet", got, err)
		}
		a.come(p, "cancelled")
		if got, err := e.Mine(r.ctx, c.ID, m, Read{}); err != nil || got.State != "cancelled" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
