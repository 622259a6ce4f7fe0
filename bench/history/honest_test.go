package history

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// definition draws any kind of campaign.
func (h chance) definition() fold.Definition {
	d := fold.Definition{Kind: "event", Cap: int64(h(5)), WaitlistCap: int64(h(4)), Reclaim: uint8(h(3) / 2), EndPromotion: h(2) == 0}
	switch h(8) {
	case 0:
		d.Cap = fold.NoCap
	case 1:
		d.Soft = true
	}
	return d
}

// play draws a whole honest run.
func (h *hall) play(steps int) *Evidence {
	for _, id := range h.ids() {
		h.manage(&errand{op: Op{Kind: Publish, Campaign: id, Call: h.now}})
	}
	for range steps {
		h.now += time.Duration(h.chance(30)) * time.Millisecond
		if h.chance(3) == 0 {
			h.begin()
		}
		if n := len(h.open); n > 0 {
			h.further(h.open[h.chance(n)])
		}
		if h.chance(10) == 0 {
			h.noise()
		}
	}
	return h.end()
}

// further is what becomes of an errand next.
func (h *hall) further(t *errand) {
	switch {
	case t.rec != none && h.chance(12) == 0:
		h.answer(t, 0, "") // hangs up; the record is in the log all the same
	case t.op.Kind < Create && h.away && h.chance(12) == 0:
		t.op.State, t.op.RetryAfter, t.op.Replayed, t.op.Log = "", true, false, engine.LogOffset{}
		t.op.Rank, t.op.Position, t.op.Claim = 0, 0, ""
		h.answer(t, []int{202, 503, 429}[h.chance(3)], "")
	default:
		h.step(t)
	}
}

// noise is a record that is about no member.
func (h *hall) noise() {
	switch h.chance(8) {
	case 6, 7: // a record that was sent again, long ago: a late copy
		old := h.e.Log[0][h.chance(len(h.said))].Value
		if r, err := fold.Decode(old); err == nil {
			h.put(old, r)
		}
	case 0:
		h.append(fold.Record{Kind: fold.KindActivate, Activate: uint8(h.chance(3))})
	case 1:
		h.put([]byte{fold.Encoding, byte(fold.KindClaim), 1, 2, 3}, fold.Record{})
	case 2:
		h.append(fold.Record{Kind: fold.KindPause, Campaign: "a", Actor: "scheduler"})
	default:
		h.append(fold.Record{Kind: fold.KindNoop})
	}
}

func (h *hall) ids() (ids []string) {
	for _, c := range h.truth.order {
		ids = append(ids, c.id)
	}
	return ids
}

// begin asks something.
func (h *hall) begin() {
	id := h.ids()[h.chance(len(h.truth.order))]
	o := Op{Campaign: id, Member: fmt.Sprintf("m%d", h.chance(7)), Node: h.chance(halls), Exact: h.chance(4) == 0}
	if n := len(h.e.Ops); n > 0 && h.chance(4) == 0 {
		o.After = h.e.Ops[h.chance(n)].Log
	}
	switch h.chance(16) {
	case 0, 1, 2:
		o.Kind = Cancel
	case 3, 4:
		o.Kind = []Kind{Look, Look, Answer}[h.chance(3)]
	case 5:
		o.Kind, o.Cap = SetCap, int64(h.chance(6))
	case 6:
		o.Kind = []Kind{Pause, Resume, Resume, Open, Open, Edit, Erase, CancelFor, CancelFor}[h.chance(9)]
	case 7:
		o.Kind = []Kind{Open, Open, Open, Close, Archive}[h.chance(5)]
	default:
		o.Waitlist = h.chance(2) == 0
		h.asked[[2]string{id, o.Member}] = true
	}
	h.ask(o)
}

// end lets everything come to rest, everybody hear a final answer, and collects
// what nodes, ledger, gate and streams say then.
func (h *hall) end() *Evidence {
	h.rest()
	for who := range h.asked {
		h.now += time.Second
		h.ask(Op{Campaign: who[0], Member: who[1]}).reliable = true
	}
	h.rest()
	e := h.e
	state := fold.New(0)
	for _, r := range e.Log[0] {
		st, err := state.Apply(r.Offset, r.At, r.Value)
		if err != nil {
			panic(err)
		}
		for _, t := range st.Transitions {
			e.Book = append(e.Book, Entry{t.Campaign, t.Ev, t.Offset, t.Change, t.User, t.Place.Rank, t.Place.Ticket, t.At, t.Actor, t.Points})
			for _, reader := range []string{"r1", "r2"} {
				e.Frames = append(e.Frames, Frame{t.Campaign, reader, t.Ev, t.Ev, t.Change.String()})
			}
		}
	}
	e.Folds = []Fold{{"n0", 0, state.Next(), state.Digest()}, {"n1", 0, state.Next(), state.Digest()}}
	e.Ledger = []fold.Snapshot{state.Snapshot()}
	for c := range state.Campaigns() {
		e.Gate[c.ID] = GateCount{Count: c.Used(), Used: c.Used(), Known: true}
	}
	return e
}

func (h *hall) rest() {
	for len(h.open) > 0 {
		h.now += time.Millisecond
		h.step(h.open[0])
	}
}

func drawn(t *rapid.T) chance {
	return seeded(rapid.Uint64().Draw(t, "seed"))
}

func seeded(seed uint64) chance {
	return rand.New(rand.NewPCG(seed, 1)).IntN
}

func honestRun(c chance, steps int) *Evidence {
	h := newHall(c, map[string]fold.Definition{"a": c.definition(), "b": c.definition()})
	h.away = c(2) == 0
	e := h.play(steps)
	if h.away {
		e.Away = []Window{{0, h.now}}
	}
	if c(2) == 0 {
		e.Start, e.ClockError = began, 5*time.Millisecond
	}
	return e
}

func TestAnHonestHistoryIsClean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := honestRun(drawn(t), rapid.IntRange(0, 400).Draw(t, "steps"))
		if found := Judge(e); len(found) > 0 {
			for _, o := range e.Ops {
				t.Logf("%+v", o)
			}
			t.Fatal(found)
		}
	})
}
