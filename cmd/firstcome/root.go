package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// hall is what every verb gets from outside.
type hall struct {
	environ []string
	in      io.Reader
	out     io.Writer // results
	err     io.Writer // everything else
	stray   problems  // flags that do not exist

	lockless bool // see tools; only tests set it
}

// run is the whole program: it returns the exit code.
func run(ctx context.Context, args, environ []string, in io.Reader, out, err io.Writer) int {
	h := &hall{environ: environ, in: in, out: out, err: err}
	return h.run(ctx, args)
}

func (h *hall) run(ctx context.Context, args []string) int {
	root := h.root()
	started := false
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	args, h.stray = strayFlags(root, args)
	root.SetArgs(args)
	failure := root.ExecuteContext(ctx)
	if failure != nil && !started { // the verb or its arguments were not understood
		failure = usage("%w", failure)
	}
	return finish(h.err, failure)
}

// root is the tree of verbs. Without a verb it serves.
func (h *hall) root() *cobra.Command {
	root := h.serveCommand("firstcome")
	root.Short = "Decides who came first, grants nothing twice and nothing beyond the cap"
	root.Long = "firstcome decides who came first when something opens at noon and runs out: it grants nothing\ntwice, grants nothing beyond the cap, and can show its books afterwards. Without a verb:\n\n" + root.Long
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SuggestionsMinimumDistance = 2
	root.SetIn(h.in)
	root.SetOut(h.out)
	root.SetErr(h.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w (%s --help explains)", err, cmd.CommandPath())
	})
	root.AddCommand(
		h.serveCommand("serve"), h.tokenCommand(), h.campaignCommand(), h.claimCommand(), h.cancelCommand(),
		h.auditCommand(), h.exportCommand(), h.topicCommand(), h.ledgerCommand(), h.migrateCommand(), h.upgradeCommand(),
		h.configCommand(), h.versionCommand(),
	)
	return root
}

// parent is a verb that only has verbs below it.
func parent(use, short, long string, children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Args: cobra.ArbitraryArgs}
	var names []string
	for _, child := range children {
		names = append(names, child.Name())
	}
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage("%s what? One of %s (firstcome %s --help explains)", use, strings.Join(names, ", "), use)
		}
		return usage("%s %s: there is no such verb%s", use, args[0], didYouMean(args[0], names))
	}
	cmd.AddCommand(children...)
	return cmd
}

// keyFlags gives a verb the flags of the named keys, all when none is named,
// and --config. What the verb has already it keeps.
func keyFlags(cmd *cobra.Command, names ...string) {
	flags := cmd.Flags()
	flags.SortFlags = false
	if flags.Lookup("config") == nil {
		flags.String("config", "", "a YAML `file` with the same keys")
	}
	for _, k := range keys {
		switch {
		case len(names) > 0 && !slices.Contains(names, k.name), flags.Lookup(k.name) != nil:
		case k.name == "no-example":
			flags.VarPF(new(yes), k.name, "", k.usage).NoOptDefVal = "true"
		default:
			flags.String(k.name, "", k.usage)
		}
	}
}

// yes is a flag that may stand without a value. What stands there is looked at
// with all other keys, so that everything wrong is reported at once.
type yes string

func (y *yes) String() string        { return string(*y) }
func (y *yes) Set(text string) error { *y = yes(text); return nil }
func (y *yes) Type() string          { return "bool" }

// config reads the configuration. With names, only what is wrong about those
// keys is an error: the verb uses no other.
func (h *hall) config(cmd *cobra.Command, names ...string) (*Config, error) {
	c, wrong := load(cmd.Flags(), h.environ)
	if len(names) > 0 {
		wrong = wrong.about(names)
	}
	return c, append(h.stray, wrong...).orNil()
}

// strayFlags takes the flags that the verb does not have out of the arguments,
// so that they are reported with everything else that is wrong, not alone.
func strayFlags(root *cobra.Command, args []string) (kept []string, stray problems) {
	cmd, _, err := root.Find(args)
	if err != nil {
		return args, nil
	}
	cmd.InitDefaultHelpFlag()
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(kept, args[i:]...), stray
		}
		name, _, hasValue := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if !strings.HasPrefix(arg, "--") {
			kept = append(kept, arg)
			continue
		}
		takesNext := !hasValue && i+1 < len(args)
		switch f := lookupFlag(cmd, name); {
		case f == nil:
			stray = append(stray, problem{key: "--" + name, wrong: "there is no such flag" + didYouMean("--"+name, flagNames(cmd))})
			if takesNext && !strings.HasPrefix(args[i+1], "-") {
				i++
			}
		case f.NoOptDefVal == "" && takesNext:
			kept = append(kept, arg, args[i+1])
			i++
		default:
			kept = append(kept, arg)
		}
	}
	return kept, stray
}

func lookupFlag(cmd *cobra.Command, name string) *pflag.Flag {
	if f := cmd.Flags().Lookup(name); f != nil {
		return f
	}
	return cmd.InheritedFlags().Lookup(name)
}

func flagNames(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	return names
}

// say writes one line for people.
func (h *hall) say(format string, args ...any) { fmt.Fprintf(h.err, format+"\n", args...) }
