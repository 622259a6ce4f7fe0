package cache

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// grants is a story of one opening and n grants.
func grants(n int) story {
	s := newTale(fold.NoCap)
	for range n {
		s.then(fold.GrantedNow, 1, 1, 0)
	}
	return s.story
}

func watch(t testing.TB, n *teller, after string) (r *Reel, pos int64) {
	t.Helper()
	r, err := n.feed.Watch(t.Context(), "noon")
	if err != nil {
		t.Fatal(err)
	}
	_, pos, ok := r.Join(after, false)
	if !ok {
		t.Fatal("cannot join")
	}
	return r, pos
}

// What comes alone is told at once; what comes fast is merged into ten frames a
// second, and milestones wait for their turn instead of being merged.
func TestTenFramesASecond(t *testing.T) {
	s := newTale(100)
	for range 30 {
		s.then(fold.PausedNow, 0, 0, 0)
		s.then(fold.Resumed, 0, 0, 0)
		s.then(fold.GrantedNow, 1, 1, 0)
		s.then(fold.GrantedNow, 2, 1, 0)
	}
	n := newTeller(s.story, 0, nil)
	n.tell(2)
	n.clock = time.Minute
	r, pos := watch(t, n, "")
	defer r.Leave()
	n.tell(3)
	if n.feed.cut(); r.frames != 1 {
		t.Fatalf("the first change gave %d frames at once", r.frames)
	}
	n.tell(len(s.story))
	var at []time.Duration // of each frame
	last := int64(2)
	for at = append(at, n.clock); last < int64(len(s.story)); n.clock += 10 * time.Millisecond {
		n.feed.cut()
		data, ok := r.Read(pos)
		if !ok {
			t.Fatal("fell off the tape")
		}
		pos += int64(len(data))
		for _, e := range parse(t, data) {
			d := e.read(t)
			if d.From != last+1 {
				t.Fatalf("%+v follows %d", e, last)
			}
			last = d.To
			at = append(at, n.clock)
		}
	}
	at = at[1:]
	for i := framesMost; i < len(at); i++ {
		if at[i]-at[i-framesMost] < time.Second {
			t.Fatalf("%d frames in %s", framesMost+1, at[i]-at[i-framesMost])
		}
	}
	if took := at[len(at)-1] - at[0]; took > 10*time.Second {
		t.Errorf("90 frames took %s", took)
	}
}

// Very old milestones are merged, and who resumes before them still ends with
// the status and the cap that are true.
func TestOldMilestonesAreMerged(t *testing.T) {
	s := newTale(1)
	for range 3000 {
		s.totals.Cap++
		s.then(fold.CapChanged, 0, 0, 0)
	}
	n := newTeller(s.story, 0, nil)
	n.tell(len(s.story))
	r, err := n.feed.Watch(t.Context(), "noon")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Leave()
	missed, _, _ := r.Join("e-1-0", false)
	events := parse(t, missed)
	if len(events) > milestonesMost+10 || len(events) < milestonesMost-mergedAtOnce {
		t.Errorf("%d frames", len(events))
	}
	last, opened, limit := int64(0), false, int64(0)
	for _, e := range events {
		d := e.read(t)
		if d.From != last+1 {
			t.Fatalf("%+v follows %d", e, last)
		}
		last = d.To
		if d.Status == "open" {
			opened = true
		}
		if d.Cap != nil {
			limit = *d.Cap
		}
	}
	if last != int64(len(s.story)) || !opened || limit != s.totals.Cap {
		t.Errorf("ends at %d with cap %d, opened %v", last, limit, opened)
	}
}

// shelf is a book that gives nothing for a while.
type shelf struct {
	book
	shut atomic.Bool
}

func (s *shelf) Milestones(ctx context.Context, p int32) ([]engine.Change, error) {
	if s.shut.Load() {
		return nil, errors.New("away")
	}
	return s.book.Milestones(ctx, p)
}

// run runs a feed until the returned function has ended it.
func run(f *Feed) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = f.Run(ctx) })
	return func() { cancel(); all.Wait() }
}

// While the ledger is away a node that began from it cannot tell what came
// before: such a client is waited for, then told to read again. Others are
// served, and everybody is once the ledger is there.
func TestALedgerThatIsAwayAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := grants(10)
		b := &shelf{book: book(s[:8])}
		b.shut.Store(true)
		n := newTeller(s, 8, b)
		n.feed.cfg.Logger = slog.New(slog.DiscardHandler)
		defer run(n.feed)()
		n.tell(9)
		r, err := n.feed.Watch(t.Context(), "noon")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Leave()
		if _, _, ok := r.Join("e-1-1", false); ok {
			t.Error("it says what it cannot know")
		}
		if missed, _, _ := r.Join("e-1-1", true); len(parse(t, missed)) != 1 || parse(t, missed)[0].Event != "reset" {
			t.Errorf("who insists is told %s", missed)
		}
		if missed, _, ok := r.Join("e-1-8", false); !ok || len(parse(t, missed)) != 1 {
			t.Errorf("what it was told itself: %s", missed)
		}
		if items, _, err := n.feed.Missing(t.Context(), "noon", "e-1-8", 5); err != nil || len(items) == 0 {
			t.Errorf("%s %v", items, err)
		}
		b.shut.Store(false)
		time.Sleep(2 * time.Second)
		missed, _, ok := r.Join("e-1-1", false)
		if got := parse(t, missed); !ok || len(got) != 2 || got[0].Event != "status" || got[1].Event != "count" {
			t.Errorf("after the ledger came: %s", missed)
		}
	})
}

// A fold that shows more than the feed was told is waited for, so that nothing
// that is under way is merged into what came before.
func TestNewsUnderWayAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := grants(3)
		n := newTeller(s, 0, nil)
		n.tell(2)
		n.read = 4 // folded, not told
		done := make(chan error)
		go func() {
			r, err := n.feed.Watch(t.Context(), "noon")
			if err == nil {
				if r.now.ev != 5 {
					err = errors.New("it did not wait")
				}
				r.Leave()
			}
			done <- err
		}()
		synctest.Wait()
		time.Sleep(10 * time.Millisecond)
		select {
		case err := <-done:
			t.Fatalf("nobody waited: %v", err)
		default:
		}
		n.tell(5)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

// Run passes on that tapes grew, at once and then with the beat, and whose
// claims changed, of those who are minded.
func TestRunPassesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := grants(20)
		n := newTeller(s, 0, nil)
		start := time.Now()
		n.feed.elapsed = func() time.Duration { return time.Since(start) }
		var grown []time.Duration
		var told []fold.User
		n.feed.Listen(func() { grown = append(grown, time.Since(start)) }, func(_ string, u fold.User) { told = append(told, u) })
		stop := run(n.feed)
		n.tell(2)
		time.Sleep(time.Second)
		r, _ := watch(t, n, "")
		n.tell(10)
		synctest.Wait()
		r.Mind(fold.User{1}, true)
		n.tell(12)
		synctest.Wait()
		if len(told) != 2 || told[0] != (fold.User{1}) {
			t.Errorf("told of %v", told)
		}
		r.Mind(fold.User{1}, false)
		n.tell(22)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(grown) != 2 || grown[0] != time.Second || grown[1] != time.Second+beat || len(told) != 2 {
			t.Errorf("grown at %v, told of %v", grown, told)
		}
		r.Leave()
		n.feed.cut()
		stop()
	})
}

// The last thousand changes are kept one by one.
func TestLinesAreBounded(t *testing.T) {
	s := grants(5000)
	n := newTeller(s, 0, nil)
	n.tell(len(s))
	events, at, err := n.feed.Changes(t.Context(), "noon", "e-1-4900", 40)
	if got := parse(t, events); err != nil || len(got) != 40 || got[0].ID != "e-1-4901" || at != "e-1-4940" {
		t.Errorf("%d events to %s: %v", len(got), at, err)
	}
	all, _, _ := n.feed.Changes(t.Context(), "noon", "", 5000)
	if n := len(parse(t, all)); n < linesMost || n > linesMost*5/4 {
		t.Errorf("%d are kept", n)
	}
	old, _, _ := n.feed.Changes(t.Context(), "noon", "e-1-3", 1)
	if got := parse(t, old); got[0].Event != "reset" || len(got) != 2 {
		t.Errorf("%s", old)
	}
}

// Telling of a campaign that nobody watches is one look into a map.
func BenchmarkTell(b *testing.B) {
	for name, watched := range map[string]bool{"unwatched": false, "watched": true} {
		b.Run(name, func(b *testing.B) {
			s := grants(1 << 16)
			n := newTeller(s, 0, nil)
			n.tell(2)
			if watched {
				r, _ := watch(b, n, "")
				defer r.Leave()
			}
			changes := make([]engine.Change, 128)
			b.ReportAllocs()
			ev := int64(2)
			for b.Loop() {
				for i := range changes {
					ev++
					changes[i] = s[2]
					changes[i].Ev = ev
				}
				n.feed.Tell(0, changes)
				n.feed.cut()
			}
		})
	}
}
