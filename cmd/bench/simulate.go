package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"firstcome/bench/hunt"
	"firstcome/bench/sim"
)

var errBroken = errors.New("a promise was broken")

// simulateOptions are the flags of simulate.
type simulateOptions struct {
	seeds, most int
	first       uint64
	seed        uint64
	order       uint64
	plan        string
	overlay     string
}

func (h *hall) simulateCommand() *cobra.Command {
	o := simulateOptions{}
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Play the real engines in a simulated world, one seed after another",
		Long: `Runs the product's own engine, fold, gate logic, scheduler and ledger writer in a
simulated world and in virtual time. Each seed decides who comes, what people and
admins do, and what breaks: processes freeze, crash, restart and are cut off; the
log delays, loses acknowledgements and stores a record twice; Redis is slow, gone,
wiped, failed over, or lies; the ledger's commits fail or their replies are lost;
clocks jump by hours. Then all is healed, everybody must get a final answer, and
the checker holds the whole history against the promises (bench/history).

Seeds are played on all processors. One that breaks a promise is played again in
the exact world (WebAssembly on one thread, where chance and time are handed in),
cut down to the steps that matter, and told with its whole history.`,
		Example: `  go run ./cmd/bench simulate -seeds 1000
  go run ./cmd/bench simulate -seed 4711           # one seed, exactly
  go run ./cmd/bench simulate -plan found.json     # what an earlier hunt has found`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.IntVar(&o.seeds, "seeds", 1000, "how many seeds")
	f.Uint64Var(&o.first, "first", 1, "the first of them")
	f.Uint64Var(&o.seed, "seed", 0, "play this seed alone, in the exact world")
	f.Uint64Var(&o.order, "order", 0, "with --seed or --plan: the seed of the runtime's own chance")
	f.IntVar(&o.most, "most", 1, "failing seeds that end the hunt")
	f.StringVar(&o.plan, "plan", "", "play the plan in this file, in the exact world")
	f.StringVar(&o.overlay, "overlay", "", "build with this file, as go build -overlay takes it: to try a bug")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if o.seeds < 1 || o.most < 1 {
			return fmt.Errorf("--seeds and --most must be at least 1: %w", errUsage)
		}
		if cmd.Flags().Changed("seed") && !cmd.Flags().Changed("seeds") || o.plan != "" {
			return h.replay(cmd.Context(), &o)
		}
		if cmd.Flags().Changed("seed") {
			o.first = o.seed
		}
		return h.hunt(cmd.Context(), &o)
	}
	return cmd
}

// hunt plays many seeds.
func (h *hall) hunt(ctx context.Context, o *simulateOptions) error {
	dir, err := os.MkdirTemp("", "firstcome-simulate-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	p := newProgress(h.progress)
	program, err := hunt.Build(ctx, dir, o.overlay)
	if err != nil {
		return err
	}
	hunter := hunt.Hunter{Program: program, Most: o.most, Progress: h.seedsPlayed(p, o.seeds)}
	t, err := hunter.Run(ctx, o.first, o.seeds)
	p.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(h.out, "%d seeds in %v (%.0f a second): %.1f h of virtual time, %d requests, %d records, %d places\n",
		t.Seeds, t.Took.Round(time.Millisecond), float64(t.Seeds)/t.Took.Seconds(), t.Virtual.Hours(), t.Asked, t.Records, t.Places)
	if len(t.Failed) == 0 {
		fmt.Fprintln(h.out, "no promise was broken")
		return nil
	}
	for _, l := range t.Failed {
		h.tellViolations(l)
	}
	return h.corner(ctx, o, dir, program, t.Failed[0].Seed)
}

// tellEvery is how often a hunt says how far it is where no bar can be drawn.
const tellEvery = 10 * time.Second

// seedsPlayed shows how far a hunt has come.
func (h *hall) seedsPlayed(p *progress, all int) func(hunt.Tally) {
	next := tellEvery
	return func(t hunt.Tally) {
		if p.tell("seeds", t.Seeds, all); p.bar || t.Took < next {
			return
		}
		next = t.Took + tellEvery
		fmt.Fprintf(h.progress, "%d of %d seeds, %.0f a second, %d failed\n", t.Seeds, all, float64(t.Seeds)/t.Took.Seconds(), len(t.Failed))
	}
}

// corner makes a finding exact and small.
func (h *hall) corner(ctx context.Context, o *simulateOptions, dir string, program *hunt.Program, seed uint64) error {
	fmt.Fprintf(h.progress, "building the exact world for seed %d\n", seed)
	exact, err := hunt.BuildExact(ctx, dir, o.overlay)
	if err != nil {
		return err
	}
	defer exact.Close(context.WithoutCancel(ctx))
	fmt.Fprintln(h.progress, "looking for the smallest plan that still fails (90 s at most)")
	found, err := hunt.Corner(ctx, exact, program, seed)
	if err != nil {
		return err
	}
	path, err := savePlan(&found.Plan)
	if err != nil {
		return err
	}
	h.tellFound(&found, path)
	return errBroken
}

func (h *hall) tellFound(f *hunt.Found, path string) {
	fmt.Fprintf(h.out, "\nThe smallest history found for seed %d: %d of %d steps, %d nodes, %d people\n", f.Plan.Seed, len(f.Plan.Steps), f.Steps, f.Plan.Nodes, f.Plan.People)
	for _, s := range f.Plan.Steps {
		fmt.Fprintln(h.out, "  plan ", s)
	}
	for _, s := range f.Line.Told {
		fmt.Fprintln(h.out, "  ", s)
	}
	h.tellViolations(f.Line)
	if f.Exact {
		fmt.Fprintf(h.out, "\nAgain, bit for bit:  go run ./cmd/bench simulate -order %d -plan %s\n", f.Order, path)
		return
	}
	fmt.Fprintf(h.out, "\nIt hangs on the order of what happens at the same instant, and did not come in the exact world.\nAgain, now and then:  go run ./cmd/bench simulate -first %d -seeds 1\n", f.Plan.Seed)
}

func (h *hall) tellViolations(l sim.Line) {
	for _, v := range l.Violations {
		fmt.Fprintf(h.out, "BROKEN  seed %d  %s  %s: %s\n", l.Seed, v.Rule, v.Campaign, v.Detail)
	}
}

// replay plays one plan in the exact world and tells everything.
func (h *hall) replay(ctx context.Context, o *simulateOptions) error {
	plan := sim.NewPlan(o.seed)
	if o.plan != "" {
		data, err := os.ReadFile(o.plan)
		if err != nil {
			return fmt.Errorf("read the plan: %w", err)
		}
		if err := json.Unmarshal(data, &plan); err != nil {
			return fmt.Errorf("%s is not a plan: %w", o.plan, err)
		}
	}
	dir, err := os.MkdirTemp("", "firstcome-simulate-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	fmt.Fprintln(h.progress, "building the exact world")
	exact, err := hunt.BuildExact(ctx, dir, o.overlay)
	if err != nil {
		return err
	}
	defer exact.Close(context.WithoutCancel(ctx))
	l, err := exact.Plan(ctx, &plan, o.order)
	if err != nil {
		return err
	}
	for _, s := range l.Told {
		fmt.Fprintln(h.out, s)
	}
	fmt.Fprintf(h.out, "seed %d, order %d: %d requests, %d records, %d places, %v; print %s\n", l.Seed, o.order, l.Asked, l.Records, l.Places, l.Lasted, l.Print)
	h.tellViolations(l)
	if len(l.Violations) > 0 {
		return errBroken
	}
	fmt.Fprintln(h.out, "no promise was broken")
	return nil
}

// savePlan keeps a plan where the next run finds it.
func savePlan(p *sim.Plan) (string, error) {
	data, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return "", fmt.Errorf("encode the plan: %w", err)
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("firstcome-seed-%d.json", p.Seed))
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return "", fmt.Errorf("keep the plan: %w", err)
	}
	return path, nil
}
