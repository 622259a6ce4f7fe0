package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"firstcome/engine/fold"
)

func (h *hall) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Say which build this is",
		Long:    "Says which commit this build was made from, and which version of the log's rules it knows.\nAll nodes of a cluster must know the version that is in force (firstcome upgrade activate).",
		Example: "  firstcome version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if h.stray != nil {
				return h.stray
			}
			fmt.Fprintf(h.out, "firstcome %s, rules 1 to %d, %s %s/%s\n", buildVersion(), fold.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
	return cmd
}

// buildVersion is the commit, or "development" when the build does not know.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "development"
	}
	var commit, changed string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = " with changes"
		}
	}
	if commit == "" {
		return "development"
	}
	return commit + changed
}
