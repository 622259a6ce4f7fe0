package engine

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"firstcome/engine/fold"
)

// memRoster is a roster in memory, away when a test says so.
type memRoster struct {
	mu    sync.Mutex
	words map[string]Presence
	away  bool
}

func newMemRoster() *memRoster { return &memRoster{words: map[string]Presence{}} }

func (r *memRoster) Sign(_ context.Context, p Presence) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return errDown
	}
	r.words[p.Node] = p
	return nil
}

func (r *memRoster) Present(context.Context) (all []Presence, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return nil, errDown
	}
	for _, p := range r.words {
		all = append(all, p)
	}
	return all, nil
}

func (r *memRoster) set(f func(*memRoster)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r)
}

// signed is a rig of nodes that sign one roster.
func signed(t *testing.T, nodes int) (*rig, *memRoster, []*Engine) {
	r, roster := newRig(t), newMemRoster()
	var engines []*Engine
	for range nodes {
		engines = append(engines, r.nodeWith(Ports{Log: r.log, Gate: r.gate, Roster: roster}))
	}
	synctest.Wait()
	return r, roster, engines
}

func rulesOf(e *Engine) (rules []uint8) {
	for _, p := range e.Health().Partitions {
		rules = append(rules, p.Rules)
	}
	return rules
}

func TestActivate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, engines := signed(t, 2)
		a, b := engines[0], engines[1]
		c := r.open(Campaign{ID: "noon", Cap: ptr(int64(5))}, a, b)
		again, _, err := a.SetCap(r.ctx, c.ID, ptr(int64(5)), c.Version, admin, false)
		if err != nil || again.Version != c.Version+1 {
			t.Fatalf("by rules 1 a repeat is a change: %d, %v", again.Version, err)
		}
		if got, err := a.Activate(r.ctx, 2, false, admin, true); err != nil || !got.Changed || rulesOf(a)[0] != fold.First {
			t.Fatalf("a dry run: %+v, %v", got, err)
		}
		got, err := a.Activate(r.ctx, 2, false, admin, false)
		if err != nil || !got.Changed || len(got.Partitions) != 4 || got.Partitions[3].Offset == 0 || !got.Partitions[3].Changed {
			t.Fatalf("%+v, %v", got, err)
		}
		for _, e := range engines {
			if err := e.Sync(r.ctx, c.ID, Read{Exact: true}); err != nil {
				t.Fatal(err)
			}
			if got := rulesOf(e); got[0] != 2 || got[3] != 2 {
				t.Errorf("in force: %v", got)
			}
		}
		if got, err := b.Activate(r.ctx, 2, false, admin, false); err != nil || got.Changed {
			t.Errorf("once more: %+v, %v", got, err)
		}
		if got, err := b.Activate(r.ctx, 1, false, admin, false); err != nil || got.Changed {
			t.Errorf("an older version: %+v, %v", got, err)
		}
		same, _, err := a.SetCap(r.ctx, c.ID, ptr(int64(5)), again.Version, admin, false)
		if err != nil || same.Version != again.Version || same.Ev != again.Ev {
			t.Errorf("by rules 2 a repeat is none: %+v, %v", same, err)
		}
		for _, dry := range []bool{true, false} {
			if same, err = a.Edit(r.ctx, same, same.Version, admin, dry); err != nil || same.Version != again.Version {
				t.Errorf("dry run %v: version %d, %v", dry, same.Version, err)
			}
		}
		if _, err := a.Activate(r.ctx, fold.Version+1, true, admin, false); !errors.As(err, new(*InvalidError)) {
			t.Errorf("a version that nobody knows: %v", err)
		}
	})
}

func TestActivateIsRefusedWhileANodeIsTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, roster, engines := signed(t, 1)
		a, tooOld := engines[0], new(*TooOldError)
		refused := func(what, because string) {
			t.Helper()
			_, err := a.Activate(r.ctx, 2, false, admin, false)
			if err == nil || !strings.Contains(err.Error(), because) {
				t.Errorf("%s: %v", what, err)
			}
		}
		old := Presence{Node: "old", Address: "10.0.0.7:8080", Rules: 1, SaidAt: a.Now()}
		if err := roster.Sign(r.ctx, old); err != nil {
			t.Fatal(err)
		}
		refused("an old node", "old at 10.0.0.7:8080 knows version 1")
		if _, err := a.Activate(r.ctx, 2, false, admin, true); !errors.As(err, tooOld) || len((*tooOld).Old) != 1 {
			t.Errorf("a dry run: %v", err)
		}
		roster.set(func(r *memRoster) { r.away = true })
		refused("no roster", ErrNoRoster.Error())
		roster.set(func(r *memRoster) { r.away = false })
		if rulesOf(a)[0] != fold.First {
			t.Fatal("a refusal has changed the rules")
		}
		time.Sleep(PresentFor + time.Second)
		// A node that the roster does not know writes to the log.
		b := r.nodeWith(Ports{Log: r.log, Gate: r.gate})
		if err := b.Sync(r.ctx, "noon", Read{Exact: true}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		refused("a node that says nothing", b.Health().Node+" writes to the log")
		old.Node, old.Left = b.Health().Node, true
		if err := roster.Sign(r.ctx, old); err != nil {
			t.Fatal(err)
		}
		if got, err := a.Activate(r.ctx, 2, false, admin, false); err != nil || !got.Changed {
			t.Errorf("once all old nodes have left: %+v, %v", got, err)
		}
	})
}

func TestActivateByForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, roster, engines := signed(t, 1)
		roster.set(func(r *memRoster) { r.away = true })
		a := engines[0]
		a.node.Lost(2, ErrLogLost) // one partition has stopped here
		if _, err := a.Activate(r.ctx, 2, false, admin, false); !errors.Is(err, ErrStopped) {
			t.Fatalf("a stopped partition: %v", err)
		}
		got, err := a.Activate(r.ctx, 2, true, admin, false)
		if err != nil || !got.Changed || !errors.Is(got.Partitions[2].Err, ErrStopped) || got.Partitions[2].Changed {
			t.Fatalf("%+v, %v", got, err)
		}
		if rules := rulesOf(a); rules[0] != 2 || rules[1] != 2 || rules[2] != 1 || rules[3] != 2 {
			t.Errorf("in force: %v", rules)
		}
	})
}

func TestNodesTellOfOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, roster, engines := signed(t, 1)
		a := engines[0]
		name := a.Health().Node
		for _, p := range []Presence{
			{Node: "z", Rules: 1, SaidAt: a.Now()}, {Node: "b", Rules: 1, SaidAt: a.Now().Add(-30 * time.Second)},
			{Node: "c", SaidAt: a.Now(), Left: true}, {Node: "d", SaidAt: a.Now().Add(-2 * RosterKeeps)},
		} {
			if err := roster.Sign(r.ctx, p); err != nil {
				t.Fatal(err)
			}
		}
		got, err := a.Nodes(r.ctx)
		if err != nil || len(got) != 3 || got[0].Node != name || got[0].Rules != fold.Version || got[1].Node != "b" || got[2].Node != "z" {
			t.Fatalf("%+v, %v", got, err)
		}
		roster.set(func(r *memRoster) { r.away = true })
		if got, err := a.Nodes(r.ctx); err == nil || len(got) != 1 {
			t.Errorf("without a roster: %+v, %v", got, err)
		}
		roster.set(func(r *memRoster) { r.away = false })
		r.cancel()
		r.wg.Wait()
		if !roster.words[name].Left {
			t.Error("a node that ends does not say so")
		}
	})
}
