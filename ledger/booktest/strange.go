package booktest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/ledger"
)

// strange is a log whose topic is another one than the book's.
type strange struct {
	*Log
	asked atomic.Int64
}

func (s *strange) Describe(ctx context.Context) (engine.Topic, []int64, []int64, error) {
	s.asked.Add(1)
	t, starts, ends, err := s.Log.Describe(ctx)
	t.ID = "another"
	return t, starts, ends, err
}

// restsWhenStopped: a writer none of whose partitions may be written looks
// again now and then; it does not spin.
func restsWhenStopped(t *testing.T, open func(t *testing.T) Book) {
	book, w := booked(t, open)
	log := &strange{Log: w.log}
	quiet := slog.New(slog.DiscardHandler)
	throttle := ledger.NewThrottle(1000, book, book, asked{w.log}, quiet)
	wr := ledger.NewWriter(ledger.Config{Log: log, Book: book, Sealer: sealer, Throttle: throttle, Partitions: 1, Locker: free{}, Logger: quiet})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = wr.Run(ctx) })
	defer func() { cancel(); wg.Wait() }()
	until(t, "the partition stops", func() bool { return wr.Stopped()[0] != nil })
	before := log.asked.Load()
	<-time.After(1500 * time.Millisecond) // it is the writer's own rest that is watched
	if n := log.asked.Load() - before; n > 5 {
		t.Errorf("asked the log %d times in 1.5 s", n)
	}
}

// standsAtAForeignRecord: what came before a record that nobody may fold is
// booked, so that the cursor stands at the record when a person looks.
func standsAtAForeignRecord(t *testing.T, open func(t *testing.T) Book) {
	book, w := open(t), newWorld(12)
	for range 50 {
		w.step()
	}
	log := &Log{records: slices.Clone(w.log.records), news: make(chan struct{})}
	log.addBytes([]byte(`{"hello":"world"}`))
	log.addBytes(w.log.records[1].Value)
	quiet := slog.New(slog.DiscardHandler)
	throttle := ledger.NewThrottle(100_000, book, book, asked{w.log}, quiet)
	wr := ledger.NewWriter(ledger.Config{Log: log, Book: book, Sealer: sealer, Throttle: throttle, Partitions: 1, Locker: free{}, Logger: quiet})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = wr.Run(ctx) })
	defer func() { cancel(); wg.Wait() }()
	until(t, "the partition stops", func() bool { return wr.Stopped()[0] != nil })
	if err := wr.Stopped()[0]; !errors.Is(err, fold.ErrUnknown) {
		t.Errorf("stopped by %v", err)
	}
	next, _, err := book.Cursors(t.Context(), 1)
	if err != nil || next[0] != w.log.Len() {
		t.Errorf("the cursor is at %d (%v), the record at %d", next[0], err, w.log.Len())
	}
	same(t, w.log, book)
}

// forgetsAtOnce: a member who claims and is erased within one batch leaves no subject.
func forgetsAtOnce(t *testing.T, open func(t *testing.T) Book) {
	book, w := open(t), newWorld(3)
	w.create("noon", 5, 5)
	w.claim("noon", "canary", false)
	w.log.Add(&fold.Record{Kind: fold.KindErase, Campaign: "noon", User: sealer.User("canary"), Actor: "owner"})
	_, _, end := writer(t, w.log, book, 100_000)
	drained(t, w.log, book)
	end()
	same(t, w.log, book)
	gone(t, book, w, "canary")
}

// forgetsTheArchived: the fold has let an archived campaign's members go, their
// rows are the book's, and an erasure reaches them, be they of the same batch or not.
func forgetsTheArchived(t *testing.T, open func(t *testing.T) Book) {
	book, w := open(t), newWorld(3)
	w.create("noon", 5, 5)
	w.claim("noon", "canary", false)
	w.log.Add(&fold.Record{Kind: fold.KindClose, Campaign: "noon", Xv: 2, Actor: "admin"})
	w.log.Add(&fold.Record{Kind: fold.KindArchive, Campaign: "noon", Xv: 3, Actor: "admin"})
	w.log.Add(&fold.Record{Kind: fold.KindErase, Campaign: "noon", User: sealer.User("canary"), Actor: "owner"})
	_, _, end := writer(t, w.log, book, 100_000)
	drained(t, w.log, book)
	end()
	same(t, w.log, book)
	rows, err := book.Places(t.Context(), engine.PlaceQuery{Campaign: "noon", After: -1, Limit: 5})
	if err != nil || len(rows) != 1 || rows[0].User != (fold.User{}) || rows[0].Answers != nil {
		t.Errorf("%+v %v", rows, err)
	}
	gone(t, book, w, "canary")
}

// gone links a member's pseudonym to a row: whoever is forgotten has no subject then.
func gone(t *testing.T, book Book, w *world, subject string) {
	t.Helper()
	// Whoever links the pseudonym again sees the subject, if it was kept.
	n := w.log.Len()
	b := &ledger.Batch{Topic: "booktest", From: n, Next: n + 1, Entries: []ledger.Entry{{Campaign: "noon", Ev: 900}},
		Placed: []ledger.Place{{Campaign: "noon", User: sealer.User(subject), Place: fold.Place{State: fold.Ended, Claim: 900}}}}
	if err := book.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	row, err := book.Place(t.Context(), "noon", 900)
	if err != nil || row.Member != "" {
		t.Errorf("the erased member's subject is still there: %q %v", row.Member, err)
	}
}

// takesWhatDoorsTake: JSON and text that the doors let pass, and that a database may refuse.
func takesWhatDoorsTake(t *testing.T, open func(t *testing.T) Book) {
	for name, data := range map[string]engine.Sealed{
		"a number below every exponent": {Subject: "a", Answers: json.RawMessage(`{"n":1e-400000}`)},
		"an escaped NUL in an answer":   {Subject: "a", Answers: json.RawMessage(`{"n":"\u0000"}`)},
		"a lone surrogate":              {Subject: "a", Answers: json.RawMessage(`{"n":"\ud800"}`)},
		"a NUL in the subject":          {Subject: "a\x00b"},
		"broken UTF-8 in an answer":     {Subject: "a", Answers: json.RawMessage("{\"n\":\"\xff\"}")},
	} {
		t.Run(name, func(t *testing.T) {
			book, w := open(t), newWorld(3)
			w.create("noon", 5, 5)
			user := sealer.User("a")
			sealed, err := sealer.Seal("noon", w.keys["noon"], user, data)
			if err != nil {
				t.Fatal(err)
			}
			w.log.Add(&fold.Record{Kind: fold.KindClaim, Campaign: "noon", User: user, Seen: w.log.Len(), Sealed: sealed})
			_, _, end := writer(t, w.log, book, 100_000)
			defer end()
			limit := time.After(3 * time.Second)
			for {
				next, _, err := book.Cursors(t.Context(), 1)
				if err == nil && next[0] == w.log.Len() {
					return
				}
				select {
				case <-limit:
					t.Fatal("the ledger does not move on")
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
}

// knowsNobody: a forged claim of the pseudonym that is all zero is a member to the fold.
func knowsNobody(t *testing.T, open func(t *testing.T) Book) {
	book, w := open(t), newWorld(3)
	w.create("noon", 5, 5)
	w.log.Add(&fold.Record{Kind: fold.KindClaim, Campaign: "noon", Seen: w.log.Len()})
	_, _, end := writer(t, w.log, book, 100_000)
	drained(t, w.log, book)
	end()
	same(t, w.log, book)
}

// peopleInAnyOrder: two partitions meet the same members in opposite orders.
func peopleInAnyOrder(t *testing.T, open func(t *testing.T) Book) {
	book := open(t)
	var people [2][]ledger.Person
	for i := range 3000 {
		p := ledger.Person{User: fold.User{byte(i >> 8), byte(i)}, Subject: "m"}
		people[0], people[1] = append(people[0], p), append([]ledger.Person{p}, people[1]...)
	}
	for round := range int64(5) {
		var wg sync.WaitGroup
		for part := range int32(2) {
			wg.Go(func() {
				list := append([]ledger.Person(nil), people[part]...)
				for i := range list {
					list[i].User[5] = byte(round)
				}
				b := &ledger.Batch{Partition: part, Topic: "booktest", From: round, Next: round + 1, People: list,
					Entries: []ledger.Entry{{Campaign: string(rune('a' + part)), Ev: round}}}
				if err := book.Append(t.Context(), b); err != nil {
					t.Errorf("partition %d: %v", part, err)
				}
			})
		}
		wg.Wait()
	}
}

// free is a lock that nobody else wants.
type free struct{}

func (free) TryLock(context.Context, string, time.Duration) (engine.Lock, error) { return free{}, nil }
func (free) Extend(context.Context) error                                        { return nil }
func (free) Unlock(context.Context) error                                        { return nil }

// Outages writes a random log while the book's server is broken, again and
// again, and holds the book against the log afterwards. outage returns when the
// server is back.
func Outages(t *testing.T, book Book, times int, outage func()) {
	w := newWorld(77)
	_, wr, end := writer(t, w.log, book, 2000)
	defer end()
	for range times {
		for range 100 {
			w.step()
		}
		outage()
	}
	drained(t, w.log, book)
	same(t, w.log, book)
	if stopped := wr.Stopped(); len(stopped) != 0 {
		t.Fatal(stopped)
	}
}
