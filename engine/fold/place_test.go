package fold_test

import (
	"testing"

	"firstcome/engine/fold"
)

func TestCancelEndsExactlyThePlaceItNames(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 5, Points: 3})
	first := l.claim(fold.ClaimGranted, "ann")
	l.cancel(fold.NoEffect, "ann", first+100)
	st := l.cancel(fold.Done, "ann", first, fold.EndedNow)
	if tr := st.Transitions[0]; tr.Points != -3 || tr.Place.End != st.Offset || tr.Place.EndedAt != st.At || tr.Place.Rank != 1 {
		t.Fatalf("got %+v", tr)
	}
	l.cancel(fold.NoEffect, "ann", first)
	second := l.claim(fold.ClaimGranted, "ann")
	l.cancel(fold.NoEffect, "ann", first) // a late copy names the older place
	if p := l.place("ann"); p.State != fold.Granted || p.Claim != second || p.Rank != 2 {
		t.Fatalf("a late cancel ended a newer place: %+v", p)
	}
	l.counts(1, 0, 2, 0)
}

func TestCancelOfAWaitingPlaceFreesTheList(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 0, WaitlistCap: 2, Points: 3})
	l.queue(fold.ClaimWaiting, "ann")
	b := l.queue(fold.ClaimWaiting, "bob")
	st := l.cancel(fold.Done, "bob", b, fold.EndedNow)
	if st.Transitions[0].Points != 0 {
		t.Fatal("a waiting place has no points to give back")
	}
	l.queue(fold.ClaimWaiting, "cid")
	if c := l.campaign(); c.Position(user("cid")) != 2 || l.place("cid").Ticket != 3 {
		t.Fatal("the list has a hole")
	}
}

func TestCancelInEveryStatus(t *testing.T) {
	l := newTape(t)
	l.create(fold.Definition{Cap: 5})
	l.cancel(fold.Refused, "ann", 0)
	l.verb(fold.Done, fold.KindPublish)
	l.cancel(fold.Done, "ann", 0, fold.FencedNow)
	l.verb(fold.Done, fold.KindOpen)
	a, b := l.claim(fold.ClaimGranted, "ann"), l.claim(fold.ClaimGranted, "bob")
	l.verb(fold.Done, fold.KindPause)
	l.cancel(fold.Done, "ann", a, fold.EndedNow)
	l.verb(fold.Done, fold.KindClose)
	l.cancel(fold.Done, "bob", b, fold.EndedNow)
	l.verb(fold.Done, fold.KindArchive)
	l.cancel(fold.Refused, "bob", b)
	l.cancel(fold.Refused, "bob", 0)
}

func TestFenceLeavesAnActivePlaceAlone(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1, WaitlistCap: 1})
	l.claim(fold.ClaimGranted, "ann")
	l.queue(fold.ClaimWaiting, "bob")
	l.cancel(fold.NoEffect, "ann", 0)
	l.cancel(fold.NoEffect, "bob", 0)
	l.counts(1, 1, 1, 1)
}

func TestFenceOfAnEndedPlaceMovesItsEnd(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1})
	claim := l.claim(fold.ClaimGranted, "ann")
	l.cancel(fold.Done, "ann", claim)
	ended := l.place("ann")
	fence := l.cancel(fold.Done, "ann", 0, fold.FencedNow)
	want := ended
	want.End, want.Last = fence.Offset, fence.Offset
	if got := l.place("ann"); got != want || got.State != fold.Ended {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

func TestAnswersOnlyForTheActivePlaceTheyName(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1, WaitlistCap: 1})
	answers := func(v fold.Verdict, name string, claim int64, changes ...fold.Change) {
		t.Helper()
		st := l.want(v, fold.Record{Kind: fold.KindAnswers, Campaign: club, User: user(name), Claim: claim,
			Sealed: []byte("new")}, changes...)
		if len(changes) > 0 && (string(st.Transitions[0].Sealed) != "new" || l.place(name).Last != st.Offset) {
			t.Fatalf("got %+v", st.Transitions[0])
		}
	}
	a, b := l.claim(fold.ClaimGranted, "ann"), l.queue(fold.ClaimWaiting, "bob")
	answers(fold.Done, "ann", a, fold.AnsweredNow)
	answers(fold.Done, "bob", b, fold.AnsweredNow)
	answers(fold.NoEffect, "ann", b)
	answers(fold.NoEffect, "cid", a)
	l.verb(fold.Done, fold.KindPause)
	answers(fold.Done, "ann", a, fold.AnsweredNow)
	l.cancel(fold.Done, "ann", a)
	answers(fold.NoEffect, "ann", a)
	l.verb(fold.Done, fold.KindClose)
	answers(fold.Refused, "bob", b)
}

func TestEraseOfAGrantKeepsItsSeatAndRank(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1, Points: 3})
	l.claim(fold.ClaimGranted, "ann")
	before := l.place("ann")
	st := l.erase(fold.Done, "ann", fold.ErasedMember)
	if tr := st.Transitions[0]; tr.Before != before || tr.Place != (fold.Place{}) || tr.Points != 0 {
		t.Fatalf("got %+v", tr)
	}
	l.claim(fold.ClaimFull, "bob")
	l.counts(1, 0, 1, 0)
	l.erase(fold.NoEffect, "ann")
}

func TestEraseOfAWaitingPlaceLeavesTheList(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1, WaitlistCap: 2})
	a := l.claim(fold.ClaimGranted, "ann")
	l.queue(fold.ClaimWaiting, "bob")
	l.queue(fold.ClaimWaiting, "cid")
	l.erase(fold.Done, "bob", fold.ErasedMember)
	l.counts(1, 1, 1, 2)
	l.cancel(fold.Done, "ann", a, fold.EndedNow, fold.Promoted)
	if l.place("cid").Rank != 2 {
		t.Fatal("the promotion went to somebody erased")
	}
}

func TestEraseLosesTheEndOffsetButNoGhostPasses(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 5})
	seen := l.state.Next()
	l.cancel(fold.Done, "ann", 0)
	erased := l.erase(fold.Done, "ann").Offset
	l.claimSeen(fold.ClaimStale, "ann", false, seen)
	l.claimSeen(fold.ClaimStale, "ann", false, erased)
	l.claim(fold.ClaimGranted, "ann")
}

func TestEraseForgetsThatAPlaceEnded(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 5, Reclaim: fold.ReclaimRefused})
	l.cancel(fold.Done, "ann", l.claim(fold.ClaimGranted, "ann"))
	l.erase(fold.Done, "ann")
	l.claim(fold.ClaimGranted, "ann")
}

func TestSettlePromotesTheHeadWhenAGrantEnds(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1, WaitlistCap: 9, Points: 3})
	a := l.claim(fold.ClaimGranted, "ann")
	b := l.queue(fold.ClaimWaiting, "bob")
	l.queue(fold.ClaimWaiting, "cid")
	st := l.cancel(fold.Done, "ann", a, fold.EndedNow, fold.Promoted)
	tr := st.Transitions[1]
	if tr.User != user("bob") || tr.Points != 3 || tr.Place.Rank != 2 || tr.Place.Ticket != 1 || tr.Place.Claim != b || tr.Place.Last != st.Offset {
		t.Fatalf("got %+v", tr)
	}
	l.counts(1, 1, 2, 2)
}

func TestSettleGrantsNobodyPastTheQueue(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1, WaitlistCap: 9})
	a := l.claim(fold.ClaimGranted, "ann")
	l.queue(fold.ClaimWaiting, "bob")
	l.verb(fold.Done, fold.KindPause)
	l.cancel(fold.Done, "ann", a, fold.EndedNow) // paused: the seat stays free
	l.verb(fold.Done, fold.KindResume, fold.Resumed, fold.Promoted)
	l.claim(fold.ClaimFull, "cid")
}

func TestSettleGoesOnAfterClose(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1, WaitlistCap: 9})
	a := l.claim(fold.ClaimGranted, "ann")
	l.queue(fold.ClaimWaiting, "bob")
	l.queue(fold.ClaimWaiting, "cid")
	l.verb(fold.Done, fold.KindClose, fold.ClosedNow)
	l.cancel(fold.Done, "ann", a, fold.EndedNow, fold.Promoted)
	l.setCap(fold.Done, 2, fold.CapChanged, fold.Promoted)
	l.verb(fold.Done, fold.KindArchive, fold.ArchivedNow)
}

func TestSettleEndsAtCloseWhenThePolicySaysSo(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1, WaitlistCap: 9, EndPromotion: true})
	a := l.claim(fold.ClaimGranted, "ann")
	l.queue(fold.ClaimWaiting, "bob")
	l.verb(fold.Done, fold.KindClose, fold.ClosedNow)
	l.cancel(fold.Done, "ann", a, fold.EndedNow)
	l.edit(fold.Done, func(d *fold.Definition) { d.EndPromotion = false }, fold.Edited, fold.Promoted)
}

func TestFreedIsSetByWhateverAcceptsAgain(t *testing.T) {
	full := fold.Definition{Cap: 1, WaitlistCap: 1, Reclaim: fold.ReclaimRefused}
	for _, test := range []struct {
		name  string
		frees bool
		do    func(l *tape, ann, bob int64)
	}{
		{"end of a grant with a queue frees the list", true, func(l *tape, ann, _ int64) { l.cancel(fold.Done, "ann", ann) }},
		{"end of a waiting place", true, func(l *tape, _, bob int64) { l.cancel(fold.Done, "bob", bob) }},
		{"a raised cap", true, func(l *tape, _, _ int64) { l.setCap(fold.Done, 5) }},
		{"a lowered cap", false, func(l *tape, _, _ int64) { l.setCap(fold.Done, 0) }},
		{"no cap", true, func(l *tape, _, _ int64) { l.setCap(fold.Done, fold.NoCap) }},
		{"a longer list", true, func(l *tape, _, _ int64) { l.edit(fold.Done, func(d *fold.Definition) { d.WaitlistCap = 2 }) }},
		{"a policy loosened", true, func(l *tape, _, _ int64) {
			l.edit(fold.Done, func(d *fold.Definition) { d.Reclaim = fold.ReclaimAllowed })
		}},
		{"eligibility changed", true, func(l *tape, _, _ int64) {
			l.edit(fold.Done, func(d *fold.Definition) { d.Eligibility = []byte("[]") })
		}},
		{"a new title", false, func(l *tape, _, _ int64) { l.edit(fold.Done, func(d *fold.Definition) { d.Title = "x" }) }},
		{"an erased grant", true, func(l *tape, _, _ int64) { l.erase(fold.Done, "ann") }},
		{"nobody erased", false, func(l *tape, _, _ int64) { l.erase(fold.NoEffect, "cid") }},
		{"a fence", false, func(l *tape, _, _ int64) { l.cancel(fold.Done, "cid", 0) }},
		{"pause", false, func(l *tape, _, _ int64) { l.verb(fold.Done, fold.KindPause) }},
		{"close", false, func(l *tape, _, _ int64) { l.verb(fold.Done, fold.KindClose) }},
		{"a refused claim", false, func(l *tape, _, _ int64) { l.queue(fold.ClaimFull, "cid") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := openTape(t, full)
			opened := l.state.Next() - 1
			if l.campaign().Freed != opened {
				t.Fatal("opening frees")
			}
			ann, bob := l.claim(fold.ClaimGranted, "ann"), l.queue(fold.ClaimWaiting, "bob")
			want := opened
			if test.frees {
				want = l.state.Next()
			}
			test.do(l, ann, bob)
			if got := l.campaign().Freed; got != want {
				t.Fatalf("freed at %d, want %d", got, want)
			}
		})
	}
}
