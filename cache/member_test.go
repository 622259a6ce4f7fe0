package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// office is a ledger with campaigns and places, and folds that know of some of them.
type office struct {
	engine.Register
	mu       sync.Mutex
	archived archive
	places   map[fold.User][]engine.PlaceRow
	folds    []int64 // by partition: what the nodes know
	log      string
	slow     time.Duration
	down     bool
	anew     bool // its cursors say that it is being written anew
	reads    atomic.Int64
	most     atomic.Int64
	under    atomic.Int64
}

func newOffice(partitions int) *office {
	return &office{archived: make(archive, partitions), folds: make([]int64, partitions), places: map[fold.User][]engine.PlaceRow{}, log: "l1"}
}

// archive adds an archived campaign in which members had places.
func (o *office) archive(p int, members ...fold.User) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := int64(len(o.archived[p]))
	c := engine.ArchivedCampaign{ID: fmt.Sprintf("c%d-%d", p, n), Created: 10 * n, Offset: 10*n + 9, Base: noon, Points: 5}
	o.archived[p] = append(o.archived[p], c)
	for i, m := range members {
		o.places[m] = append(o.places[m], engine.PlaceRow{Campaign: c.ID, User: m, Member: "x", State: "granted", Rank: int64(i) + 1, ClaimOff: c.Created + int64(i) + 1,
			ClaimedAt: noon.Add(time.Duration(n) * time.Minute), Points: 5, Booked: true})
	}
	o.folds[p] = n + 1
}

func (o *office) Archived() (string, []int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.log, slices.Clone(o.folds)
}

// ledger is the office as a PastBook: one word cannot be two methods of one type.
type ledger struct{ *office }

func (l ledger) Archived(_ context.Context, p int32, after int64) ([]engine.ArchivedCampaign, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, errAway
	}
	i := slices.IndexFunc(l.archived[p], func(c engine.ArchivedCampaign) bool { return c.Offset > after })
	if i < 0 {
		return nil, nil
	}
	return slices.Clone(l.archived[p][i:]), nil
}

func (l ledger) Cursors(_ context.Context, partitions int32) (next, rows []int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next = make([]int64, partitions)
	for p := range next {
		if next[p] = 1 << 40; l.anew {
			next[p] = 0
		}
	}
	return next, next, nil
}

func (l ledger) History(ctx context.Context, user fold.User, limit int) ([]engine.PlaceRow, error) {
	l.reads.Add(1)
	l.most.Store(max(l.most.Load(), l.under.Add(1)))
	defer l.under.Add(-1)
	l.mu.Lock()
	rows, slow, down := slices.Clone(l.places[user]), l.slow, l.down
	l.mu.Unlock()
	if slow > 0 && !sleep(ctx, slow) {
		return nil, ctx.Err()
	}
	if down {
		return nil, errAway
	}
	sortNewest(rows)
	return rows[:min(limit, len(rows))], nil
}

func newPast(t testing.TB, s Store, o *office) *History {
	t.Helper()
	m := NewMetrics(nil)
	h, err := NewHistory(HistoryConfig{Book: ledger{o}, Store: s, Folds: o, Metrics: m, Logger: slog.New(slog.DiscardHandler),
		Members: NewBulkhead("members", 4, 50*time.Millisecond, m), Admins: NewBulkhead("admins", 2, 0, m)})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// like checks that a history is what the ledger has.
func (o *office) like(t testing.TB, h *History, user fold.User) {
	t.Helper()
	got, err := h.History(t.Context(), user, grantsMost)
	if err != nil {
		t.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var want []engine.PlaceRow
	for _, r := range o.places[user] {
		r.User, r.Member = fold.User{}, ""
		want = append(want, r)
	}
	sortNewest(want)
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v\nwant %+v", got, want)
	}
}

func TestHistoryIsReadOnceAndAppended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := newPantry(), newOffice(3)
		a, b := newPast(t, s, o), newPast(t, s, o)
		alice, bora := fold.User{1}, fold.User{2}
		o.like(t, a, alice) // nothing is archived: nobody is asked
		if o.reads.Load()+s.calls.Load() != 0 {
			t.Fatal("nothing was there to be read")
		}
		o.archive(0, alice)
		o.archive(2, alice, bora)
		for range 100 {
			o.like(t, a, alice)
			o.like(t, b, alice)
		}
		if n := o.reads.Load(); n != 1 {
			t.Fatalf("two nodes read the ledger %d times", n)
		}
		if calls := s.calls.Load(); calls != 3 { // look, append, look
			t.Errorf("%d calls to redis for 200 reads", calls)
		}
		o.like(t, a, bora)
		o.archive(0, alice)
		o.archive(0)
		o.like(t, a, alice)
		o.like(t, b, alice)
		if n := o.reads.Load(); n != 3 {
			t.Errorf("%d reads after two more were archived", n)
		}
		if kept := s.kept[Past.Key(shortName("l1"), alice).String()].value; len(kept) > 3*16+12 {
			t.Errorf("three grants take %d bytes", len(kept))
		}
		o.log = "l2" // another log: what is kept of the old one counts no more
		o.like(t, a, alice)
		if n := o.reads.Load(); n != 4 {
			t.Errorf("%d reads with another log", n)
		}
	})
}

func TestNoHistoryIsKeptToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := newPantry(), newOffice(1)
		o.archive(0, fold.User{1})
		for range 50 {
			o.like(t, newPast(t, s, o), fold.User{9})
		}
		if n := o.reads.Load(); n != 1 {
			t.Fatalf("read %d times that there is none", n)
		}
	})
}

// A node whose folds know less reads what one wrote that knows more.
func TestHistoryOfANodeThatIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := newPantry(), newOffice(2)
		alice := fold.User{1}
		o.archive(1, alice)
		behind := newPast(t, s, o)
		o.like(t, behind, fold.User{5})
		o.archive(1, alice)
		o.archive(0, alice)
		o.like(t, newPast(t, s, o), alice)
		o.folds[0], o.folds[1] = 0, 1
		o.like(t, behind, alice)
		if n := o.reads.Load(); n != 2 {
			t.Errorf("%d reads: the record was there", n)
		}
	})
}

func TestHistoryWithoutRedisIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := newPantry(), newOffice(1)
		o.archive(0)
		h := newPast(t, s, o)
		o.like(t, h, fold.User{255})
		s.away, o.slow = true, 200*time.Millisecond
		var ok, refused atomic.Int64
		var wg sync.WaitGroup
		for i := range 2000 {
			wg.Go(func() {
				_, err := h.History(t.Context(), fold.User{1, byte(i), byte(i >> 8)}, 10)
				switch {
				case err == nil:
					ok.Add(1)
				case errors.Is(err, engine.ErrOverloaded):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if o.most.Load() > 4 || ok.Load() != 4 || refused.Load() != 1996 {
			t.Fatalf("%d at once at the ledger, %d answered, %d refused", o.most.Load(), ok.Load(), refused.Load())
		}
		if n := testutil.ToFloat64(h.cfg.Metrics.refused.WithLabelValues("members")); n != 1996 {
			t.Errorf("%v counted", n)
		}
		o.like(t, h, fold.User{255}) // from memory, whatever is away
	})
}

// One member's requests at once are one read.
func TestHistoryReadsOfOneMemberAreJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := newPantry(), newOffice(1)
		alice := fold.User{1}
		o.archive(0, alice)
		o.slow = 100 * time.Millisecond
		h := newPast(t, s, o)
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() { o.like(t, h, alice) })
		}
		wg.Wait()
		if n := o.reads.Load(); n != 1 {
			t.Fatalf("%d reads", n)
		}
	})
}

// What is archived while readers read, on any node and in any order, is never missing
// from a history that a fold asks for.
func TestHistoryIsNeverOlderThanTheFolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := newPantry(), newOffice(4)
		nodes := []*History{newPast(t, s, o), newPast(t, s, o), newPast(t, s, o)}
		alice := fold.User{1}
		var over atomic.Bool
		var wg sync.WaitGroup
		for i := range 9 {
			wg.Go(func() {
				for last := 0; !over.Load(); time.Sleep(time.Duration(1+i) * time.Millisecond) {
					o.mu.Lock()
					want := len(o.places[alice])
					o.mu.Unlock()
					rows, err := nodes[i%3].History(t.Context(), alice, grantsMost)
					if err != nil || len(rows) < max(want, last) {
						t.Errorf("%d rows, %d were archived before: %v", len(rows), want, err)
					}
					last = len(rows)
				}
			})
		}
		for n := range 200 {
			o.mu.Lock()
			o.slow = time.Duration(n%7) * time.Millisecond
			o.mu.Unlock()
			o.archive(n*7%4, alice)
			time.Sleep(time.Duration(n%11) * time.Millisecond)
			s.mu.Lock()
			s.away = n%5 == 0
			s.mu.Unlock()
		}
		over.Store(true)
		wg.Wait()
		o.like(t, nodes[0], alice)
	})
}

// A book that is being written anew answers nobody's history, and spoils no record.
func TestHistoryOfABookThatIsWrittenAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := newPantry(), newOffice(1)
		alice := fold.User{1}
		o.archive(0, alice)
		h := newPast(t, s, o)
		o.anew = true
		if _, err := h.History(t.Context(), alice, 10); !errors.Is(err, engine.ErrUnavailable) {
			t.Fatalf("%v", err)
		}
		o.anew = false
		o.like(t, h, alice)
	})
}

// What Redis has is damaged: the ledger answers, and nothing is appended to it.
func TestHistoryOfADamagedRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := newPantry(), newOffice(1)
		alice := fold.User{1}
		o.archive(0, alice)
		key := Past.Key(shortName("l1"), alice).String()
		for _, raw := range [][]byte{{9}, {1, 0, 1, 0, 200, 200, 3}, {1, 77}} {
			s.kept[key] = copyOn{raw, time.Now().Add(time.Hour)}
			o.like(t, newPast(t, s, o), alice)
			if !reflect.DeepEqual(s.kept[key].value, raw) {
				t.Errorf("%v became %v", raw, s.kept[key].value)
			}
		}
	})
}

// A crowd of members at the ledger keeps no admin out, and the other way round.
func TestMembersAndAdminsHaveTheirOwnDoors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(1)
		h := newPast(t, nil, o)
		full := func(b *Bulkhead, most int) (leave func()) {
			free := make(chan struct{})
			var wg sync.WaitGroup
			for range most {
				wg.Go(func() { _ = b.Do(t.Context(), func(context.Context) error { <-free; return nil }) })
			}
			synctest.Wait()
			return func() { close(free); wg.Wait() }
		}
		enter := func(b *Bulkhead) error { return b.Do(t.Context(), func(context.Context) error { return nil }) }
		leave := full(h.cfg.Members, 4)
		if err := enter(h.cfg.Members); !errors.Is(err, engine.ErrOverloaded) {
			t.Errorf("a fifth member: %v", err)
		}
		if err := enter(h.cfg.Admins); err != nil {
			t.Errorf("an admin while members crowd: %v", err)
		}
		leave()
		leave = full(h.cfg.Admins, 2)
		if err := enter(h.cfg.Members); err != nil {
			t.Errorf("a member while admins crowd: %v", err)
		}
		leave()
		if err := enter(h.cfg.Admins); err != nil {
			t.Errorf("an admin afterwards: %v", err)
		}
	})
}
