package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"firstcome/bench/play"
	"firstcome/bench/report"
)

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
