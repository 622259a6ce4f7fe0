package fold_test

import (
	"errors"
	"reflect"
	"testing"

	"firstcome/engine/fold"
)

// busyTape has a campaign with a member in every state, and a tombstone.
func busyTape(t *testing.T) *tape {
	l := openTape(t, fold.Definition{Title: "noon", Cap: 2, WaitlistCap: 9, Points: 3, Form: []byte("[]")})
	ann := l.claim(fold.ClaimGranted, "ann")
	l.claim(fold.ClaimGranted, "bob")
	for _, name := range []string{"zoe", "cid", "eve"} {
		l.queue(fold.ClaimWaiting, name)
	}
	l.cancel(fold.Done, "ann", ann)
	l.cancel(fold.Done, "dan", 0)
	l.erase(fold.Done, "bob")
	l.want(fold.Done, fold.Record{Kind: fold.KindCampaign, Campaign: "old", Definition: &fold.Definition{}})
	l.want(fold.Done, fold.Record{Kind: fold.KindArchive, Campaign: "old", Xv: 1})
	return l
}

func TestSnapshotHoldsTheWholeState(t *testing.T) {
	l := busyTape(t)
	s := l.state.Snapshot()
	if s.Next != l.state.Next() || s.LastAt != l.state.LastAt() || s.Rows != l.state.Rows() || s.Genesis != l.state.Genesis() ||
		s.Version != fold.First || s.Digest != l.state.Digest() {
		t.Fatalf("got %+v", s)
	}
	if len(s.Campaigns) != 2 || s.Campaigns[0].Campaign.ID != club || len(s.Campaigns[0].Members) != 5 || len(s.Campaigns[1].Members) != 0 {
		t.Fatalf("got %+v", s.Campaigns)
	}
	rows := int64(0)
	for _, c := range s.Campaigns {
		rows += c.Campaign.Ev
	}
	if rows != s.Rows {
		t.Fatalf("%d rows, the campaigns have %d", s.Rows, rows)
	}
}

func TestRestoredStateGoesOnAsIfNothingHadHappened(t *testing.T) {
	l := busyTape(t)
	restored, err := fold.Restore(l.state.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	if p := restored.Campaign(club).Position(user("eve")); p != 2 {
		t.Fatalf("eve is at %d", p)
	}
	raise := encode(t, fold.Record{Kind: fold.KindCap, Campaign: club, Xv: l.xv(), Cap: 3})
	for _, s := range []*fold.State{l.state, restored} {
		st, err := s.Apply(s.Next(), 99_000, raise)
		if err != nil || len(st.Transitions) != 2 || st.Transitions[1].User != user("cid") {
			t.Fatalf("got %+v, %v", st, err)
		}
	}
	if !reflect.DeepEqual(l.state.Snapshot(), restored.Snapshot()) {
		t.Fatal("not the same state")
	}
}

func TestRestoreOfAnEmptyState(t *testing.T) {
	s, err := fold.Restore(fold.New(7).Snapshot())
	if err != nil || s.Next() != 0 {
		t.Fatal(s, err)
	}
}

func TestRestoreRefusesWhatIsNotWhole(t *testing.T) {
	member := func(s *fold.Snapshot) *fold.Place { return &s.Campaigns[0].Members[0].Place }
	for name, damage := range map[string]func(s *fold.Snapshot){
		"partition":          func(s *fold.Snapshot) { s.Partition++ },
		"next":               func(s *fold.Snapshot) { s.Next++ },
		"last at":            func(s *fold.Snapshot) { s.LastAt++ },
		"version":            func(s *fold.Snapshot) { s.Version = 0 },
		"rows":               func(s *fold.Snapshot) { s.Rows-- },
		"cluster":            func(s *fold.Snapshot) { s.Genesis.Cluster[0]++ },
		"partitions":         func(s *fold.Snapshot) { s.Genesis.Partitions++ },
		"digest":             func(s *fold.Snapshot) { s.Digest++ },
		"a campaign missing": func(s *fold.Snapshot) { s.Campaigns = s.Campaigns[:1] },
		"a campaign twice":   func(s *fold.Snapshot) { s.Campaigns = append(s.Campaigns, s.Campaigns[1]) },
		"a member missing":   func(s *fold.Snapshot) { s.Campaigns[0].Members = s.Campaigns[0].Members[1:] },
		"a member twice": func(s *fold.Snapshot) {
			s.Campaigns[0].Members = append(s.Campaigns[0].Members, s.Campaigns[0].Members[0])
		},
		"title":         func(s *fold.Snapshot) { s.Campaigns[0].Campaign.Definition.Title = "x" },
		"no definition": func(s *fold.Snapshot) { s.Campaigns[0].Campaign.Definition.Cap = -2 },
		"id":            func(s *fold.Snapshot) { s.Campaigns[0].Campaign.ID = "x" },
		"status":        func(s *fold.Snapshot) { s.Campaigns[0].Campaign.Status = fold.Paused },
		"xv":            func(s *fold.Snapshot) { s.Campaigns[0].Campaign.Xv++ },
		"granted":       func(s *fold.Snapshot) { s.Campaigns[0].Campaign.Granted-- },
		"waiting":       func(s *fold.Snapshot) { s.Campaigns[0].Campaign.Waiting-- },
		"seq":           func(s *fold.Snapshot) { s.Campaigns[0].Campaign.Seq-- },
		"wseq":          func(s *fold.Snapshot) { s.Campaigns[0].Campaign.Wseq-- },
		"ev":            func(s *fold.Snapshot) { s.Campaigns[0].Campaign.Ev-- },
		"freed":         func(s *fold.Snapshot) { s.Campaigns[0].Campaign.Freed-- },
		"created at":    func(s *fold.Snapshot) { s.Campaigns[0].Campaign.CreatedAt-- },
		"created":       func(s *fold.Snapshot) { s.Campaigns[0].Campaign.Created-- },
		"user":          func(s *fold.Snapshot) { s.Campaigns[0].Members[0].User[0]++ },
		"claim":         func(s *fold.Snapshot) { member(s).Claim++ },
		"end":           func(s *fold.Snapshot) { member(s).End++ },
		"last":          func(s *fold.Snapshot) { member(s).Last++ },
		"rank":          func(s *fold.Snapshot) { member(s).Rank++ },
		"ticket":        func(s *fold.Snapshot) { member(s).Ticket++ },
		"at":            func(s *fold.Snapshot) { member(s).At++ },
		"ended at":      func(s *fold.Snapshot) { member(s).EndedAt++ },
		"state":         func(s *fold.Snapshot) { member(s).State = fold.Fenced },
	} {
		t.Run(name, func(t *testing.T) {
			s := busyTape(t).state.Snapshot()
			damage(&s)
			if _, err := fold.Restore(s); !errors.Is(err, fold.ErrDigest) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestRestoreRefusesNewerRules(t *testing.T) {
	s := fold.New(0).Snapshot()
	s.Version = fold.Version + 1
	if _, err := fold.Restore(s); !errors.Is(err, fold.ErrUnknown) {
		t.Fatalf("got %v", err)
	}
}

// A snapshot is a copy: what happens afterwards does not reach it.
func TestSnapshotDoesNotMove(t *testing.T) {
	l := busyTape(t)
	s := l.state.Snapshot()
	l.setCap(fold.Done, 9)
	l.claim(fold.ClaimGranted, "new")
	if _, err := fold.Restore(s); err != nil {
		t.Fatal(err)
	}
}
