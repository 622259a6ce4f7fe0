package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"firstcome/bench/fault"
	"firstcome/bench/report"
	"firstcome/bench/rival"
	"firstcome/bench/stack"
)

// faultOptions are the flags of faults.
type faultOptions struct {
	scenario, workload, program, engine, keep, results string
	seed                                               int64
	repeat                                             int
	short, busy, rival, list                           bool

	load *fault.Workload
}

func (h *hall) faultsCommand() *cobra.Command {
	o := &faultOptions{}
	cmd := &cobra.Command{
		Use:   "faults",
		Short: "Break everything that firstcome runs on, on real processes, and judge what is left",
		Long: `Starts nodes on real Kafka, Redis with Sentinels and PostgreSQL, with a wire between
each pair that can be cut, held, slowed, and made to lose replies. Members claim,
cancel and look while something is killed, frozen, cut off, filled up or lied
about. Then all is mended, and when it has come to rest every answer is held
against the log, each node's fold, the ledger and the gate (bench/history), and
the product's own audit is asked as well.

One seed decides members, nodes, delays and moments. The processes are real, so a
run repeats the shape of another one, not each step. A run that breaks a promise
keeps its history, logs and seed, and the exit code is 1.`,
		Example: `  go run ./cmd/bench faults
  go run ./cmd/bench faults -scenario R1,K* -seed 7 -repeat 3
  go run ./cmd/bench faults -scenario R4 -workload W3 -keep /tmp/runs
  go run ./cmd/bench faults -rival -results bench/results   # beside a Redis-first engine
  go run ./cmd/bench faults -list`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return h.faults(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.scenario, "scenario", "all", "which: R1, or R1,E2, or K*")
	f.Int64Var(&o.seed, "seed", 1, "the first seed")
	f.IntVar(&o.repeat, "repeat", 1, "seeds for each scenario, one after another")
	f.StringVar(&o.workload, "workload", "", "W1 to W5, W7 or W8, for all scenarios; else each has its own")
	f.BoolVar(&o.short, "short", false, "as long as in the tests: a few seconds each")
	f.BoolVar(&o.busy, "busy", false, "the machine does other things as well: wide limits for latencies")
	f.BoolVar(&o.rival, "rival", false, "play each on a Redis-first engine too, and count what it breaks")
	f.StringVar(&o.engine, "engine", "firstcome", "firstcome, or naive: the Redis-first engine alone")
	f.StringVar(&o.program, "program", "", "a firstcome that is built already")
	f.StringVar(&o.keep, "keep", "", "folder for history and logs of every run; else only of those that fail")
	f.StringVar(&o.results, "results", "", "folder for page, picture and data")
	f.BoolVar(&o.list, "list", false, "list scenarios and workloads")
	return cmd
}

// programs are what is played on: firstcome, its rival, or both.
type programs struct{ own, rival string }

func (h *hall) faults(ctx context.Context, o *faultOptions) error {
	scenarios, unknown := fault.Named(o.scenario)
	if unknown != "" {
		return fmt.Errorf("there is no scenario %q, -list names them: %w", unknown, errUsage)
	}
	if o.workload != "" {
		var ok bool
		if o.load, ok = fault.WorkloadNamed(strings.ToUpper(o.workload)); !ok {
			return fmt.Errorf("there is no workload %q, -list names them: %w", o.workload, errUsage)
		}
	}
	if o.repeat < 1 || o.engine != "firstcome" && o.engine != "naive" {
		return fmt.Errorf("-repeat is at least 1, -engine is firstcome or naive: %w", errUsage)
	}
	if o.list {
		return h.listFaults()
	}
	dir, err := os.MkdirTemp("", "firstcome-bench-")
	if err != nil {
		return fmt.Errorf("make a folder for the program: %w", err)
	}
	defer os.RemoveAll(dir)
	p, err := h.buildPrograms(ctx, o, dir)
	if err != nil {
		return err
	}
	sheet := &fault.Sheet{Started: time.Now(), Command: command(), Commit: report.Commit(ctx), Machine: report.ThisMachine()}
	err = h.playFaults(ctx, o, p, scenarios, sheet)
	return errors.Join(err, h.showFaults(o, sheet))
}

func (h *hall) buildPrograms(ctx context.Context, o *faultOptions, dir string) (p programs, err error) {
	if o.engine == "firstcome" {
		if p.own = o.program; p.own == "" {
			fmt.Fprintln(h.progress, "building ./cmd/firstcome")
			p.own, err = stack.Build(ctx, dir)
		}
		if p.own, err = absolute(p.own, err); err != nil {
			return p, err
		}
	}
	if o.rival || o.engine == "naive" {
		fmt.Fprintln(h.progress, "building ./bench/rival/naive")
		p.rival, err = rival.BuildNaive(ctx, dir)
	}
	return p, err
}

// absolute names a program so that it is found from any folder.
func absolute(path string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// playFaults plays every scenario with every seed, those that need the same rig
// after one another.
func (h *hall) playFaults(ctx context.Context, o *faultOptions, p programs, scenarios []*fault.Scenario, sheet *fault.Sheet) error {
	rigs := &fault.Rigs{}
	defer rigs.Close()
	var unplayed error // told at the end: the other scenarios are worth having
	for i, s := range scenarios {
		for seed := o.seed; seed < o.seed+int64(o.repeat); seed++ {
			options := fault.Options{Seed: seed, Short: o.short, Busy: o.busy, Workload: o.load, Keep: o.keep}
			for _, program := range []string{p.own, p.rival} {
				if options.Program, options.Rival = program, program == p.rival; program == "" || options.Rival && s.Own {
					continue
				}
				who := ""
				if options.Rival {
					who = ", the rival"
				}
				fmt.Fprintf(h.progress, "%d of %d: %s, seed %d%s: %s\n", i+1, len(scenarios), s.Name, seed, who, s.What)
				outcome, err := playFault(ctx, rigs, s, options)
				if err != nil && options.Rival && ctx.Err() == nil {
					fmt.Fprintln(h.progress, "  the rival did not come through:", err)
					continue
				}
				if err != nil && ctx.Err() == nil {
					fmt.Fprintln(h.progress, "  it could not be played; once more on a fresh rig:", err)
					outcome, err = playFault(ctx, rigs, s, options)
				}
				switch {
				case ctx.Err() != nil:
					return errors.Join(unplayed, err)
				case err != nil:
					unplayed = errors.Join(unplayed, err)
					fmt.Fprintln(h.progress, "  it could not be played:", err)
					continue
				}
				fmt.Fprintln(h.progress, "  "+outcome.Line())
				sheet.Add(outcome)
			}
		}
	}
	return unplayed
}

// playFault plays one run; a rig on which a run failed serves nobody any more.
func playFault(ctx context.Context, rigs *fault.Rigs, s *fault.Scenario, o fault.Options) (*fault.Outcome, error) {
	rig, err := rigs.For(ctx, s)
	if err != nil {
		return nil, err
	}
	outcome, err := fault.Run(ctx, rig, s, o)
	if err != nil {
		rigs.Close()
	}
	return outcome, err
}

// showFaults prints the table, saves the page, and fails when a promise was broken.
func (h *hall) showFaults(o *faultOptions, sheet *fault.Sheet) error {
	if len(sheet.Runs)+len(sheet.Rivals) == 0 {
		return nil
	}
	fmt.Fprintln(h.out, sheet.Tables())
	if o.results != "" {
		path, err := sheet.Save(filepath.FromSlash(o.results))
		if err != nil {
			return err
		}
		fmt.Fprintln(h.progress, "saved", path)
	}
	broken := sheet.Broken()
	for _, line := range broken {
		fmt.Fprintln(h.progress, line)
	}
	if len(broken) > 0 {
		return fmt.Errorf("%w: %d", errPromises, len(broken))
	}
	return nil
}

func (h *hall) listFaults() error {
	table := tabwriter.NewWriter(h.out, 0, 0, 2, ' ', 0)
	for _, s := range fault.Scenarios {
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.Name, s.Workload, s.What)
	}
	fmt.Fprintln(table)
	for _, w := range fault.Workloads {
		fmt.Fprintf(table, "%s\t\t%s\n", w.Name, w.What)
	}
	return table.Flush()
}
