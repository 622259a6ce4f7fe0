package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"firstcome/bench/play"
	"firstcome/bench/report"
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

func (h *hall) noonCommand() *cobra.Command {
	o := play.DefaultNoon()
	cmd := &cobra.Command{
		Use:   "noon",
		Short: "A club's opening: 300 members read, tap, read again, 50 rounds",
		Long: `Plays a club's opening in a closed loop without pauses: each member sends the next
request when the last answer is there.

  before noon   everybody reads the campaign until half a second before it opens (S19)
  at noon       everybody has tapped in the last half second and waits for the opening
  S16           detail, apply, detail
  S17           list, detail, apply, detail
  S18           apply, detail

The rounds of a scenario are spread over several openings; in the first round of
each a tap is decided, in the others it is the same tap again.`,
		Example: `  go run ./cmd/bench noon
  go run ./cmd/bench noon --shape cluster --brokers 3
  go run ./cmd/bench noon --before 7m   # as long as the club read`,
		Args: cobra.NoArgs,
		RunE: h.play(func(ctx context.Context, s *play.Stage) (*report.Report, error) {
			return play.Noon(ctx, s, o)
		}, func() error {
			return positive(map[string]int{"members": o.Members, "rounds": o.Rounds, "openings": o.Openings, "cap": int(o.Cap)})
		}),
	}
	f := cmd.Flags()
	f.IntVar(&o.Members, "members", o.Members, "members who play at once, each with one connection")
	f.IntVar(&o.Rounds, "rounds", o.Rounds, "rounds of each scenario")
	f.Int64Var(&o.Cap, "cap", o.Cap, "places of an opening")
	f.IntVar(&o.Openings, "openings", o.Openings, "campaigns that the rounds of a scenario are spread over")
	f.DurationVar(&o.Before, "before", o.Before, "how long everybody reads before the opening")
	f.IntVar(&o.Warmup, "warmup", o.Warmup, "rounds before everything, not measured")
	h.stageFlags(cmd)
	return cmd
}

func (h *hall) stampedeCommand() *cobra.Command {
	o := play.DefaultStampede()
	cmd := &cobra.Command{
		Use:   "stampede",
		Short: "20,000 members at 2,000 places, some tap twice, some lose their connection",
		Long: `Sends the claims of far more members than places as fast as the connections carry
them. Some members tap twice, some connections break before the answer and the
member tries again.

An empty net/http handler is measured with the same claims right before each
stampede. Their ratio is the figure to compare: it depends little on the machine.`,
		Example: `  go run ./cmd/bench stampede
  go run ./cmd/bench stampede --shape cluster --nodes 2 --repeats 7`,
		Args: cobra.NoArgs,
		RunE: h.play(func(ctx context.Context, s *play.Stage) (*report.Report, error) {
			return play.Stampede(ctx, s, o)
		}, func() error {
			if o.Sends < 1 || o.Sends > 2 || o.Drops < 0 || o.Drops > 1 {
				return fmt.Errorf("--sends is from 1 to 2, --drops from 0 to 1: %w", errUsage)
			}
			return positive(map[string]int{"members": o.Members, "cap": int(o.Cap), "connections": o.Connections, "repeats": o.Repeats})
		}),
	}
	f := cmd.Flags()
	f.IntVar(&o.Members, "members", o.Members, "members")
	f.Int64Var(&o.Cap, "cap", o.Cap, "places")
	f.Float64Var(&o.Sends, "sends", o.Sends, "claims per member, 1 to 2")
	f.Float64Var(&o.Drops, "drops", o.Drops, "share of claims whose connection breaks")
	f.IntVar(&o.Connections, "connections", o.Connections, "connections that share the claims")
	f.IntVar(&o.Repeats, "repeats", o.Repeats, "stampedes; the median counts")
	h.stageFlags(cmd)
	return cmd
}

func (h *hall) likeCommand() *cobra.Command {
	o := play.DefaultLike()
	cmd := &cobra.Command{
		Use:   "like",
		Short: "700 reactions a second, without a cap",
		Long: `Sends claims of a campaign without a cap at a constant rate, each by another
member, whatever becomes of the ones before (open loop). Latency counts from the
moment at which a claim was due, so that waiting in line is not hidden.`,
		Example: `  go run ./cmd/bench like
  go run ./cmd/bench like --shape cluster --rate 3000`,
		Args: cobra.NoArgs,
		RunE: h.play(func(ctx context.Context, s *play.Stage) (*report.Report, error) {
			return play.Like(ctx, s, o)
		}, func() error {
			if o.Rate*o.For.Seconds() < 1 || o.Warmup < 0 {
				return fmt.Errorf("--rate and --for make less than one claim: %w", errUsage)
			}
			return positive(map[string]int{"connections": o.Connections})
		}),
	}
	f := cmd.Flags()
	f.Float64Var(&o.Rate, "rate", o.Rate, "claims per second")
	f.DurationVar(&o.For, "for", o.For, "how long")
	f.DurationVar(&o.Warmup, "warmup", o.Warmup, "the same before, not measured")
	f.IntVar(&o.Connections, "connections", o.Connections, "connections that carry the claims")
	h.stageFlags(cmd)
	return cmd
}

func (h *hall) streamsCommand() *cobra.Command {
	o := play.DefaultStreams()
	cmd := &cobra.Command{
		Use:   "streams",
		Short: "10,000 who only look: memory, CPU, coming back at once, and some who never read",
		Long: `Opens event streams and never claims with them: what do watchers cost? Every frame
is held against the contract (no hole, no overlap), and a plain net/http stream is
measured beside it with the same crowd. The claims that there is something to hear
of end in the usual audit.`,
		Example: `  go run ./cmd/bench streams
  go run ./cmd/bench streams --shape cluster --readers 2000`,
		Args: cobra.NoArgs,
		RunE: h.play(func(ctx context.Context, s *play.Stage) (*report.Report, error) {
			return play.Streams(ctx, s, o)
		}, func() error {
			if o.Rate*o.For.Seconds() < 1 {
				return fmt.Errorf("--rate and --for make less than one claim: %w", errUsage)
			}
			return positive(map[string]int{"idle": o.Idle, "readers": o.Readers, "missed": o.Missed, "deaf": o.Deaf, "hearing": o.Hearing})
		}),
	}
	f := cmd.Flags()
	f.IntVar(&o.Idle, "idle", o.Idle, "streams on which nothing happens")
	f.IntVar(&o.Readers, "readers", o.Readers, "streams that hear everything, and come back at once")
	f.Float64Var(&o.Rate, "rate", o.Rate, "claims a second that they hear of")
	f.DurationVar(&o.For, "for", o.For, "how long")
	f.IntVar(&o.Missed, "missed", o.Missed, "claims while nobody hears")
	f.IntVar(&o.Deaf, "deaf", o.Deaf, "streams that nobody reads")
	f.IntVar(&o.Hearing, "hearing", o.Hearing, "streams beside them")
	h.stageFlags(cmd)
	return cmd
}

func (h *hall) watchedCommand() *cobra.Command {
	o := play.DefaultWatched()
	cmd := &cobra.Command{
		Use:   "watched",
		Short: "Ten stampedes that 2,000 streams look at while connections break and a node dies",
		Long: `Plays stampedes without watchers and with them. Streams break at random, a node is
killed and started again. In the end every page must show what the books say, no
frame may be missing or doubled, and the database must not have noticed that
anybody looked.

With --stream-nodes the streams come to nodes that do nothing else, fed by the log
or through Redis. They are measured first while nothing breaks; then one of them
is killed, and the node that tells the others the news, and Redis' master.`,
		Example: `  go run ./cmd/bench watched --shape cluster
  go run ./cmd/bench watched --shape cluster --stream-nodes 2 --stream-source redis`,
		Args: cobra.NoArgs,
		RunE: h.play(func(ctx context.Context, s *play.Stage) (*report.Report, error) {
			return play.Watched(ctx, s, o)
		}, func() error {
			if h.streamSource != "log" && h.streamSource != "redis" || h.streamNodes < 0 || h.streamNodes > 0 && h.shape != "cluster" {
				return fmt.Errorf("--stream-source is log or redis, --stream-nodes needs --shape cluster: %w", errUsage)
			}
			return positive(map[string]int{"campaigns": o.Campaigns, "watchers": o.Watchers, "members": o.Members, "cap": int(o.Cap), "rate": int(o.Rate)})
		}),
	}
	f := cmd.Flags()
	f.IntVar(&o.Campaigns, "campaigns", o.Campaigns, "campaigns")
	f.IntVar(&o.Watchers, "watchers", o.Watchers, "streams, of all campaigns together")
	f.IntVar(&o.Members, "members", o.Members, "members who claim in every campaign")
	f.Int64Var(&o.Cap, "cap", o.Cap, "places of each campaign")
	f.Float64Var(&o.Rate, "rate", o.Rate, "claims a second, in all")
	f.DurationVar(&o.Drops, "drops", o.Drops, "how long a stream lives, about; 0: it is not broken")
	f.BoolVar(&o.Kill, "kill", o.Kill, "kill the last node in the middle and start it again")
	f.IntVar(&h.streamNodes, "stream-nodes", 0, "nodes that serve the streams and nothing else; 0: the others do")
	f.StringVar(&h.streamSource, "stream-source", "log", "where those hear the news: log or redis")
	f.IntVar(&o.Looked, "looked-at", 0, "campaigns that are watched; 0: all")
	h.stageFlags(cmd)
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
