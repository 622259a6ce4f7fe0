package booktest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/ledger"
)

// flaky fails every other append: before it is carried out, or after.
type flaky struct {
	Book
	mu    sync.Mutex
	calls int
}

var errLost = errors.New("the connection was lost")

func (f *flaky) Append(ctx context.Context, b *ledger.Batch) error {
	f.mu.Lock()
	f.calls++
	n := f.calls
	f.mu.Unlock()
	switch n % 4 {
	case 1:
		return errLost
	case 3:
		return errors.Join(f.Book.Append(ctx, b), errLost)
	}
	return f.Book.Append(ctx, b)
}

func lostAnswer(t *testing.T, open func(t *testing.T) Book) {
	book, w := &flaky{Book: open(t)}, newWorld(5)
	_, wr, end := writer(t, w.log, book, 100_000)
	defer end()
	for range 6 {
		for range 30 {
			w.step()
		}
		drained(t, w.log, book)
	}
	same(t, w.log, book)
	if stopped := wr.Stopped(); len(stopped) != 0 {
		t.Fatal(stopped)
	}
}

// booked is a book with one campaign, two grants and four who wait or were refused.
func booked(t *testing.T, open func(t *testing.T) Book) (Book, *world) {
	t.Helper()
	book, w := open(t), newWorld(1)
	w.create("noon", 2, 3)
	for i := range 6 {
		w.claim("noon", fmt.Sprintf("m%d", i), true)
	}
	_, _, end := writer(t, w.log, book, 100_000)
	drained(t, w.log, book)
	end()
	return book, w
}

func behind(t *testing.T, open func(t *testing.T) Book) {
	book, w := booked(t, open)
	for _, from := range []int64{0, 1, w.log.Len() - 1, w.log.Len() + 1} {
		b := &ledger.Batch{Topic: "booktest", From: from, Next: w.log.Len() + 5,
			Entries: []ledger.Entry{{Campaign: "noon", Ev: 1000}}}
		if err := book.Append(t.Context(), b); !errors.Is(err, ledger.ErrBehind) {
			t.Fatalf("from %d: %v", from, err)
		}
	}
	other := &ledger.Batch{Topic: "another log", From: w.log.Len(), Next: w.log.Len() + 5}
	if err := book.Append(t.Context(), other); !errors.Is(err, ledger.ErrBehind) {
		t.Fatalf("of another log: %v", err)
	}
	same(t, w.log, book)
}

func violated(t *testing.T, open func(t *testing.T) Book) {
	book, w := booked(t, open)
	user := sealer.User("m0")
	for name, b := range map[string]ledger.Batch{
		"an event twice": {Entries: []ledger.Entry{{Campaign: "noon", Ev: 1}}},
		"a rank twice":   {Entries: []ledger.Entry{{Campaign: "noon", Ev: 900}}, Placed: []ledger.Place{{Campaign: "noon", User: fold.User{9}, Place: fold.Place{State: fold.Granted, Claim: 900, Rank: 1}}}},
		"a member twice": {Entries: []ledger.Entry{{Campaign: "noon", Ev: 900}}, Placed: []ledger.Place{{Campaign: "noon", User: user, Place: fold.Place{State: fold.Granted, Claim: 900, Rank: 90}}}},
		"a claim twice":  {Entries: []ledger.Entry{{Campaign: "noon", Ev: 900}}, Placed: []ledger.Place{{Campaign: "noon", User: fold.User{9}, Place: fold.Place{State: fold.Ended, Claim: 3}}}},
	} {
		b.Topic, b.From, b.Next = "booktest", w.log.Len(), w.log.Len()+1
		var rule *ledger.RuleError
		if err := book.Append(t.Context(), &b); !errors.As(err, &rule) || rule.Rule == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	same(t, w.log, book)
}

func throttled(t *testing.T, open func(t *testing.T) Book) {
	book, w := open(t), newWorld(2)
	w.create("noon", fold.NoCap, 0)
	const claims = 900
	for i := range claims {
		w.claim("noon", fmt.Sprintf("m%d", i), false)
	}
	throttle, _, end := writer(t, w.log, book, 100)
	defer end()
	rows := func() int64 {
		_, r, err := book.Cursors(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		return r[0]
	}
	until(t, "the first rows", func() bool { return rows() > 10 })
	start, before := time.Now(), rows()
	until(t, "two hundred rows more", func() bool { return rows() >= before+200 })
	if rate := 200 / time.Since(start).Seconds(); rate > 105 {
		t.Errorf("%.0f rows a second, the limit is 100", rate)
	}
	status, err := throttle.Status(t.Context())
	if err != nil || status.BacklogRows < 300 || status.Drain < 3*time.Second || status.RowsPerSecond != 100 {
		t.Fatalf("%+v %v", status, err)
	}
	var invalid *engine.InvalidError
	if err := throttle.Set(t.Context(), 0); !errors.As(err, &invalid) {
		t.Fatalf("a rate of 0: %v", err)
	}
	// As on any node: the writer reads it from the book.
	if err := book.SetRate(t.Context(), 100_000); err != nil {
		t.Fatal(err)
	}
	start = time.Now()
	drained(t, w.log, book)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the raised rate drained in %s", took)
	}
	same(t, w.log, book)
}

func register(t *testing.T, open func(t *testing.T) Book) {
	book, w := booked(t, open)
	w.log.Add(&fold.Record{Kind: fold.KindCancel, Campaign: "noon", User: sealer.User("m0"), Claim: w.place("noon", "m0").Claim, Actor: "admin", Reason: "asked"})
	sealed, err := sealer.Seal("noon", w.keys["noon"], sealer.User("m3"), engine.Sealed{Answers: []byte(`{"size":null,"diet":"none"}`)})
	if err != nil {
		t.Fatal(err)
	}
	w.log.Add(&fold.Record{Kind: fold.KindAnswers, Campaign: "noon", User: sealer.User("m3"), Claim: w.place("noon", "m3").Claim, Sealed: sealed})
	_, _, end := writer(t, w.log, book, 100_000)
	drained(t, w.log, book)
	end()
	rows, err := book.Places(t.Context(), engine.PlaceQuery{Campaign: "noon", After: -1, Limit: 3})
	if err != nil || len(rows) != 3 || rows[0].Member != "m0" || rows[0].State != "cancelled" || rows[2].State != "granted" || rows[2].Rank != 3 || rows[2].Points != 5 {
		t.Fatalf("%+v %v", rows, err)
	}
	rows, err = book.Places(t.Context(), engine.PlaceQuery{Campaign: "noon", After: rows[2].ClaimOff, Limit: 10, State: "waitlisted"})
	if err != nil || len(rows) != 2 || rows[0].Position != 1 || rows[1].Position != 2 {
		t.Fatalf("%+v %v", rows, err)
	}
	var answers map[string]string
	if err := jsonOf(rows[0].Answers, &answers); err != nil || answers["name"] != "m3" || answers["diet"] != "none" || len(answers) != 2 {
		t.Fatalf("%s %v", rows[0].Answers, err)
	}
	if rows, err = book.Places(t.Context(), engine.PlaceQuery{Campaign: "noon", After: -1, Limit: 10, Search: "M1"}); err != nil || len(rows) != 1 {
		t.Fatalf("%+v %v", rows, err)
	}
	if rows, err = book.Places(t.Context(), engine.PlaceQuery{Campaign: "noon", After: -1, Limit: 10, Search: "%"}); err != nil || len(rows) != 0 {
		t.Fatalf("a wildcard in the text finds %d rows, %v", len(rows), err)
	}
	history, err := book.History(t.Context(), sealer.User("m1"), 10)
	if err != nil || len(history) != 1 || history[0].Campaign != "noon" || history[0].Rank != 2 {
		t.Fatalf("%+v %v", history, err)
	}
	deeds, err := book.Deeds(t.Context(), "noon", 0, 10)
	if err != nil || len(deeds) != 3 || deeds[0].Action != "created" || deeds[1].Action != "opened" || deeds[2].Actor != "admin" || deeds[2].Reason != "asked" {
		t.Fatalf("%+v %v", deeds, err)
	}
	milestones, err := book.Milestones(t.Context(), 0)
	if err != nil || len(milestones) != 2 || milestones[0].What != fold.Created || milestones[0].After.Status != fold.Draft ||
		milestones[1].Campaign != "noon" || milestones[1].Ev != 2 || milestones[1].After.Status != fold.Open || milestones[1].After.Cap < 1 || milestones[1].After.Granted != 0 {
		t.Fatalf("%+v %v", milestones, err)
	}
	if _, err := book.Place(t.Context(), "noon", 777); !errors.Is(err, engine.ErrNoPlace) {
		t.Fatal(err)
	}
	if _, err := book.Totals(t.Context(), "nothing"); !errors.Is(err, engine.ErrNotFound) {
		t.Fatal(err)
	}
}
