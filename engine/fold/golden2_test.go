package fold_test

import (
	"testing"

	"firstcome/engine/fold"
)

// activate brings rules into force.
func (l *tape) activate(v fold.Verdict, rules uint8) {
	l.t.Helper()
	l.want(v, fold.Record{Kind: fold.KindActivate, Activate: rules, Actor: "anna"})
}

// second plays a log by the rules of version 2 from its second record on.
func second(play func(*tape)) func(*tape) {
	return func(l *tape) {
		l.activate(fold.Done, fold.SameIsNoChange)
		play(l)
	}
}

// playSame says again what is so already. same is the verdict of that: a
// change in version 1, none in version 2.
func playSame(same fold.Verdict) func(*tape) {
	return func(l *tape) {
		l.create(fold.Definition{Title: "a", Cap: 1, WaitlistCap: 2, Form: []byte("[]"), Key: []byte("key")})
		l.edit(same, func(*fold.Definition) {})
		l.setCap(same, 1)
		l.edit(fold.Done, func(d *fold.Definition) { d.Title = "b" })
		l.verb(fold.Done, fold.KindOpen)
		l.claim(fold.ClaimGranted, "ann")
		l.queue(fold.ClaimWaiting, "bob")
		l.setCap(same, 1)
		l.edit(same, func(d *fold.Definition) { d.Key = nil })        // the key is the campaign's for ever
		l.edit(same, func(d *fold.Definition) { d.Cap = 7 })          // changes through CAP alone
		l.edit(fold.Refused, func(d *fold.Definition) { d.Points++ }) // no writer may
		l.want(fold.Refused, fold.Record{Kind: fold.KindCap, Campaign: club, Cap: 1, Xv: l.xv() + 1})
		l.setCap(fold.Done, 2, fold.CapChanged, fold.Promoted)
		l.setCap(same, 2)
		l.verb(fold.Done, fold.KindClose)
		l.setCap(same, 2)
		l.verb(fold.Done, fold.KindArchive)
		l.setCap(fold.Refused, 2)
		l.edit(fold.Refused, func(*fold.Definition) {})
	}
}

// playActivated changes the rules in the middle of a campaign's life.
func playActivated(l *tape) {
	l.create(fold.Definition{Cap: 1})
	l.verb(fold.Done, fold.KindOpen)
	l.setCap(fold.Done, 1, fold.CapChanged)
	l.activate(fold.NoEffect, fold.First)
	l.setCap(fold.Done, 1, fold.CapChanged)
	old := l.state.Next()
	l.activate(fold.Done, fold.SameIsNoChange)
	l.activate(fold.NoEffect, fold.SameIsNoChange)
	l.activate(fold.NoEffect, fold.First)
	l.setCap(fold.NoEffect, 1, []fold.Change{}...)
	l.claimSeen(fold.ClaimGranted, "ann", false, old)
}

// A repeat of what is so already outdates nobody: version, events and freed
// stay, and a claim under way is not stale.
func TestSameIsNoChange(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 2, WaitlistCap: 1})
	l.activate(fold.Done, fold.SameIsNoChange)
	before := *l.campaign()
	seen := l.state.Next()
	if st := l.setCap(fold.NoEffect, 2); len(st.Transitions) != 0 {
		t.Fatalf("%v", st.Transitions)
	}
	l.edit(fold.NoEffect, func(*fold.Definition) {})
	if now := l.campaign(); now.Xv != before.Xv || now.Ev != before.Ev || now.Freed != before.Freed || now.Digest() != before.Digest() {
		t.Fatalf("got %+v, was %+v", now, before)
	}
	l.claimSeen(fold.ClaimGranted, "ann", false, seen)
}

func TestSnapshotCarriesTheRules(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 2})
	if l.state.Version() != fold.First {
		t.Fatalf("a log begins with rules %d", l.state.Version())
	}
	l.activate(fold.Done, fold.SameIsNoChange)
	s := l.state.Snapshot()
	restored, err := fold.Restore(s)
	if err != nil || restored.Version() != fold.SameIsNoChange {
		t.Fatalf("rules %v, %v", restored, err)
	}
	if s.Version = fold.First; restores(s) {
		t.Fatal("a snapshot under other rules has the same digest")
	}
}

func restores(s fold.Snapshot) bool {
	_, err := fold.Restore(s)
	return err == nil
}
