package booktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/ledger"
)

// Book is what a book offers besides ledger.Book.
type Book interface {
	ledger.Book
	ledger.Rates
	engine.Register
	Milestones(ctx context.Context, partition int32) ([]engine.Change, error)
	Archived(ctx context.Context, partition int32, after int64) ([]engine.ArchivedCampaign, error)
	Notices
}

// Run holds a book against the contract. Each call of open returns an empty one.
func Run(t *testing.T, open func(t *testing.T) Book) {
	t.Run("what is loaded is the fold", func(t *testing.T) { loadsTheFold(t, open) })
	t.Run("two writers without a lock write once", func(t *testing.T) { twoWriters(t, open) })
	t.Run("a lost answer is not written twice", func(t *testing.T) { lostAnswer(t, open) })
	t.Run("a cursor elsewhere refuses the batch whole", func(t *testing.T) { behind(t, open) })
	t.Run("a violated rule stops and names itself", func(t *testing.T) { violated(t, open) })
	t.Run("the register tells what was booked", func(t *testing.T) { register(t, open) })
	t.Run("a writer with nothing to write rests", func(t *testing.T) { restsWhenStopped(t, open) })
	t.Run("what came before a foreign record is booked", func(t *testing.T) { standsAtAForeignRecord(t, open) })
	t.Run("who is erased at once leaves no subject", func(t *testing.T) { forgetsAtOnce(t, open) })
	t.Run("an erasure reaches archived campaigns", func(t *testing.T) { forgetsTheArchived(t, open) })
	t.Run("what members say cannot stop it", func(t *testing.T) { takesWhatDoorsTake(t, open) })
	t.Run("a pseudonym of zeros is a member", func(t *testing.T) { knowsNobody(t, open) })
	t.Run("partitions that meet the same people", func(t *testing.T) { peopleInAnyOrder(t, open) })
	t.Run("the audit finds what is wrong and nothing else", func(t *testing.T) { audits(t, open) })
	t.Run("archived campaigns stand in order", func(t *testing.T) { archivedInOrder(t, open) })
	t.Run("notices are kept by version", func(t *testing.T) { notices(t, open) })
	t.Run("notices are bounded, and change one at a time", func(t *testing.T) { noticesBounded(t, open) })
	t.Run("the rate is kept and changes while it drains", func(t *testing.T) { throttled(t, open) })
}

var sealer = func() *engine.Sealer {
	s, err := engine.NewSealer([32]byte{3})
	if err != nil {
		panic(err)
	}
	return s
}()

// world makes random but legal records: claims, cancels, answers, erasures,
// caps, and campaigns that come and go.
type world struct {
	log  *Log
	rand *rand.Rand
	keys map[string][]byte
}

func newWorld(seed uint64) *world {
	return &world{log: NewLog(), rand: rand.New(rand.NewPCG(seed, 1)), keys: map[string][]byte{}}
}

func (w *world) create(id string, limit, list int64) {
	key := sealer.NewKey(id)
	w.keys[id] = key
	w.log.Add(&fold.Record{Kind: fold.KindCampaign, Campaign: id, Actor: "admin", Definition: &fold.Definition{
		Title: "A " + id, Kind: "event", Counting: "direct", Cap: limit, WaitlistCap: list, Points: 5, Key: key}})
	w.log.Add(&fold.Record{Kind: fold.KindOpen, Campaign: id, Xv: 1, Actor: "admin"})
}

func (w *world) claim(id, subject string, wait bool) {
	user := sealer.User(subject)
	sealed, err := sealer.Seal(id, w.keys[id], user, engine.Sealed{Subject: subject, Answers: json.RawMessage(`{"name":"` + subject + `","size":"m"}`)})
	if err != nil {
		panic(err)
	}
	w.log.Add(&fold.Record{Kind: fold.KindClaim, Campaign: id, User: user, Seen: w.log.Len(), Wait: wait, Sealed: sealed})
}

func (w *world) place(id, subject string) fold.Place {
	return w.log.Fold(w.log.Len()).Campaign(id).Place(sealer.User(subject))
}

func (w *world) step() {
	id := fmt.Sprintf("c%d", w.rand.IntN(3))
	subject := fmt.Sprintf("m%d", w.rand.IntN(30))
	user := sealer.User(subject)
	s := w.log.Fold(w.log.Len())
	c := s.Campaign(id)
	if c == nil {
		w.create(id, int64(w.rand.IntN(8)), int64(w.rand.IntN(6)))
		return
	}
	claim := c.Place(user).Claim
	switch n := w.rand.IntN(20); {
	case n < 10:
		w.claim(id, subject, w.rand.IntN(2) == 0)
	case n < 14:
		w.log.Add(&fold.Record{Kind: fold.KindCancel, Campaign: id, User: user, Claim: claim})
	case n < 15:
		w.log.Add(&fold.Record{Kind: fold.KindCancel, Campaign: id, User: user})
	case n < 17:
		sealed, err := sealer.Seal(id, w.keys[id], user, engine.Sealed{Answers: json.RawMessage(`{"size":null,"diet":"none"}`)})
		if err != nil {
			panic(err)
		}
		w.log.Add(&fold.Record{Kind: fold.KindAnswers, Campaign: id, User: user, Claim: claim, Sealed: sealed})
	case n < 18:
		w.log.Add(&fold.Record{Kind: fold.KindErase, Campaign: id, User: user, Actor: "owner"})
	case n < 19:
		w.log.Add(&fold.Record{Kind: fold.KindCap, Campaign: id, Xv: c.Xv, Cap: int64(w.rand.IntN(10)), Actor: "admin", Reason: "more room"})
	case w.rand.IntN(6) == 0:
		w.log.Add(&fold.Record{Kind: fold.KindClose, Campaign: id, Xv: c.Xv, Actor: "scheduler"})
		w.log.Add(&fold.Record{Kind: fold.KindArchive, Campaign: id, Xv: c.Xv + 1, Actor: "admin"})
	default:
		w.log.Add(&fold.Record{Kind: fold.KindNoop})
	}
}

type asked struct{ log *Log }

func (a asked) Rows() []int64 { return []int64{a.log.Fold(a.log.Len()).Rows()} }

// writer starts a writer without a lock; end waits until it has ended.
func writer(t *testing.T, log *Log, book Book, rows int64) (throttle *ledger.Throttle, w *ledger.Writer, end func()) {
	ctx, cancel := context.WithCancel(t.Context())
	quiet := slog.New(slog.DiscardHandler)
	throttle = ledger.NewThrottle(rows, book, book, asked{log}, quiet)
	w = ledger.NewWriter(ledger.Config{Log: log, Book: book, Sealer: sealer, Throttle: throttle, Partitions: 1, Logger: quiet})
	var wg sync.WaitGroup
	wg.Go(func() { _ = throttle.Run(ctx) })
	wg.Go(func() { _ = w.Run(ctx) })
	return throttle, w, sync.OnceFunc(func() { cancel(); wg.Wait() })
}

// until waits for a condition, as long as a slow machine may need.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never happened: %s", what)
		}
	}
}

func drained(t *testing.T, log *Log, book Book) {
	t.Helper()
	until(t, "the ledger catches up", func() bool {
		next, _, err := book.Cursors(t.Context(), 1)
		return err == nil && next[0] == log.Len()
	})
}

// same holds the loaded book against the fold of the log.
func same(t *testing.T, log *Log, book Book) {
	t.Helper()
	snapshot, topic, err := book.Load(t.Context(), 0)
	if err != nil || topic != "booktest" {
		t.Fatalf("load: %q %v", topic, err)
	}
	got, err := fold.Restore(snapshot)
	if err != nil {
		t.Fatalf("what is loaded is not what was folded: %v", err)
	}
	if want := log.Fold(snapshot.Next); got.Digest() != want.Digest() || got.Rows() != want.Rows() {
		t.Fatalf("digest %016x and %d rows, the log has %016x and %d", got.Digest(), got.Rows(), want.Digest(), want.Rows())
	}
	for c := range got.Campaigns() {
		if _, err := book.Totals(t.Context(), c.ID); err != nil && c.Status != fold.Archived {
			t.Fatal(err)
		}
	}
}

func loadsTheFold(t *testing.T, open func(t *testing.T) Book) {
	for seed := range uint64(6) {
		book, w := open(t), newWorld(seed)
		if _, _, err := book.Load(t.Context(), 0); !errors.Is(err, engine.ErrNoSnapshot) {
			t.Fatalf("an empty book: %v", err)
		}
		for round := range 4 { // a writer that ends and another that goes on
			_, _, end := writer(t, w.log, book, 100_000)
			for range 60 {
				w.step()
			}
			if round == 1 { // from here on by the newest rules, which the book must remember
				w.log.Add(&fold.Record{Kind: fold.KindActivate, Activate: fold.Version})
			}
			drained(t, w.log, book)
			end()
			same(t, w.log, book)
		}
		if s, _, err := book.Load(t.Context(), 0); err != nil || s.Version != fold.Version {
			t.Fatalf("the book remembers rules %d: %v", s.Version, err)
		}
	}
}

func twoWriters(t *testing.T, open func(t *testing.T) Book) {
	book, w := open(t), newWorld(99)
	_, a, endA := writer(t, w.log, book, 100_000)
	_, b, endB := writer(t, w.log, book, 100_000)
	defer endB()
	defer endA()
	for range 200 {
		w.step()
	}
	drained(t, w.log, book)
	same(t, w.log, book)
	if len(a.Stopped())+len(b.Stopped()) != 0 {
		t.Fatalf("%v %v", a.Stopped(), b.Stopped())
	}
}

func jsonOf(b []byte, into any) error { return json.Unmarshal(b, into) }
