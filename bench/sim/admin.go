package sim

import (
	"context"
	"time"

	"firstcome/bench/history"
	"firstcome/engine"
	"firstcome/engine/fold"
)

var admin = engine.Actor{Subject: "admin", Reason: "as planned"}

// create makes the campaigns while everything is well.
func (w *world) create() {
	for i := range w.plan.Campaigns {
		c := &w.plan.Campaigns[i]
		w.steps.Go(func() {
			w.insist(context.Background(), w.adminOp(Step{Campaign: i}, history.Create), Step{}, func(ctx context.Context, o history.Op) history.Op {
				return w.call(ctx, o, func(ctx context.Context, e *engine.Engine, o *history.Op) {
					_, _, err := e.Create(ctx, c.campaign(w.begun), admin, false)
					if err == nil {
						err = c.publish(ctx, e)
					}
					done(o, engine.Claim{}, err)
				})
			})
		})
	}
}

// campaign is what the admin writes into the form.
func (c *Setup) campaign(begun time.Time) engine.Campaign {
	out := engine.Campaign{ID: c.ID, Title: "Campaign " + c.ID, Kind: "event", Counting: "direct", CapMode: "hard", Reclaim: "allowed", Points: 10,
		WaitlistCap: c.Waitlist, EndPromotion: c.EndPromotes}
	if c.Cap >= 0 {
		out.Cap = &c.Cap
	}
	if c.Batched {
		out.Kind, out.Counting = "reward", "batched"
	}
	if c.Soft {
		out.CapMode = "soft"
	}
	if c.Refused {
		out.Reclaim = "refused"
	}
	if c.OpensIn > 0 {
		out.OpensAt = begun.Add(c.OpensIn)
	}
	if c.ClosesIn > 0 {
		out.ClosesAt = begun.Add(c.ClosesIn)
	}
	return out
}

func (c *Setup) publish(ctx context.Context, e *engine.Engine) error {
	verb := engine.Open
	if c.OpensIn > 0 {
		verb = engine.Publish
	}
	now, err := e.Campaign(c.ID)
	if err != nil {
		return err
	}
	_, err = e.Move(ctx, c.ID, verb, now.Version, admin, false)
	return err
}

func (w *world) adminOp(s Step, kind history.Kind) history.Op {
	return history.Op{Kind: kind, Campaign: w.plan.Campaigns[s.Campaign].ID, Member: "admin", Node: s.Node}
}

var verbs = map[string]struct {
	kind history.Kind
	verb engine.Verb
}{
	"pause": {history.Pause, engine.Pause}, "resume": {history.Resume, engine.Resume}, "close": {history.Close, engine.Close}, "archive": {history.Archive, engine.Archive},
}

// manage plays an admin's deed. It is asked until it is answered, or refused.
func (w *world) manage(s Step) {
	var kind history.Kind
	var do func(ctx context.Context, e *engine.Engine, o *history.Op) error
	id := w.plan.Campaigns[s.Campaign].ID
	switch s.Do {
	case "cap":
		kind, do = history.SetCap, func(ctx context.Context, e *engine.Engine, o *history.Op) error { return setCap(ctx, e, id, s.N, o) }
	case "edit":
		kind, do = history.Edit, func(ctx context.Context, e *engine.Engine, _ *history.Op) error { return edit(ctx, e, id, s.N) }
	case "cancel-for":
		kind, do = history.CancelFor, func(ctx context.Context, e *engine.Engine, _ *history.Op) error {
			_, err := e.CancelFor(ctx, id, name(s.Person), admin, false)
			return err
		}
	case "create-again":
		kind, do = history.Create, func(ctx context.Context, e *engine.Engine, _ *history.Op) error { return w.createAgain(ctx, e, s) }
	default:
		kind, do = verbs[s.Do].kind, func(ctx context.Context, e *engine.Engine, _ *history.Op) error {
			now, err := e.Campaign(id)
			if err != nil {
				return err
			}
			_, err = e.Move(ctx, id, verbs[s.Do].verb, now.Version, admin, false)
			return err
		}
	}
	o := w.adminOp(s, kind)
	if s.Do == "cancel-for" {
		o.Member = name(s.Person)
	}
	w.insist(context.Background(), o, s, func(ctx context.Context, o history.Op) history.Op {
		return w.call(ctx, o, func(ctx context.Context, e *engine.Engine, o *history.Op) { done(o, engine.Claim{}, do(ctx, e, o)) })
	})
}

func setCap(ctx context.Context, e *engine.Engine, id string, limit int64, o *history.Op) error {
	now, err := e.Campaign(id)
	if err != nil {
		return err
	}
	o.Cap = limit
	_, _, err = e.SetCap(ctx, id, &limit, now.Version, admin, false)
	return err
}

// edit loosens or tightens what a return needs, or only changes the title.
func edit(ctx context.Context, e *engine.Engine, id string, n int64) error {
	now, err := e.Campaign(id)
	if err != nil {
		return err
	}
	switch n % 3 {
	case 0:
		now.Title = "Another title"
	case 1:
		now.Reclaim = "allowed"
	case 2:
		now.Reclaim = "refused"
	}
	_, err = e.Edit(ctx, now, now.Version, admin, false)
	return err
}

// createAgain asks for a campaign that is there already, with another cap: ids
// are never used twice.
func (w *world) createAgain(ctx context.Context, e *engine.Engine, s Step) error {
	c := w.plan.Campaigns[s.Campaign]
	c.Cap += 1000
	_, _, err := e.Create(ctx, c.campaign(w.begun), admin, false)
	return err
}

// append writes what an operator's tool does, or a node that does not know yet
// that the id is taken: a record of no node that runs here.
func (w *world) append(s Step) {
	id := w.plan.Campaigns[s.Campaign].ID
	p := fold.Partition(id, int32(w.plan.Partitions))
	r := fold.Record{Kind: fold.KindErase, Campaign: id, User: w.sealer.User(name(s.Person)), Actor: admin.Subject}
	switch s.Do {
	case "activate":
		r = fold.Record{Kind: fold.KindActivate, Activate: fold.Version}
	case "same-id":
		r = fold.Record{Kind: fold.KindCampaign, Campaign: id, Actor: admin.Subject, Definition: &fold.Definition{Title: "Another " + id, Kind: "event",
			Counting: "direct", Cap: s.N, Key: w.sealer.NewKey(id)}}
	}
	value, err := fold.Encode(&r)
	if err != nil {
		w.violate("encode", id, "%v", err)
		return
	}
	if at := w.now(); at > 2*begins && w.journal.ends()[p] > 0 { // the campaigns are there
		w.journal.commit(p, value)
	}
}
