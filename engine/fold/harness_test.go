package fold_test

import (
	"fmt"
	"strings"
	"testing"

	"firstcome/engine/fold"
)

const club = "club" // the campaign of most tests

// user is a member with a name of up to 16 bytes.
func user(name string) (u fold.User) {
	copy(u[:], name)
	return u
}

// tape is a partition of a log under test: it encodes records, applies them and
// looks at the invariants after each.
type tape struct {
	t     testing.TB
	state *fold.State
	audit *audit
	trace *strings.Builder // what a golden log keeps; nil: nothing

	values [][]byte // the records' bytes
}

// newTape returns a partition that begins with GENESIS.
func newTape(t testing.TB) *tape {
	return tracedTape(t, nil)
}

func tracedTape(t testing.TB, trace *strings.Builder) *tape {
	l := &tape{t: t, state: fold.New(0), audit: newAudit(), trace: trace}
	l.want(fold.Done, fold.Record{Kind: fold.KindGenesis, Partitions: 1})
	return l
}

// openTape has a campaign that is open.
func openTape(t testing.TB, d fold.Definition) *tape {
	l := newTape(t)
	l.create(d)
	l.verb(fold.Done, fold.KindOpen)
	return l
}

// append applies a record at the next offset, a second after the one before.
func (l *tape) append(r fold.Record) *fold.Step {
	l.t.Helper()
	b, err := fold.Encode(&r)
	if err != nil {
		l.t.Fatal(err)
	}
	l.values = append(l.values, b)
	st, err := l.state.Apply(l.state.Next(), 1000*l.state.Next(), b)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.audit.look(l.state, st); err != nil {
		l.t.Fatalf("after offset %d, %v: %v", st.Offset, st.Record.Kind, err)
	}
	if l.trace != nil {
		l.write(b, st)
	}
	return st
}

// write keeps a record's bytes, what they meant, and the digest after them.
func (l *tape) write(b []byte, st *fold.Step) {
	fmt.Fprintf(l.trace, "%d %v %x\n  %v\n", st.Offset, st.Record.Kind, b, st.Verdict)
	for _, t := range st.Transitions {
		fmt.Fprintf(l.trace, "  %s %d v%d %v", t.Campaign, t.Ev, t.Xv, t.Change)
		if t.User != (fold.User{}) {
			p := t.Place
			fmt.Fprintf(l.trace, " %s %v to %v rank %d ticket %d claim %d end %d last %d at %d ended %d points %d",
				strings.TrimRight(string(t.User[:]), "\x00"), t.Before.State, p.State, p.Rank, p.Ticket, p.Claim, p.End, p.Last, p.At, p.EndedAt, t.Points)
		}
		fmt.Fprintln(l.trace)
	}
	fmt.Fprintf(l.trace, "  digest %016x\n", l.state.Digest())
}

// want applies a record and expects a verdict, and that the changes are these.
func (l *tape) want(v fold.Verdict, r fold.Record, changes ...fold.Change) *fold.Step {
	l.t.Helper()
	st := l.append(r)
	if st.Verdict != v {
		l.t.Fatalf("%v at %d: got %v, want %v", r.Kind, st.Offset, st.Verdict, v)
	}
	if changes != nil {
		var got []fold.Change
		for _, tr := range st.Transitions {
			got = append(got, tr.Change)
		}
		if fmt.Sprint(got) != fmt.Sprint(changes) {
			l.t.Fatalf("%v at %d: got %v, want %v", r.Kind, st.Offset, got, changes)
		}
	}
	return st
}

func (l *tape) campaign() *fold.Campaign { return l.state.Campaign(club) }

// xv is the version that a writer sees; 0 when there is no campaign.
func (l *tape) xv() int64 {
	if c := l.campaign(); c != nil {
		return c.Xv
	}
	return 0
}

func (l *tape) create(d fold.Definition) *fold.Step {
	l.t.Helper()
	return l.want(fold.Done, fold.Record{Kind: fold.KindCampaign, Campaign: club, Definition: &d}, fold.Created)
}

func (l *tape) verb(v fold.Verdict, kind fold.Kind, changes ...fold.Change) *fold.Step {
	l.t.Helper()
	return l.want(v, fold.Record{Kind: kind, Campaign: club, Xv: l.xv(), Actor: "anna"}, changes...)
}

func (l *tape) setCap(v fold.Verdict, limit int64, changes ...fold.Change) *fold.Step {
	l.t.Helper()
	return l.want(v, fold.Record{Kind: fold.KindCap, Campaign: club, Xv: l.xv(), Cap: limit, Actor: "anna"}, changes...)
}

func (l *tape) edit(v fold.Verdict, change func(*fold.Definition), changes ...fold.Change) *fold.Step {
	l.t.Helper()
	d := l.campaign().Definition
	change(&d)
	return l.want(v, fold.Record{Kind: fold.KindEdit, Campaign: club, Xv: l.xv(), Definition: &d}, changes...)
}

// claim is a claim whose writer has seen everything; it returns its offset.
func (l *tape) claim(v fold.Verdict, name string) int64 {
	l.t.Helper()
	return l.claimSeen(v, name, false, l.state.Next())
}

// queue is a claim that also takes a place in the waiting list.
func (l *tape) queue(v fold.Verdict, name string) int64 {
	l.t.Helper()
	return l.claimSeen(v, name, true, l.state.Next())
}

func (l *tape) claimSeen(v fold.Verdict, name string, wait bool, seen int64) int64 {
	l.t.Helper()
	r := fold.Record{Kind: fold.KindClaim, Campaign: club, User: user(name), Wait: wait, Seen: seen, Sealed: []byte("sealed " + name)}
	return l.want(v, r).Offset
}

// cancel names the place by its claim; 0 is a fence.
func (l *tape) cancel(v fold.Verdict, name string, claim int64, changes ...fold.Change) *fold.Step {
	l.t.Helper()
	return l.want(v, fold.Record{Kind: fold.KindCancel, Campaign: club, User: user(name), Claim: claim}, changes...)
}

func (l *tape) erase(v fold.Verdict, name string, changes ...fold.Change) *fold.Step {
	l.t.Helper()
	return l.want(v, fold.Record{Kind: fold.KindErase, Campaign: club, User: user(name)}, changes...)
}

func (l *tape) place(name string) fold.Place { return l.campaign().Place(user(name)) }

// counts expects granted, waiting, last rank and last ticket.
func (l *tape) counts(granted, waiting, seq, wseq int64) {
	l.t.Helper()
	c := l.campaign()
	got, want := [4]int64{c.Granted, c.Waiting, c.Seq, c.Wseq}, [4]int64{granted, waiting, seq, wseq}
	if got != want {
		l.t.Fatalf("granted, waiting, seq, wseq: got %v, want %v", got, want)
	}
}
