package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"firstcome/engine/fold"
)

// rig is a world of engines on one log and one gate, in virtual time.
type rig struct {
	t      *testing.T
	log    *memLog
	gate   *memGate
	locker *memLocker
	cancel context.CancelFunc
	wg     sync.WaitGroup
	ctx    context.Context
}

func newRig(t *testing.T) *rig {
	ctx, cancel := context.WithCancel(context.Background())
	r := &rig{t: t, log: newMemLog(4), gate: newMemGate(), locker: &memLocker{held: map[string]bool{}}, ctx: ctx, cancel: cancel}
	t.Cleanup(func() {
		r.log.set(func(l *memLog) { l.cut, l.lose, l.full, l.hold = false, false, false, false })
		cancel()
		r.wg.Wait()
	})
	return r
}

// node starts another engine and waits until it is ready.
func (r *rig) node() *Engine {
	return r.nodeWith(Ports{Log: r.log, Gate: r.gate, Locker: r.locker})
}

func (r *rig) nodeWith(ports Ports) *Engine {
	e, err := New(Config{Secret: [32]byte{1}, Partitions: 4, Logger: slog.New(slog.DiscardHandler)}, ports)
	if err != nil {
		r.t.Fatal(err)
	}
	r.wg.Go(func() {
		if err := e.Run(r.ctx); err != nil {
			r.t.Errorf("run: %v", err)
		}
	})
	for !e.Health().Ready {
		time.Sleep(time.Millisecond) // virtual
	}
	return e
}

var admin = Actor{Subject: "admin", Reason: "test"}

func ptr[T any](v T) *T { return &v }

// open makes an open campaign and waits until every engine knows it.
func (r *rig) open(c Campaign, engines ...*Engine) Campaign {
	r.t.Helper()
	if c.Title == "" {
		c.Title = "Noon"
	}
	made, created, err := engines[0].Create(r.ctx, c, admin, false)
	if err != nil || !created {
		r.t.Fatalf("create: %v %v", created, err)
	}
	if made, err = engines[0].Move(r.ctx, made.ID, Open, 0, admin, false); err != nil {
		r.t.Fatalf("open: %v", err)
	}
	for _, e := range engines {
		if err := e.Sync(r.ctx, made.ID, Read{Exact: true}); err != nil {
			r.t.Fatal(err)
		}
	}
	return made
}

func call(campaign, subject string) ClaimCall {
	return ClaimCall{Campaign: campaign, Member: Member{Subject: subject}}
}

// audit holds the whole log against the promises and returns the grants.
func (r *rig) audit(campaign string, limit int64) map[fold.User]int64 {
	r.t.Helper()
	ranks := map[fold.User]int64{}
	for p, recs := range r.log.records {
		s := fold.New(int32(p))
		for _, rec := range recs {
			if _, err := s.Apply(rec.Offset, rec.At, rec.Value); err != nil {
				r.t.Fatalf("fold: %v", err)
			}
		}
		if c := s.Campaign(campaign); c != nil {
			if c.Granted > limit {
				r.t.Errorf("%d granted, the cap is %d", c.Granted, limit)
			}
			for u, place := range c.Members() {
				if place.State == fold.Granted {
					ranks[u] = place.Rank
				}
			}
		}
	}
	return ranks
}

func TestStampedeOnTwoNodes(t *testing.T) {
	faults := map[string]func(*rig){
		"sound":                func(*rig) {},
		"gate away":            func(r *rig) { r.gate.down = true },
		"gate gives always":    func(r *rig) { r.gate.always = 1 },
		"gate never gives":     func(r *rig) { r.gate.always = -1 },
		"locks away":           func(r *rig) { r.locker.down = true },
		"locks always taken":   func(r *rig) { r.locker.taken = true },
		"locks off":            func(r *rig) { r.locker = nil },
		"gate and locks away":  func(r *rig) { r.gate.down, r.locker.down = true, true },
		"gate lies, locks off": func(r *rig) { r.gate.always, r.locker = 1, nil },
	}
	for _, counting := range []string{"direct", "batched"} {
		for name, fault := range faults {
			t.Run(counting+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { stampede(t, counting, fault) })
			})
		}
	}
}

func stampede(t *testing.T, counting string, fault func(*rig)) {
	r := newRig(t)
	fault(r)
	engines := []*Engine{r.lockless(), r.lockless()}
	c := r.open(Campaign{ID: "noon", Cap: ptr(int64(50)), Counting: counting}, engines...)
	const members = 300
	var mu sync.Mutex
	outcomes, ranks := map[Outcome]int{}, map[string]int64{}
	var wg sync.WaitGroup
	for i := range members {
		for _, e := range engines {
			wg.Go(func() {
				who := fmt.Sprintf("m%d", i)
				d, err := e.Claim(r.ctx, call(c.ID, who))
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("%s: %v", who, err)
					return
				}
				outcomes[d.Outcome]++
				if rank := d.Claim.Rank; rank != 0 {
					if before := ranks[who]; before != 0 && before != rank {
						t.Errorf("%s was told rank %d and %d", who, before, rank)
					}
					ranks[who] = rank
				}
			})
		}
	}
	wg.Wait()
	if outcomes[Granted] > 50 || len(ranks) != 50 || outcomes[Granted]+outcomes[Repeated] != 100 || outcomes[SoldOut] != 2*members-100 {
		t.Errorf("outcomes %v, %d members with a rank", outcomes, len(ranks))
	}
	seen := map[int64]bool{}
	for _, rank := range ranks {
		if rank < 1 || rank > 50 || seen[rank] {
			t.Errorf("rank %d twice or out of 1..50", rank)
		}
		seen[rank] = true
	}
	if booked := r.audit(c.ID, 50); len(booked) != 50 {
		t.Errorf("the log has %d grants", len(booked))
	}
	time.Sleep(leaseRest + 2*time.Second) // virtual: what was leased goes home
	if n, err := r.gate.Read(r.ctx, c.ID); err == nil && r.gate.always == 0 && n.Count != 50 {
		t.Errorf("the gate counts %d places", n.Count)
	}
}

// lockless starts a node without locks when the rig has none.
func (r *rig) lockless() *Engine {
	if r.locker != nil {
		return r.node()
	}
	return r.nodeWith(Ports{Log: r.log, Gate: r.gate})
}

func TestParkedTapsAreDecidedInOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		e := r.node()
		r.wg.Go(func() { e.Schedule(r.ctx) })
		opens := e.Now().Add(10 * time.Second)
		if _, _, err := e.Create(r.ctx, Campaign{ID: "noon", Title: "Noon", Cap: ptr(int64(20)), OpensAt: opens}, admin, false); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Move(r.ctx, "noon", Publish, 0, admin, false); err != nil {
			t.Fatal(err)
		}
		if d, err := e.Claim(r.ctx, call("noon", "hasty")); err != nil || d.Outcome != Early || !d.OpensAt.Equal(opens.Truncate(time.Millisecond)) {
			t.Fatalf("ten seconds early: %v %v", d, err)
		}
		time.Sleep(time.Until(opens) - 450*time.Millisecond)
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				d, err := e.Claim(r.ctx, call("noon", fmt.Sprintf("m%d", i)))
				switch {
				case err != nil:
					t.Errorf("m%d: %v", i, err)
				case i < 20 && (d.Outcome != Granted || d.Claim.Rank != int64(i+1)):
					t.Errorf("m%d tapped as number %d: %v rank %d", i, i+1, d.Outcome, d.Claim.Rank)
				case i >= 20 && d.Outcome != SoldOut:
					t.Errorf("m%d: %v", i, d.Outcome)
				}
			})
			time.Sleep(10 * time.Millisecond)
		}
		wg.Wait()
		if late := time.Since(opens); late > 50*time.Millisecond {
			t.Errorf("the last answer came %s after the opening", late)
		}
	})
}

func TestNobodyIsRefusedForASeatThatIsFreeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(1))}, a)
		p := a.node.partition(c.ID)
		r.log.set(func(l *memLog) { l.hold = true })
		// Another node's record takes the seat; then this member's claim follows
		// in the log, so it will be refused.
		rival, err := fold.Encode(&fold.Record{Kind: fold.KindClaim, Campaign: c.ID, User: fold.User{8}, Node: 8, Nr: 1, Seen: p.next.Load()})
		if err != nil {
			t.Fatal(err)
		}
		r.log.set(func(l *memLog) {
			l.held = append(l.held, func() {
				l.records[p.id] = append(l.records[p.id], LogRecord{Offset: int64(len(l.records[p.id])), Value: rival})
			})
		})
		outcomes := make(chan Outcome, 2)
		claim := func() {
			d, err := a.Claim(r.ctx, call(c.ID, "m"))
			if err != nil {
				t.Error(err)
			}
			outcomes <- d.Outcome
		}
		go claim()
		synctest.Wait()
		// The second call joins after the record was sent. Before it is read
		// back the rival cancels, so for this call a seat is free.
		go claim()
		synctest.Wait()
		free, err := fold.Encode(&fold.Record{Kind: fold.KindCancel, Campaign: c.ID, User: fold.User{8}, Claim: int64(len(r.log.records[p.id])), Node: 8, Nr: 2})
		if err != nil {
			t.Fatal(err)
		}
		r.log.set(func(l *memLog) {
			l.held = append(l.held, func() {
				l.records[p.id] = append(l.records[p.id], LogRecord{Offset: int64(len(l.records[p.id])), Value: free})
			})
		})
		r.log.set(func(l *memLog) { l.hold = false })
		got := map[Outcome]int{<-outcomes: 1}
		got[<-outcomes]++
		if got[Granted]+got[Repeated] == 0 {
			t.Errorf("the later call was closed by a refusal of before: %v", got)
		}
	})
}

func TestWhoGaveUpIsNotGrantedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a, b := r.node(), r.node()
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(1))}, a, b)
		if d, err := a.Claim(r.ctx, call(c.ID, "first")); err != nil || d.Outcome != Granted {
			t.Fatal(d, err)
		}
		// The member's tap is on its way when a seat is freed: its record is
		// stale. By then the member has gone, so no fresh one may follow.
		p := b.node.partition(c.ID)
		user := b.sealer.User("ghost")
		seen := p.next.Load()
		if _, err := a.Cancel(r.ctx, c.ID, Member{Subject: "first"}, Read{}); err != nil {
			t.Fatal(err)
		}
		got, err := p.submit(r.ctx, &fold.Record{Kind: fold.KindClaim, Campaign: c.ID, User: user, Seen: seen})
		if err != nil || got.verdict != fold.ClaimStale {
			t.Fatalf("a claim that saw the campaign full: %v %v", got.verdict, err)
		}
		r.log.set(func(l *memLog) { l.hold = true })
		gone, leave := context.WithTimeout(r.ctx, 50*time.Millisecond)
		defer leave()
		if _, err := b.Claim(gone, call(c.ID, "ghost")); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the caller has gone: %v", err)
		}
		if n := b.node.underway.Load(); n != 0 {
			synctest.Wait()
			if n = b.node.underway.Load(); n != 0 {
				t.Fatalf("%d flights go on without anybody waiting", n)
			}
		}
		r.log.set(func(l *memLog) { l.hold = false })
	})
}

func TestNodeCutOffFromTheLogNeverAnswersFromOldMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(1))}, a)
		if d, err := a.Claim(r.ctx, call(c.ID, "first")); err != nil || d.Outcome != Granted {
			t.Fatal(d, err)
		}
		if d, err := a.Claim(r.ctx, call(c.ID, "second")); err != nil || d.Outcome != SoldOut {
			t.Fatal(d, err)
		}
		r.log.set(func(l *memLog) { l.cut = true })
		time.Sleep(Currency + time.Millisecond)
		start := time.Now()
		if d, err := a.Claim(r.ctx, call(c.ID, "second")); err != nil || d.Outcome != Deciding {
			t.Fatalf("from a memory older than %s: %v %v", Currency, d.Outcome, err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("the deadline came after %s", took)
		}
		time.Sleep(silence)
		if _, err := a.Claim(r.ctx, call(c.ID, "second")); !errors.Is(err, ErrUnavailable) {
			t.Fatalf("after %s of silence: %v", silence, err)
		}
		r.log.set(func(l *memLog) { l.cut = false })
		time.Sleep(50 * time.Millisecond)
		if d, err := a.Claim(r.ctx, call(c.ID, "second")); err != nil || d.Outcome != SoldOut {
			t.Fatal(d, err)
		}
	})
}

func TestLostAppendIsDecidingAndARepeatFindsThePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(5))}, a)
		r.log.set(func(l *memLog) { l.hold = true })
		d, err := a.Claim(r.ctx, call(c.ID, "m"))
		if err != nil || d.Outcome != Deciding {
			t.Fatal(d, err)
		}
		r.log.set(func(l *memLog) { l.hold = false })
		if d, err = a.Claim(r.ctx, call(c.ID, "m")); err != nil || d.Claim.Rank != 1 {
			t.Fatal(d, err)
		}
		if booked := r.audit(c.ID, 5); len(booked) != 1 {
			t.Fatalf("%d places", len(booked))
		}
		r.log.set(func(l *memLog) { l.full = true })
		if _, err = a.Claim(r.ctx, call(c.ID, "n")); !errors.Is(err, ErrOverloaded) {
			t.Fatalf("a full buffer: %v", err)
		}
	})
}

func TestWaitlistCancelPromotesAndCapChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(2)), WaitlistCap: 3}, a)
		for i, want := range []Outcome{Granted, Granted, Waitlisted, Waitlisted, Waitlisted, SoldOut} {
			k := call(c.ID, fmt.Sprintf("m%d", i))
			k.Waitlist = true
			if d, err := a.Claim(r.ctx, k); err != nil || d.Outcome != want {
				t.Fatalf("m%d: %v %v", i, d.Outcome, err)
			}
		}
		ended, err := a.Cancel(r.ctx, c.ID, Member{Subject: "m0"}, Read{})
		if err != nil || ended.State != "cancelled" || ended.Rank != 1 {
			t.Fatal(ended, err)
		}
		again, err := a.Cancel(r.ctx, c.ID, Member{Subject: "m0"}, Read{})
		if err != nil || again.State != "cancelled" || !again.EndedAt.Equal(ended.EndedAt) {
			t.Fatal(again, err)
		}
		mine, err := a.Mine(r.ctx, c.ID, Member{Subject: "m2"}, Read{})
		if err != nil || mine.State != "granted" || mine.Rank != 3 || mine.Ticket != 1 {
			t.Fatal(mine, err)
		}
		if _, err := a.Cancel(r.ctx, c.ID, Member{Subject: "stranger"}, Read{}); !errors.Is(err, ErrNoPlace) {
			t.Fatal(err)
		}
		now, _ := a.Campaign(c.ID)
		_, change, err := a.SetCap(r.ctx, c.ID, ptr(int64(3)), now.Version, admin, true)
		if err != nil || change.Promoted != 1 || len(change.Members) != 1 || change.Members[0] != "m3" {
			t.Fatal(change, err)
		}
		if _, _, err = a.SetCap(r.ctx, c.ID, ptr(int64(3)), now.Version-1, admin, false); !errors.Is(err, ErrVersion) {
			t.Fatal(err)
		}
		if _, _, err = a.SetCap(r.ctx, c.ID, ptr(int64(3)), now.Version, admin, false); err != nil {
			t.Fatal(err)
		}
		now, _ = a.Campaign(c.ID)
		_, change, err = a.SetCap(r.ctx, c.ID, ptr(int64(1)), now.Version, admin, false)
		if err != nil || change.OverBy != 2 || change.Promoted != 0 {
			t.Fatal(change, err)
		}
		if now, _ = a.Campaign(c.ID); now.Granted != 3 || now.Waiting != 1 {
			t.Fatalf("a lowered cap took something away: %d granted, %d waiting", now.Granted, now.Waiting)
		}
	})
}

func TestAnswersAreCheckedKeptAndMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon", Form: []Question{{ID: "name", Label: "Name", Type: "text", Required: true},
			{ID: "size", Label: "Size", Type: "choice", Choices: []string{"s", "m"}}}}, a)
		k := call(c.ID, "m")
		var invalid *InvalidError
		if _, err := a.Claim(r.ctx, k); !errors.As(err, &invalid) || !invalid.Answers || invalid.Fields[0].Pointer != "/answers/name" {
			t.Fatal(err)
		}
		k.Answers = map[string]json.RawMessage{"name": json.RawMessage(`"김민지"`)}
		if d, err := a.Claim(r.ctx, k); err != nil || d.Outcome != Granted {
			t.Fatal(d, err)
		}
		got, err := a.Answer(r.ctx, c.ID, Member{Subject: "m"}, map[string]json.RawMessage{"size": json.RawMessage(`"m"`)}, Read{})
		if err != nil || string(got.Answers) != `{"name":"김민지","size":"m"}` {
			t.Fatal(string(got.Answers), err)
		}
		if _, err = a.Answer(r.ctx, c.ID, Member{Subject: "m"}, map[string]json.RawMessage{"name": json.RawMessage(`null`)}, Read{}); !errors.As(err, &invalid) {
			t.Fatal(err)
		}
		mine, err := a.Mine(r.ctx, c.ID, Member{Subject: "m"}, Read{})
		if err != nil || string(mine.Answers) != `{"name":"김민지","size":"m"}` {
			t.Fatal(string(mine.Answers), err)
		}
	})
}

func TestFiveHundredTapsAreOneGrantAndOneCostlyCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(5))}, a)
		before := len(r.log.records[a.node.partition(c.ID).id])
		var mu sync.Mutex
		outcomes, costly := map[Outcome]int{}, 0
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() {
				k := call(c.ID, "m")
				k.Costly = func() error { mu.Lock(); defer mu.Unlock(); costly++; return nil }
				d, err := a.Claim(r.ctx, k)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				outcomes[d.Outcome]++
			})
		}
		wg.Wait()
		if outcomes[Granted] != 1 || outcomes[Repeated] != 499 {
			t.Errorf("%v", outcomes)
		}
		if n := len(r.log.records[a.node.partition(c.ID).id]) - before; n != 1 {
			t.Errorf("%d records for one member", n)
		}
	})
}

func TestAnotherSecretIsRefusedAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.node()
		other, err := New(Config{Secret: [32]byte{2}, Partitions: 4, Logger: slog.New(slog.DiscardHandler)}, Ports{Log: r.log, Gate: r.gate})
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Run(r.ctx); err == nil {
			t.Fatal("a node with another secret runs on this log")
		}
	})
}

func TestANodeThatHasNotHeardOfACampaignAsksTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.node()
		r.log.set(func(l *memLog) { l.cut = true })
		go func() {
			time.Sleep(time.Second)
			r.log.set(func(l *memLog) { l.cut = false })
		}()
		start := time.Now()
		if _, err := a.Claim(r.ctx, call("not-there", "m")); !errors.Is(err, ErrNotFound) || time.Since(start) < time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		limited := errors.New("limited")
		k := call("not-there", "m")
		k.Costly = func() error { return limited }
		if _, err := a.Claim(r.ctx, k); !errors.Is(err, limited) {
			t.Errorf("asking the log for what is not there has no limit: %v", err)
		}
	})
}

func TestAnswersAreWrittenAnewBeforeTheyEnterTheLog(t *testing.T) {
	form := []Question{{ID: "t", Label: "T", Type: "text"}, {ID: "n", Label: "N", Type: "number"}}
	got, err := checkAnswers(form, map[string]json.RawMessage{"t": json.RawMessage(`"\ud800 <b>"`), "n": json.RawMessage(`1e-400000`)})
	if err != nil || string(got) != `{"n":0,"t":"`+"\uFFFD"+` <b>"}` {
		t.Fatalf("%s %v", got, err)
	}
}
