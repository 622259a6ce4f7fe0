package cache

import (
	"bytes"
	"context"
	"log/slog"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// shelfOfAccounts is what Redis keeps, and the channels of a receiver that a test
// passes the messages to by hand.
type shelfOfAccounts struct {
	kept  map[string][]byte
	asked []string
	away  bool
}

// keep is what tell.lua does.
func (s *shelfOfAccounts) keep(p Parcel) {
	old := s.kept[p.Campaign]
	ends, _ := accountEnds(old)
	if ev, _ := accountEnds(p.State); old == nil || ev > ends || ev == ends && bytes.Compare(p.State[:2*accountDigits], old[:2*accountDigits]) <= 0 {
		s.kept[p.Campaign] = p.State
	}
}

func (s *shelfOfAccounts) Run(ctx context.Context, _ Hearer) error { <-ctx.Done(); return nil }
func (s *shelfOfAccounts) Join([]string)                           {}
func (s *shelfOfAccounts) Part([]string)                           {}
func (s *shelfOfAccounts) Renew()                                  {}

func (s *shelfOfAccounts) States(_ context.Context, ids []string) (all [][]byte, _ error) {
	if s.away {
		return nil, engine.ErrUnavailable
	}
	for _, id := range ids {
		all = append(all, s.kept[id])
	}
	return all, nil
}

func (s *shelfOfAccounts) Ends(ctx context.Context, ids []string) ([][]byte, error) {
	return s.States(ctx, ids)
}

func (s *shelfOfAccounts) Ask(_ context.Context, ids []string) error {
	s.asked = append(s.asked, ids...)
	return nil
}

func newTestReceiver(s *shelfOfAccounts) *Receiver {
	return NewReceiver(ReceiverConfig{Channels: s, Logger: slog.New(slog.DiscardHandler)})
}

// parcelOf is what a relay beside a feed tells now, with so few milestones in a
// message that gaps are common.
func parcelOf(t rapid.TB, n *teller, tail int) Parcel {
	t.Helper()
	reel, err := n.feed.find(context.Background(), "noon")
	if err != nil {
		t.Fatal(err)
	}
	defer reel.part.mu.Unlock()
	s := reel.story()
	short := s.tail(tail)
	return Parcel{Campaign: "noon", State: s.append(nil), Message: short.append(nil)}
}

// Messages are lost, doubled and late, kept accounts are lost with a master, and
// the relay moves to another node: every frame on the way is right, and in the end
// a watcher has seen every milestone and stands where the books do.
func TestReceiversHealWhateverIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		n := newTeller(s, 0, nil)
		n.feed.cfg.Logger = slog.New(slog.DiscardHandler)
		kept := &shelfOfAccounts{kept: map[string][]byte{}}
		r := newTestReceiver(kept)
		far := r.Feed()
		clock := time.Minute
		far.elapsed = func() time.Duration { return clock }
		n.tell(2)
		kept.keep(parcelOf(t, n, 2))
		r.want("noon")
		r.Joined("noon")
		r.read(t.Context())
		reel, err := far.Watch(t.Context(), "noon")
		if err != nil {
			t.Fatal(err)
		}
		defer reel.Leave()
		c := &client{t: t, story: s}
		missed, pos, _ := reel.Join("", false)
		c.take(parse(t, missed))
		read := func() {
			clock += time.Second
			far.cut()
			data, ok := reel.Read(pos)
			if !ok {
				t.Fatal("fell off the tape")
			}
			pos += int64(len(data))
			c.take(parse(t, data))
		}
		var late [][]byte
		for n.told < len(s) {
			n.tell(min(n.told+rapid.IntRange(1, 12).Draw(t, "more"), len(s)))
			p := parcelOf(t, n, 2)
			if rapid.IntRange(0, 9).Draw(t, "kept") > 0 {
				kept.keep(p)
			}
			switch rapid.SampledFrom([]string{"heard", "heard", "lost", "twice", "late", "checked", "failover"}).Draw(t, "message") {
			case "heard":
				r.Heard("noon", p.Message)
			case "twice":
				r.Heard("noon", p.Message)
				r.Heard("noon", p.Message)
			case "late":
				late = append(late, p.Message)
			case "checked":
				clock += checkEvery
				r.check(t.Context())
			case "failover":
				delete(kept.kept, "noon")
				r.Joined("noon")
			}
			if len(late) > 0 && rapid.Bool().Draw(t, "now") {
				r.Heard("noon", late[0])
				late = late[1:]
			}
			if r.read(t.Context()) && slices.Contains(kept.asked, "noon") { // a relay answers
				kept.asked = nil
				kept.keep(parcelOf(t, n, 2))
			}
			read()
		}
		kept.keep(parcelOf(t, n, 2))
		clock += checkEvery
		r.check(t.Context())
		r.read(t.Context())
		for range len(s)/framesMost + 2 {
			read()
		}
		if c.last != int64(len(s)) {
			t.Fatalf("ends at %d of %d", c.last, len(s))
		}
		var want []int64
		for _, m := range s.milestones() {
			if m.Ev > c.first {
				want = append(want, m.Ev)
			}
		}
		if !slices.Equal(c.seen, want) {
			t.Fatalf("saw the milestones %v, there were %v", c.seen, want)
		}
	})
}

// What is written is read, and what somebody else wrote, or half of it, is refused
// without falling over.
func TestAccountsAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		n := newTeller(s, 0, nil)
		n.tell(len(s))
		reel, err := n.feed.find(context.Background(), "noon")
		if err != nil {
			t.Fatal(err)
		}
		a := reel.story()
		reel.part.mu.Unlock()
		for i := range rapid.IntRange(0, 3).Draw(t, "members") {
			a.own = append(a.own, ownClaim{fold.User{byte(i)}, engine.Claim{Campaign: "noon", State: "granted", Rank: int64(i), GrantID: "G",
				ClaimedAt: time.UnixMilli(1_700_000_000_000).UTC(), Points: 7, Booked: i == 1}})
		}
		b := a.appendOwn(a.append(nil))
		got, err := parseAccount(b, "noon")
		if err != nil {
			t.Fatal(err)
		}
		if len(a.past) == 0 {
			got.past, a.past = nil, nil
		}
		for i := range a.past {
			a.past[i].edited, got.past[i].edited = false, false // of use to the fold's own feed only
		}
		if !reflect.DeepEqual(got, a) {
			t.Fatalf("%+v\n%+v", got, a)
		}
		for cut := range b {
			if half, err := parseAccount(b[:cut], "noon"); err == nil && (len(half.own) >= len(a.own) || !slices.Equal(half.past, got.past)) {
				t.Fatalf("half an account of %d of %d bytes is believed", cut, len(b))
			}
		}
	})
}

func FuzzAccounts(f *testing.F) {
	a := account{epoch: "e-1", now: mark{ev: 3, at: 4}, past: []milestone{{mark: mark{ev: 2}, kind: status}}}
	f.Add(a.append(nil))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = parseAccount(b, "noon") })
}
