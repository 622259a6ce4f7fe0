package sim

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"firstcome/bench/history"
	"firstcome/engine"
	"firstcome/engine/fold"
)

// Result is what came of a plan.
type Result struct {
	Seed       uint64
	Violations []history.Violation
	Asked      int           // requests of people and admins
	Records    int           // in the log
	Places     int           // granted or waiting, ever
	Lasted     time.Duration // in the world's own time
	Evidence   *history.Evidence
}

// world is everything outside the product's processes, and they themselves.
type world struct {
	plan    Plan
	dice    *dice
	begun   time.Time
	sealer  *engine.Sealer
	journal *journal
	redis   *redis
	shelf   *shelf
	steps   sync.WaitGroup // deeds and faults under way
	clocks  chan struct{}  // full while a clock is wrong

	mu    sync.Mutex
	nodes []*process          // guarded by mu; nil: it is down
	drift []time.Duration     // guarded by mu: of each machine's wall clock
	ops   []history.Op        // guarded by mu
	found []history.Violation // guarded by mu
}

// Run plays a plan in a bubble of virtual time and judges it. The same plan in
// the same program on one thread with the same random source gives the same run.
func Run(t *testing.T, plan Plan) (r Result) {
	synctest.Test(t, func(*testing.T) {
		w := newWorld(plan)
		w.play()
		r = w.collect()
		w.end()
	})
	r.Violations = append(r.Violations, history.Judge(r.Evidence)...) // in real time, which it bounds itself by
	return r
}

func newWorld(plan Plan) *world {
	d := newDice(plan.Seed, 1)
	w := &world{plan: plan, dice: d, begun: time.Now(), journal: newJournal(d, plan.Partitions), redis: newRedis(d), shelf: newShelf(), clocks: make(chan struct{}, 1),
		nodes: make([]*process, plan.Nodes), drift: make([]time.Duration, plan.Nodes)}
	var err error
	if w.sealer, err = engine.NewSealer(secretOf(plan.Seed)); err != nil {
		panic(err)
	}
	for n := range w.nodes {
		w.nodes[n] = startProcess(w, n)
	}
	return w
}

// play lets everything happen, heals what is broken, and asks until everybody
// has a final answer.
func (w *world) play() {
	w.create()
	for _, s := range w.plan.Steps {
		time.Sleep(time.Until(w.begun.Add(s.At)))
		w.steps.Go(func() { w.do(s) })
	}
	w.steps.Wait()
	w.converge()
	w.askAgain()
	w.converge()
	w.rest()
	w.converge() // a campaign may have closed by its time meanwhile
}

// wall is a node's own clock.
func (w *world) wall(n int) func() time.Time {
	return func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return time.Now().Add(w.drift[n])
	}
}

// now is the time since the beginning.
func (w *world) now() time.Duration { return time.Since(w.begun) }

// node is a running process, nil when it is down.
func (w *world) node(n int) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.nodes[n]
}

func (w *world) setNode(n int, p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes[n] = p
}

// takeDown removes a node from those that can be asked; nil when it is down already.
func (w *world) takeDown(n int) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.nodes[n]
	w.nodes[n] = nil
	return p
}

func (w *world) violate(rule, campaign, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = append(w.found, history.Violation{Rule: rule, Campaign: campaign, Detail: fmt.Sprintf(format, args...)})
}

// end stops every process.
func (w *world) end() {
	for n := range w.nodes {
		if p := w.takeDown(n); p != nil {
			p.crash()
		}
	}
	synctest.Wait()
}

func name(person int) string { return fmt.Sprintf("p%d", person) }

func (w *world) users() map[string]fold.User {
	users := map[string]fold.User{}
	for i := range w.plan.People {
		users[name(i)] = w.sealer.User(name(i))
	}
	return users
}
