package fold_test

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"firstcome/engine/fold"
)

// path brings a fresh campaign to each status.
var path = map[fold.Status][]fold.Kind{
	fold.Draft:     {},
	fold.Scheduled: {fold.KindPublish},
	fold.Open:      {fold.KindOpen},
	fold.Paused:    {fold.KindOpen, fold.KindPause},
	fold.Closed:    {fold.KindOpen, fold.KindClose},
	fold.Archived:  {fold.KindArchive},
}

func tapeIn(t *testing.T, status fold.Status, d fold.Definition) *tape {
	l := newTape(t)
	l.create(d)
	for _, kind := range path[status] {
		l.verb(fold.Done, kind)
	}
	if l.campaign().Status != status {
		t.Fatalf("got %v, want %v", l.campaign().Status, status)
	}
	return l
}

func TestVerbsMoveOnlyWhereTheyMay(t *testing.T) {
	type move struct {
		to     fold.Status
		change fold.Change
		from   []fold.Status
	}
	moves := map[fold.Kind]move{
		fold.KindPublish: {fold.Scheduled, fold.Published, []fold.Status{fold.Draft}},
		fold.KindOpen:    {fold.Open, fold.Opened, []fold.Status{fold.Draft, fold.Scheduled}},
		fold.KindPause:   {fold.Paused, fold.PausedNow, []fold.Status{fold.Open}},
		fold.KindResume:  {fold.Open, fold.Resumed, []fold.Status{fold.Paused}},
		fold.KindClose:   {fold.Closed, fold.ClosedNow, []fold.Status{fold.Scheduled, fold.Open, fold.Paused}},
		fold.KindArchive: {fold.Archived, fold.ArchivedNow, []fold.Status{fold.Draft, fold.Closed}},
	}
	for status := fold.Draft; status <= fold.Archived; status++ {
		for kind := fold.KindPublish; kind <= fold.KindArchive; kind++ {
			t.Run(status.String()+" "+kind.String(), func(t *testing.T) {
				l, m := tapeIn(t, status, fold.Definition{}), moves[kind]
				xv, may := l.xv(), slices.Contains(m.from, status)
				if !may {
					l.verb(fold.Refused, kind)
					m.to = status
				} else {
					l.want(fold.Refused, fold.Record{Kind: kind, Campaign: club, Xv: xv - 1})
					l.want(fold.Refused, fold.Record{Kind: kind, Campaign: club, Xv: xv + 1})
					tr := l.verb(fold.Done, kind, m.change).Transitions[0]
					if xv++; tr.Xv != xv || tr.Actor != "anna" {
						t.Fatalf("got %+v", tr)
					}
				}
				if c := l.campaign(); c.Status != m.to || c.Xv != xv {
					t.Fatalf("got %v version %d, want %v version %d", c.Status, c.Xv, m.to, xv)
				}
			})
		}
	}
}

func TestOfTwoSchedulersTheFirstCounts(t *testing.T) {
	l := newTape(t)
	l.create(fold.Definition{})
	open := fold.Record{Kind: fold.KindOpen, Campaign: club, Xv: l.xv(), Actor: "scheduler"}
	l.want(fold.Done, open, fold.Opened)
	l.want(fold.Refused, open)
}

func TestAnIDIsNeverUsedTwice(t *testing.T) {
	l := newTape(t)
	l.create(fold.Definition{Title: "first"})
	second := fold.Record{Kind: fold.KindCampaign, Campaign: club, Definition: &fold.Definition{Title: "second"}}
	l.want(fold.Refused, second)
	l.verb(fold.Done, fold.KindArchive)
	l.want(fold.Refused, second)
	if l.campaign().Definition.Title != "first" {
		t.Fatal("the first counts")
	}
}

func TestRecordsAboutAnUnknownCampaignAreInvalid(t *testing.T) {
	for kind := fold.KindEdit; kind <= fold.KindErase; kind++ {
		l := newTape(t)
		st := l.want(fold.Invalid, fold.Record{Kind: kind, Campaign: "nobody", Definition: &fold.Definition{}})
		if len(st.Transitions) != 0 {
			t.Fatalf("%v left a transition", kind)
		}
	}
}

func TestCreationIsEventOneInDraft(t *testing.T) {
	l := newTape(t)
	d := fold.Definition{Title: "noon", Kind: "event", Cap: 3}
	st := l.create(d)
	c := l.campaign()
	if c.Status != fold.Draft || c.Xv != 1 || c.Ev != 1 || c.Created != st.Offset || c.CreatedAt != st.At {
		t.Fatalf("got %+v", c)
	}
	if tr := st.Transitions[0]; tr.From != nil || !reflect.DeepEqual(*tr.To, d) {
		t.Fatalf("got %+v", tr)
	}
}

func TestCapTakesNothingAway(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 3, WaitlistCap: 9})
	a := l.claim(fold.ClaimGranted, "ann")
	l.claim(fold.ClaimGranted, "bob")
	st := l.setCap(fold.Done, 1, fold.CapChanged)
	if tr := st.Transitions[0]; tr.From.Cap != 3 || tr.To.Cap != 1 || tr.Xv != 3 {
		t.Fatalf("got %+v", tr)
	}
	l.queue(fold.ClaimWaiting, "cid")
	l.cancel(fold.Done, "ann", a, fold.EndedNow) // still at the cap: nobody moves up
	l.counts(1, 1, 2, 1)
	if c := l.campaign(); c.Used() != 2 || c.Room() != 10 {
		t.Fatalf("used %d, room %d", c.Used(), c.Room())
	}
}

func TestCapRaisedPromotesInOrderInOneStep(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 0, WaitlistCap: 9})
	for _, name := range []string{"ann", "bob", "cid"} {
		l.queue(fold.ClaimWaiting, name)
	}
	promoted, first := l.campaign().Preview(2, 1)
	if promoted != 2 || !slices.Equal(first, []fold.User{user("ann")}) {
		t.Fatalf("preview: %d, %v", promoted, first)
	}
	l.setCap(fold.Done, 2, fold.CapChanged, fold.Promoted, fold.Promoted)
	if l.place("ann").Rank != 1 || l.place("bob").Rank != 2 || l.campaign().Position(user("cid")) != 1 {
		t.Fatal("promoted out of order")
	}
	l.setCap(fold.Done, fold.NoCap, fold.CapChanged, fold.Promoted)
	if l.campaign().Room() != math.MaxInt64 {
		t.Fatal("without a cap there is always room")
	}
}

func TestCapRaisedWhilePausedPromotesAtResume(t *testing.T) {
	l := openTape(t, fold.Definition{Cap: 0, WaitlistCap: 9})
	l.queue(fold.ClaimWaiting, "ann")
	l.verb(fold.Done, fold.KindPause)
	if promoted, _ := l.campaign().Preview(5, 5); promoted != 0 {
		t.Fatal("nobody moves up while paused")
	}
	l.setCap(fold.Done, 5, fold.CapChanged)
	l.verb(fold.Done, fold.KindResume, fold.Resumed, fold.Promoted)
}

func TestCapNeedsTheVersionAndNoArchive(t *testing.T) {
	for status := fold.Draft; status <= fold.Archived; status++ {
		l := tapeIn(t, status, fold.Definition{Cap: 1})
		l.want(fold.Refused, fold.Record{Kind: fold.KindCap, Campaign: club, Xv: l.xv() - 1, Cap: 5})
		if status == fold.Archived {
			l.setCap(fold.Refused, 5)
		} else {
			l.setCap(fold.Done, 5, fold.CapChanged)
		}
	}
}

func TestEditByStatus(t *testing.T) {
	before := fold.Definition{Title: "old", Kind: "event", Cap: 1, Points: 1, Key: []byte("key")}
	for _, test := range []struct {
		name   string
		change func(*fold.Definition)
		until  fold.Status // last status, in the order of life, that allows it
	}{
		{"title", func(d *fold.Definition) { d.Title = "new" }, fold.Closed},
		{"points", func(d *fold.Definition) { d.Points = 2 }, fold.Scheduled},
		{"kind", func(d *fold.Definition) { d.Kind = "reward" }, fold.Draft},
		{"soft", func(d *fold.Definition) { d.Soft = true }, fold.Draft},
	} {
		for status := fold.Draft; status <= fold.Archived; status++ {
			t.Run(test.name+" in "+status.String(), func(t *testing.T) {
				l := tapeIn(t, status, before)
				if status > test.until {
					l.edit(fold.Refused, test.change)
					return
				}
				want := before
				test.change(&want)
				st := l.edit(fold.Done, test.change, fold.Edited)
				tr := st.Transitions[0]
				if !reflect.DeepEqual(*tr.From, before) || !reflect.DeepEqual(*tr.To, want) || !reflect.DeepEqual(l.campaign().Definition, want) {
					t.Fatalf("got %+v", l.campaign().Definition)
				}
				l.want(fold.Refused, fold.Record{Kind: fold.KindEdit, Campaign: club, Xv: l.xv() - 1, Definition: &want})
			})
		}
	}
}

func TestEditCarriesTheCapOnlyBeforeOpeningAndTheKeyNever(t *testing.T) {
	for status := fold.Draft; status < fold.Archived; status++ {
		l := tapeIn(t, status, fold.Definition{Cap: 1, Key: []byte("key")})
		l.edit(fold.Done, func(d *fold.Definition) { d.Cap, d.Key = 9, []byte("other") })
		want := int64(1)
		if status <= fold.Scheduled {
			want = 9
		}
		if d := l.campaign().Definition; d.Cap != want || string(d.Key) != "key" {
			t.Fatalf("%v: cap %d, key %q", status, d.Cap, d.Key)
		}
	}
}

// A record's definition may fill its limit. The key that the campaign keeps,
// and a cap of more digits, make it longer than any record could carry.
func TestDefinitionMayOutgrowTheLimitOfARecord(t *testing.T) {
	l := newTape(t)
	l.create(fold.Definition{Key: make([]byte, 100)})
	l.edit(fold.Done, func(d *fold.Definition) {
		d.Key, d.Description = nil, string(make16K())
	}, fold.Edited)
	l.setCap(fold.Done, fold.MaxCount, fold.CapChanged)
	if _, err := fold.Restore(l.state.Snapshot()); err != nil {
		t.Fatal(err)
	}
}

func make16K() []byte { return slices.Repeat([]byte("x"), fold.MaxDefinition-20) }

func TestArchiveLeavesATombstone(t *testing.T) {
	l := openTape(t, fold.Definition{Title: "noon", Cap: 1, WaitlistCap: 5})
	l.claim(fold.ClaimGranted, "ann")
	l.queue(fold.ClaimWaiting, "bob")
	l.verb(fold.Done, fold.KindClose)
	l.verb(fold.Done, fold.KindArchive, fold.ArchivedNow)
	l.counts(1, 1, 1, 1)
	c := l.campaign()
	if l.place("ann") != (fold.Place{}) || c.Position(user("bob")) != 0 || c.Definition.Title != "noon" {
		t.Fatal("more than a tombstone is left")
	}
	for range c.Members() {
		t.Fatal("a member is left")
	}
	l.erase(fold.NoEffect, "ann")
}
