package fold_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"firstcome/engine/fold"
)

// machine runs the fold, a second fold that is restored from snapshots at
// random moments, the naive model and the audit on the same records.
type machine struct {
	state, restored *fold.State
	model           *model
	audit           *audit
	log             [][]byte
	stamps          []int64
	at              int64
}

var ids = []string{"a", "b"}

func newMachine() *machine {
	m := &machine{state: fold.New(0), restored: fold.New(0), model: &model{offset: 1, rules: fold.First}, audit: newAudit()}
	b, _ := fold.Encode(&fold.Record{Kind: fold.KindGenesis, Partitions: 1})
	m.keep(b, 0)
	m.state.Apply(0, 0, b)
	m.restored.Apply(0, 0, b)
	return m
}

func (m *machine) keep(b []byte, at int64) {
	m.log, m.stamps = append(m.log, b), append(m.stamps, at)
}

// step applies one record everywhere and compares.
func (m *machine) step(t *rapid.T, r fold.Record) {
	b, err := fold.Encode(&r)
	if err != nil {
		t.Fatal(err)
	}
	stamp := m.at + rapid.Int64Range(-5, 20).Draw(t, "clock") // the broker's clock may step back
	m.at = max(m.at, stamp)
	verdict, lines := m.model.apply(r, m.at)
	st := m.apply(t, b, stamp)
	var got []string
	for i := range st.Transitions {
		tr := &st.Transitions[i]
		got = append(got, line(tr.Campaign, tr.Ev, tr.Change, tr.User, tr.Place, tr.Points, tr.Xv))
	}
	if st.Verdict != verdict || !slices.Equal(got, lines) {
		t.Fatalf("%+v at %d:\n fold: %v %q\nmodel: %v %q", r, st.Offset, st.Verdict, got, verdict, lines)
	}
}

func (m *machine) apply(t *rapid.T, b []byte, stamp int64) *fold.Step {
	offset := m.state.Next()
	m.keep(b, stamp)
	st, err := m.state.Apply(offset, stamp, b)
	if err != nil {
		t.Fatal(err)
	}
	other, err := m.restored.Apply(offset, stamp, b)
	if err != nil {
		t.Fatal(err)
	}
	if !sameStep(st, other) || m.state.Digest() != m.restored.Digest() {
		t.Fatalf("a restored fold differs at %d:\n%+v\n%+v", offset, st, other)
	}
	if err := m.audit.look(m.state, st); err != nil {
		t.Fatalf("after offset %d, %v: %v", offset, st.Record.Kind, err)
	}
	return st
}

func sameStep(a, b *fold.Step) bool {
	return a.Offset == b.Offset && a.At == b.At && a.Verdict == b.Verdict && reflect.DeepEqual(a.Record, b.Record) &&
		slices.EqualFunc(a.Transitions, b.Transitions, func(x, y fold.Transition) bool { return reflect.DeepEqual(x, y) })
}

func (m *machine) actions() map[string]func(*rapid.T) {
	actions := map[string]func(*rapid.T){
		"":        m.compare,
		"claim":   func(t *rapid.T) { m.step(t, m.claim(t)) },
		"claim 2": func(t *rapid.T) { m.step(t, m.claim(t)) },
		"claim 3": func(t *rapid.T) { m.step(t, m.claim(t)) },
		"cancel":  func(t *rapid.T) { m.step(t, m.touch(t, fold.KindCancel)) },
		"answers": func(t *rapid.T) { m.step(t, m.touch(t, fold.KindAnswers)) },
		"erase":   func(t *rapid.T) { m.step(t, m.touch(t, fold.KindErase)) },
		"create":  func(t *rapid.T) { m.step(t, m.about(t, fold.KindCampaign)) },
		"open":    func(t *rapid.T) { m.step(t, m.about(t, fold.KindOpen)) },
		"resume":  func(t *rapid.T) { m.step(t, m.about(t, fold.KindResume)) },
		"cap":     func(t *rapid.T) { m.step(t, m.about(t, fold.KindCap)) },
		"edit":    func(t *rapid.T) { m.step(t, m.about(t, fold.KindEdit)) },
		"verb": func(t *rapid.T) {
			m.step(t, m.about(t, fold.Kind(rapid.IntRange(int(fold.KindPublish), int(fold.KindArchive)).Draw(t, "verb"))))
		},
		"activate": func(t *rapid.T) {
			m.step(t, fold.Record{Kind: fold.KindActivate, Activate: rapid.Uint8Range(0, fold.Version).Draw(t, "rules")})
		},
		"noop":    func(t *rapid.T) { m.step(t, fold.Record{Kind: fold.KindNoop}) },
		"restore": m.restore,
		"rubbish": func(t *rapid.T) {
			m.model.offset++
			b := append([]byte{fold.Encoding, byte(fold.KindClaim)}, rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "bytes")...)
			if st := m.apply(t, b, m.at); st.Verdict != fold.Invalid {
				t.Fatalf("rubbish is %v", st.Verdict)
			}
		},
	}
	return actions
}

func (m *machine) user(t *rapid.T) fold.User {
	return fold.User{byte(rapid.IntRange(1, 5).Draw(t, "user"))}
}

// recent is an offset that a slow writer may have seen: mostly the newest.
func (m *machine) recent(t *rapid.T) int64 {
	return max(0, m.state.Next()-max(0, rapid.Int64Range(-12, 12).Draw(t, "age")))
}

func (m *machine) claim(t *rapid.T) fold.Record {
	return fold.Record{Kind: fold.KindClaim, Campaign: rapid.SampledFrom(ids).Draw(t, "id"), User: m.user(t),
		Seen: m.recent(t), Wait: rapid.Bool().Draw(t, "wait")}
}

func (m *machine) touch(t *rapid.T, kind fold.Kind) fold.Record {
	r := fold.Record{Kind: kind, Campaign: rapid.SampledFrom(ids).Draw(t, "id"), User: m.user(t)}
	if kind == fold.KindErase {
		return r
	}
	switch rapid.IntRange(0, 5).Draw(t, "which claim") {
	case 0: // a fence
	case 1:
		r.Claim = m.recent(t)
	default:
		if c := m.state.Campaign(r.Campaign); c != nil {
			r.Claim = c.Place(r.User).Claim
		}
	}
	return r
}

func (m *machine) about(t *rapid.T, kind fold.Kind) fold.Record {
	r := fold.Record{Kind: kind, Campaign: rapid.SampledFrom(ids).Draw(t, "id"), Actor: "anna"}
	d := m.definition(t)
	if c := m.state.Campaign(r.Campaign); c != nil && kind != fold.KindCampaign {
		r.Xv = c.Xv - max(0, rapid.Int64Range(-8, 1).Draw(t, "versions behind"))
		if rapid.IntRange(0, 3).Draw(t, "says the same") == 0 {
			d = c.Definition
		} else if rapid.Bool().Draw(t, "keeps what may not change") {
			d.Kind, d.Soft, d.Points = c.Definition.Kind, c.Definition.Soft, c.Definition.Points
		}
	}
	switch kind {
	case fold.KindCap:
		r.Cap = d.Cap
	case fold.KindCampaign, fold.KindEdit:
		r.Definition = &d
	}
	return r
}

func (m *machine) definition(t *rapid.T) fold.Definition {
	d := fold.Definition{
		Kind:         rapid.SampledFrom([]string{"event", "reward"}).Draw(t, "kind"),
		Cap:          rapid.Int64Range(-1, 4).Draw(t, "cap"),
		Points:       rapid.Int64Range(0, 2).Draw(t, "points"),
		Soft:         rapid.IntRange(0, 5).Draw(t, "soft") == 0,
		Reclaim:      rapid.Uint8Range(0, 1).Draw(t, "reclaim"),
		EndPromotion: rapid.Bool().Draw(t, "end promotion"),
	}
	if !d.Soft {
		d.WaitlistCap = rapid.Int64Range(0, 3).Draw(t, "waitlist cap")
	}
	return d
}

// restore replaces the second fold by one that starts from its snapshot, the
// members in another order, as a database may hand them out.
func (m *machine) restore(t *rapid.T) {
	snapshot := m.restored.Snapshot()
	slices.Reverse(snapshot.Campaigns)
	for i := range snapshot.Campaigns {
		slices.Reverse(snapshot.Campaigns[i].Members)
	}
	restored, err := fold.Restore(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	m.restored = restored
	if !reflect.DeepEqual(m.state.Snapshot(), restored.Snapshot()) {
		t.Fatal("a snapshot of a restored fold differs")
	}
}

// compare holds every campaign of the fold against the model.
func (m *machine) compare(t *rapid.T) {
	i := 0
	for c := range m.state.Campaigns() {
		want := m.model.campaigns[i]
		i++
		queue := want.queue()
		got := []any{c.ID, c.Definition, c.Status, c.Xv, c.Ev, c.Freed, c.Created, c.Granted, c.Waiting, c.Seq, c.Wseq, c.CanGrant(), c.CanWait()}
		model := []any{want.id, want.d, want.status, want.xv, want.ev, want.freed, want.created, want.granted(), int64(len(queue)),
			want.lastRank(), want.lastTicket(), want.canGrant(), want.canWait()}
		if !reflect.DeepEqual(got, model) {
			t.Fatalf("\n fold: %+v\nmodel: %+v", got, model)
		}
		if c.Status == fold.Archived {
			continue
		}
		m.comparePlaces(t, c, want, queue)
	}
	if i != len(m.model.campaigns) {
		t.Fatalf("%d campaigns, want %d", i, len(m.model.campaigns))
	}
}

func (m *machine) comparePlaces(t *rapid.T, c *fold.Campaign, want *campaignModel, queue []*entry) {
	for n := range byte(6) {
		u, p := fold.User{n}, fold.Place{}
		if e := want.newest(u); e != nil {
			p = e.place
		}
		if c.Place(u) != p {
			t.Fatalf("%v: fold %+v, model %+v", u, c.Place(u), p)
		}
		position := int64(slices.IndexFunc(queue, func(e *entry) bool { return e.user == u })) + 1
		if c.Position(u) != position {
			t.Fatalf("%v: position %d, want %d", u, c.Position(u), position)
		}
	}
}

// replay folds the whole log again, from nothing.
func (m *machine) replay(t *rapid.T) {
	again := fold.New(0)
	for i, b := range m.log {
		if _, err := again.Apply(int64(i), m.stamps[i], b); err != nil {
			t.Fatal(err)
		}
	}
	if again.Digest() != m.state.Digest() || !reflect.DeepEqual(again.Snapshot(), m.state.Snapshot()) {
		t.Fatal("a second fold of the same log differs")
	}
}

func TestFoldIsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine()
		for _, id := range ids { // so that few draws are spent on getting started
			d := m.definition(t)
			m.step(t, fold.Record{Kind: fold.KindCampaign, Campaign: id, Definition: &d})
			m.step(t, fold.Record{Kind: fold.KindOpen, Campaign: id, Xv: 1})
		}
		t.Repeat(m.actions())
		m.replay(t)
	})
}
