package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"firstcome/bench/history"
)

var errPromises = errors.New("promises are broken")

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE...",
		Short: "Judge the saved evidence of runs again: every answer against the final log",
		Long: `Reads evidence that a run has saved - every request and answer, the final log,
each node's fold, the ledger, the gate - and holds it against the invariants I1 to
I15. The log is folded anew by a second, naive writing of the rules, so a mistake
in the product's own fold is found as well.

Prints what is broken as a table. The exit code is 1 when anything is.`,
		Example: `  go run ./cmd/bench check evidence.jsonl.gz
  go run ./cmd/bench check runs/*.jsonl.gz`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("check needs a file: %w", errUsage)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			broken := 0
			for _, path := range args {
				n, err := check(cmd.OutOrStdout(), path)
				if err != nil {
					return err
				}
				broken += n
			}
			if broken > 0 {
				return fmt.Errorf("%w: %d", errPromises, broken)
			}
			return nil
		},
	}
}

// check judges one file and returns how many violations it lists.
func check(out io.Writer, path string) (int, error) {
	e, err := history.Load(path)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	found := history.Judge(e)
	records := 0
	for _, p := range e.Log {
		records += len(p)
	}
	fmt.Fprintf(out, "%s: %d requests, %d records, judged in %v: ", path, len(e.Ops), records, time.Since(begun).Round(time.Millisecond))
	if len(found) == 0 {
		fmt.Fprintln(out, "every promise was kept")
		return 0, nil
	}
	fmt.Fprintln(out, len(found), "violations")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "INVARIANT\tCAMPAIGN\tWHAT")
	for _, v := range found {
		fmt.Fprintf(table, "%s\t%s\t%s\n", v.Rule, v.Campaign, v.Detail)
	}
	return len(found), table.Flush()
}
