package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

var (
	errUnclean = errors.New("the audit found violations; there are no figures")
	errUsage   = errors.New("see --help")
)

func rootCommand(out, progress io.Writer) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Play a crowd against firstcome and audit every answer",
		Long: `Plays a crowd against a real firstcome, over HTTP only.

Builds ./cmd/firstcome, starts it as child processes in the shape asked for -
embedded needs nothing, cluster starts real Kafka, Redis with Sentinels and
PostgreSQL on free ports ("make install" brings them) -, plays, and ends with the
audit: every answer is held against the admin's list, and log, gate and ledger
against one another. Only then are there figures: a table here, and a page, a
picture and data in bench/results.

The generator runs on the same machine and takes its share. Run one at a time,
on a machine that does nothing else.`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	cmd.SetOut(out)
	cmd.SetErr(progress)
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", err, errUsage) })
	h := &hall{out: out, progress: progress}
	cmd.AddCommand(h.noonCommand(), h.stampedeCommand(), h.likeCommand(), h.streamsCommand(), h.watchedCommand(), emptyCommand(), plainCommand(), h.simulateCommand(), h.faultsCommand(), checkCommand())
	return cmd
}

func positive(flags map[string]int) error {
	for name, value := range flags {
		if value < 1 {
			return fmt.Errorf("--%s must be at least 1: %w", name, errUsage)
		}
	}
	return nil
}
