package fold_test

import (
	"testing"

	"firstcome/engine/fold"
)

// One test per rule of a claim, in the order of the rules.

func TestRule1_ClaimOfAnUnknownCampaignIsInvalid(t *testing.T) {
	l := newTape(t)
	l.claim(fold.Invalid, "ann")
	if l.state.Campaign(club) != nil || l.state.Rows() != 0 {
		t.Fatal("an invalid claim left something behind")
	}
}

func TestRule2_RepeatFindsItsPlaceInEveryStatus(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1, WaitlistCap: 1})
	first := l.claim(fold.ClaimGranted, "ann")
	l.queue(fold.ClaimWaiting, "bob")
	repeat := func() {
		t.Helper()
		l.claimSeen(fold.ClaimDuplicate, "ann", false, 0)
		l.claim(fold.ClaimDuplicate, "ann")
		l.claim(fold.ClaimDuplicate, "bob")
	}
	repeat()
	l.verb(fold.Done, fold.KindPause)
	repeat()
	l.verb(fold.Done, fold.KindClose)
	repeat()
	if p := l.place("ann"); p.Claim != first || p.Rank != 1 {
		t.Fatalf("the place moved: %+v", p)
	}
	l.counts(1, 1, 1, 1)
}

func TestRule3_OnlyAnOpenCampaignTakesClaims(t *testing.T) {
	l := newTape(t)
	l.create(fold.Definition{Cap: fold.NoCap})
	l.claim(fold.ClaimNotOpen, "ann")
	l.verb(fold.Done, fold.KindPublish)
	l.claim(fold.ClaimNotOpen, "ann")
	l.verb(fold.Done, fold.KindOpen)
	l.verb(fold.Done, fold.KindPause)
	l.claim(fold.ClaimPaused, "ann")
	l.verb(fold.Done, fold.KindResume)
	l.claim(fold.ClaimGranted, "ann")
	l.verb(fold.Done, fold.KindClose)
	l.claim(fold.ClaimClosed, "bob")
	l.verb(fold.Done, fold.KindArchive)
	l.claim(fold.ClaimClosed, "ann")
}

func TestRule4_PolicyForbidsAReturnAfterACancel(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 5, Reclaim: fold.ReclaimRefused})
	claim := l.claim(fold.ClaimGranted, "ann")
	l.cancel(fold.Done, "ann", claim)
	l.claim(fold.ClaimEndedBefore, "ann")
	l.cancel(fold.Done, "ann", 0, fold.FencedNow)
	l.claim(fold.ClaimEndedBefore, "ann")
	l.edit(fold.Done, func(d *fold.Definition) { d.Reclaim = fold.ReclaimAllowed })
	l.claim(fold.ClaimGranted, "ann")
	if p := l.place("ann"); p.Rank != 2 {
		t.Fatalf("a return takes a new rank: %+v", p)
	}
}

func TestRule4_AFenceIsNoEndedPlace(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 5, Reclaim: fold.ReclaimRefused})
	l.cancel(fold.Done, "ann", 0, fold.FencedNow)
	l.claim(fold.ClaimGranted, "ann")
}

func TestRule4_ComesBeforeRule5(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 5, Reclaim: fold.ReclaimRefused})
	claim := l.claim(fold.ClaimGranted, "ann")
	l.cancel(fold.Done, "ann", claim)
	l.claimSeen(fold.ClaimEndedBefore, "ann", false, 0)
}

func TestRule5_SlowCopyOfAnOldTapDoesNotUndoACancel(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 5})
	claim := l.claim(fold.ClaimGranted, "ann")
	end := l.cancel(fold.Done, "ann", claim).Offset
	l.claimSeen(fold.ClaimSuperseded, "ann", false, claim)
	l.claimSeen(fold.ClaimSuperseded, "ann", false, end)
	l.claimSeen(fold.ClaimGranted, "ann", false, end+1)
}

func TestRule5_FenceStopsAClaimThatIsStillUnderWay(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 5})
	seen := l.state.Next()
	fence := l.cancel(fold.Done, "ann", 0, fold.FencedNow).Offset
	l.claimSeen(fold.ClaimSuperseded, "ann", false, seen)
	l.claimSeen(fold.ClaimGranted, "ann", false, fence+1)
}

func TestRule5_SupersededAlsoWhenFull(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 0})
	fence := l.cancel(fold.Done, "ann", 0).Offset
	l.claimSeen(fold.ClaimSuperseded, "ann", false, fence)
	l.claim(fold.ClaimFull, "ann")
}

func TestRule5_ClaimOfSomebodyWhoWasToldFullIsStale(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1})
	claim := l.claim(fold.ClaimGranted, "ann")
	seen := l.state.Next()
	l.claimSeen(fold.ClaimFull, "bob", false, seen)
	freed := l.cancel(fold.Done, "ann", claim).Offset
	l.claimSeen(fold.ClaimStale, "bob", false, seen)
	l.claimSeen(fold.ClaimStale, "bob", false, freed)
	l.claimSeen(fold.ClaimGranted, "bob", false, freed+1)
}

func TestRule5_OldClaimIsFullNotStaleWhenItWouldBeRefusedAnyway(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1})
	l.claim(fold.ClaimGranted, "ann")
	l.claimSeen(fold.ClaimFull, "bob", false, 0)
	l.claimSeen(fold.ClaimFull, "bob", true, 0)
}

func TestRule5_StaleForTheWaitingListToo(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 0, WaitlistCap: 1})
	claim := l.queue(fold.ClaimWaiting, "ann")
	seen := l.state.Next()
	l.queue(fold.ClaimFull, "bob")
	l.cancel(fold.Done, "ann", claim)
	l.claimSeen(fold.ClaimStale, "bob", true, seen)
	l.claimSeen(fold.ClaimFull, "bob", false, seen)
	l.queue(fold.ClaimWaiting, "bob")
}

func TestRule6_GrantsInOrderUpToTheCap(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 2, Points: 7})
	a, b := l.claim(fold.ClaimGranted, "ann"), l.claim(fold.ClaimGranted, "bob")
	l.claim(fold.ClaimFull, "cid")
	want := fold.Place{State: fold.Granted, Rank: 1, Claim: a, Last: a, At: 1000 * a}
	if got := l.place("ann"); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	if got := l.place("bob"); got.Rank != 2 || got.Claim != b {
		t.Fatalf("got %+v", got)
	}
	l.counts(2, 0, 2, 0)
}

func TestRule6_GrantCarriesPointsAndSealedBytes(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 2, Points: 7})
	st := l.want(fold.ClaimGranted, fold.Record{Kind: fold.KindClaim, Campaign: club, User: user("ann"),
		Seen: l.state.Next(), Sealed: []byte("form")}, fold.GrantedNow)
	if tr := st.Transitions[0]; tr.Points != 7 || string(tr.Sealed) != "form" || tr.User != user("ann") {
		t.Fatalf("got %+v", tr)
	}
}

func TestRule6_NoCapIsNeverFull(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: fold.NoCap})
	for i := range 100 {
		l.claim(fold.ClaimGranted, string(rune('A'+i)))
	}
}

func TestRule6_SoftModeDoesNotLookAtTheCap(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1, Soft: true})
	l.claim(fold.ClaimGranted, "ann")
	l.claim(fold.ClaimGranted, "bob")
	l.claim(fold.ClaimDuplicate, "bob")
	l.counts(2, 0, 2, 0)
	if !l.campaign().CanGrant() {
		t.Fatal("a soft campaign can always grant while it is open")
	}
}

func TestRule7_WaitsOnlyWhoWantsTo(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1, WaitlistCap: 2})
	l.queue(fold.ClaimGranted, "ann")
	l.claim(fold.ClaimFull, "bob")
	b := l.queue(fold.ClaimWaiting, "bob")
	l.queue(fold.ClaimWaiting, "cid")
	want := fold.Place{State: fold.Waiting, Ticket: 1, Claim: b, Last: b, At: 1000 * b}
	if got := l.place("bob"); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	if c := l.campaign(); c.Position(user("bob")) != 1 || c.Position(user("cid")) != 2 || c.Position(user("ann")) != 0 {
		t.Fatal("positions are wrong")
	}
	l.counts(1, 2, 1, 2)
}

func TestRule8_FullWhenTheListIsFull(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 1, WaitlistCap: 1})
	l.claim(fold.ClaimGranted, "ann")
	l.queue(fold.ClaimWaiting, "bob")
	l.queue(fold.ClaimFull, "cid")
	if l.place("cid") != (fold.Place{}) {
		t.Fatal("a refusal left an entry")
	}
}

// A refusal is no state: a member who was refused a million times costs nothing.
func TestRefusalsChangeNothingButTheCursor(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 0})
	rows, digest := l.state.Rows(), l.campaign().Digest()
	for range 10 {
		l.claim(fold.ClaimFull, "ann")
	}
	if l.state.Rows() != rows || l.campaign().Digest() != digest {
		t.Fatal("a refusal changed the campaign")
	}
}
