package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"firstcome/bench/play"
	"firstcome/bench/report"
)

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
	f.DurationVar(&o.DeafFor, "deaf-for", o.DeafFor, "how long these are listened to, alone and beside the deaf")
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
