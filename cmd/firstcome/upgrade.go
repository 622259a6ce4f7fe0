package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"firstcome/engine/fold"
)

// firstRules is the version of the rules that every log begins with.
const firstRules = 1

func (h *hall) upgradeCommand() *cobra.Command {
	return parent("upgrade", "Bring new rules of the log into force",
		`A newer build may know newer rules. They are not used before an operator brings them
into force with one record in the log, so that every node changes at the same record
and nodes can be replaced one by one before that.`,
		h.upgradeActivate())
}

func (h *hall) upgradeActivate() *cobra.Command {
	var version int
	cmd := &cobra.Command{
		Use:     "activate",
		Short:   "Bring a version of the rules into force",
		Example: "  firstcome upgrade activate",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().IntVar(&version, "rules", fold.Version, "the version to bring into force")
	cmd.RunE = func(*cobra.Command, []string) error {
		switch {
		case h.stray != nil:
			return h.stray
		case version < firstRules:
			return usage("--rules = %d: is not a version; right would be a number from %d to %d", version, firstRules, fold.Version)
		case version > fold.Version:
			return fmt.Errorf("this build knows the rules up to version %d, not %d: replace every node by a newer build first", fold.Version, version)
		}
		fmt.Fprintf(h.out, "version %d of the rules is in force: every log begins with it, and this build knows none newer\n", version)
		return nil
	}
	return cmd
}
