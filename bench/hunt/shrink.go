package hunt

import (
	"context"
	"slices"
	"time"

	"firstcome/bench/history"
	"firstcome/bench/sim"
)

// Bounds of the search for a small plan. When they are reached the smallest so
// far is told.
const (
	orders    = 24               // orders of a seed that are tried in the exact world
	shrinking = 90 * time.Second // of making it smaller
)

// Found is a broken promise in its smallest form.
type Found struct {
	Plan  sim.Plan
	Order uint64
	Line  sim.Line // with the whole history
	Exact bool     // it is the same run each time; else it comes now and then
	Steps int      // of the plan as it was found
}

// Corner plays a failing seed again in the exact world until it fails there,
// and then leaves out whatever can be left out.
func Corner(ctx context.Context, exact *Exact, program *Program, seed uint64) (Found, error) {
	plan := sim.NewPlan(seed)
	f := Found{Plan: plan, Steps: len(plan.Steps)}
	for order := range uint64(orders) {
		l, err := exact.Plan(ctx, &plan, order)
		if err != nil {
			return f, err
		}
		if len(l.Violations) > 0 {
			f.Order, f.Line, f.Exact = order, l, true
			f.shrink(ctx, func(p *sim.Plan) (sim.Line, error) { return exact.Plan(ctx, p, order) })
			return f, nil
		}
	}
	f.shrink(ctx, func(p *sim.Plan) (l sim.Line, err error) {
		for range 5 {
			if l, err = program.Plan(ctx, p); len(l.Violations) > 0 {
				return l, nil
			}
		}
		return l, err
	})
	return f, nil
}

// shrink leaves out steps, campaigns and nodes as long as one of the broken
// promises stays broken.
func (f *Found) shrink(ctx context.Context, play func(*sim.Plan) (sim.Line, error)) {
	until := time.Now().Add(shrinking)
	fails := func(p sim.Plan) bool {
		if time.Now().After(until) || ctx.Err() != nil {
			return false
		}
		l, err := play(&p)
		if err != nil || len(l.Violations) == 0 || len(f.Line.Violations) > 0 && !shares(l.Violations, f.Line.Violations) {
			return false
		}
		f.Plan, f.Line = p, l
		return true
	}
	if len(f.Line.Violations) == 0 {
		fails(f.Plan)
	}
	for size := (len(f.Plan.Steps) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(f.Plan.Steps); {
			p := f.Plan
			p.Steps = slices.Delete(slices.Clone(p.Steps), at, min(at+size, len(p.Steps)))
			if !fails(p) {
				at += size
			}
		}
	}
	f.simplify(fails)
}

// simplify tries a smaller world for the steps that are left.
func (f *Found) simplify(fails func(sim.Plan) bool) {
	for f.Plan.Nodes > 1 {
		p := f.Plan
		p.Nodes--
		p.Steps = slices.Clone(p.Steps)
		for i := range p.Steps {
			p.Steps[i].Node %= p.Nodes
		}
		if !fails(p) {
			break
		}
	}
	if p := f.Plan; p.Partitions > 1 {
		p.Partitions = 1
		fails(p)
	}
	most := 0
	for _, s := range f.Plan.Steps {
		most = max(most, s.Person+1)
	}
	if p := f.Plan; most > 0 && most < p.People {
		p.People = most
		fails(p)
	}
}

func shares(a, b []history.Violation) bool {
	return slices.ContainsFunc(a, func(v history.Violation) bool {
		return slices.ContainsFunc(b, func(o history.Violation) bool { return v.Rule == o.Rule })
	})
}
