package sim

import (
	"context"
	"time"

	"firstcome/bench/history"
	"firstcome/engine"
)

const (
	tries    = 40                     // of one deed until its person gives up
	again    = 200 * time.Millisecond // between two tries, about
	patience = 8 * time.Second        // of one request
)

// do plays one step.
func (w *world) do(s Step) {
	if breaks[s.Do] != nil {
		w.fault(s)
		return
	}
	switch s.Do {
	case "claim":
		w.insist(context.Background(), w.claimOp(s), s, w.claim)
	case "claim-and-look":
		w.lookAfter(s, w.insist(context.Background(), w.claimOp(s), s, w.claim))
	case "cancel-and-look":
		w.lookAfter(s, w.insist(context.Background(), w.memberOp(s, history.Cancel), s, w.cancel))
	case "tap-twice":
		w.tapTwice(s)
	case "impatient":
		w.impatient(s)
	case "cancel":
		w.insist(context.Background(), w.memberOp(s, history.Cancel), s, w.cancel)
	case "return":
		w.insist(context.Background(), w.claimOp(s), s, w.claim)
		w.insist(context.Background(), w.memberOp(s, history.Cancel), s, w.cancel)
		w.insist(context.Background(), w.claimOp(s), s, w.claim)
	case "look":
		w.insist(context.Background(), w.memberOp(s, history.Look), s, w.look)
	case "archive": // with or without its end before
		if s.N > 2 {
			ending := s
			ending.Do = "close"
			w.manage(ending)
		}
		w.manage(s)
	case "erase", "activate", "same-id":
		w.append(s)
	default:
		w.manage(s)
	}
}

func (w *world) memberOp(s Step, kind history.Kind) history.Op {
	return history.Op{Kind: kind, Campaign: w.plan.Campaigns[s.Campaign].ID, Member: name(s.Person), Node: s.Node, Exact: s.Exact}
}

func (w *world) claimOp(s Step) history.Op {
	o := w.memberOp(s, history.Claim)
	o.Waitlist = s.Wait
	return o
}

type asking func(ctx context.Context, o history.Op) history.Op

// insist repeats a request until there is a final answer, on another node when
// one does not answer.
func (w *world) insist(ctx context.Context, o history.Op, s Step, ask asking) history.Op {
	var told history.Op
	for range tries {
		one, hangUp := context.WithTimeout(ctx, patience)
		told = ask(one, o)
		hangUp()
		if told.Status != 0 && told.Status != 202 && told.Status < 500 || ctx.Err() != nil {
			return told
		}
		if told.Status == 0 {
			o.Node = (o.Node + 1) % w.plan.Nodes
		}
		if told.Log.Known && w.dice.chance(300) {
			o.After = told.Log
		}
		_ = sleep(ctx, w.dice.between(again/4, 2*again))
	}
	return told
}

func (w *world) claim(ctx context.Context, o history.Op) history.Op {
	return w.call(ctx, o, func(ctx context.Context, e *engine.Engine, o *history.Op) {
		d, err := e.Claim(ctx, engine.ClaimCall{Campaign: o.Campaign, Member: engine.Member{Subject: o.Member}, Waitlist: o.Waitlist, Exact: o.Exact, After: o.After})
		if err != nil {
			failed(o, err)
			return
		}
		decided(o, d)
	})
}

func (w *world) cancel(ctx context.Context, o history.Op) history.Op {
	return w.call(ctx, o, func(ctx context.Context, e *engine.Engine, o *history.Op) {
		c, err := e.Cancel(ctx, o.Campaign, engine.Member{Subject: o.Member}, engine.Read{After: o.After, Exact: o.Exact})
		done(o, c, err)
	})
}

func (w *world) look(ctx context.Context, o history.Op) history.Op {
	return w.call(ctx, o, func(ctx context.Context, e *engine.Engine, o *history.Op) {
		c, err := e.Mine(ctx, o.Campaign, engine.Member{Subject: o.Member}, engine.Read{After: o.After, Exact: o.Exact})
		done(o, c, err)
	})
}

func done(o *history.Op, c engine.Claim, err error) {
	if err != nil {
		failed(o, err)
		return
	}
	o.Status = 200
	placed(o, &c)
}

// lookAfter reads on some node what was just answered on another: with the
// answer's offset, or exactly, it must be there.
func (w *world) lookAfter(s Step, told history.Op) {
	o := w.memberOp(s, history.Look)
	o.Node = int(s.N) % w.plan.Nodes
	if o.Exact = s.Exact || !told.Log.Known; !o.Exact {
		o.After = told.Log
	}
	w.insist(context.Background(), o, s, w.look)
	if s.N > 4 { // and once more, as a claim: a repeat, or a refusal
		c := w.claimOp(s)
		c.Node, c.Exact, c.After = o.Node, o.Exact, o.After
		w.insist(context.Background(), c, s, w.claim)
	}
}

// tapTwice sends the same claim from two tabs, perhaps to two nodes.
func (w *world) tapTwice(s Step) {
	second := s
	second.Node = int(s.N) % w.plan.Nodes
	w.steps.Go(func() {
		time.Sleep(s.For / 50)
		w.insist(context.Background(), w.claimOp(second), second, w.claim)
	})
	w.insist(context.Background(), w.claimOp(s), s, w.claim)
}

// impatient hangs up after a while and perhaps comes back.
func (w *world) impatient(s Step) {
	ctx, hangUp := context.WithTimeout(context.Background(), s.For)
	defer hangUp()
	told := w.insist(ctx, w.claimOp(s), s, w.claim)
	if told.Status == 0 && s.N%2 == 0 {
		time.Sleep(s.For)
		s.Node = int(s.N) % w.plan.Nodes
		w.insist(context.Background(), w.claimOp(s), s, w.claim)
	}
}
