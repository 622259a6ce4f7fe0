package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firstcome/bench/play"
	"firstcome/bench/report"
	"firstcome/bench/stack"
)

// hall is what every play needs beside its own options.
type hall struct {
	out, progress io.Writer

	shape          string
	nodes, brokers int
	fsync          bool
	results        string
	profile        time.Duration
	streamNodes    int
	streamSource   string
}

func (h *hall) stageFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&h.shape, "shape", "embedded", "embedded, cluster or both")
	f.IntVar(&h.nodes, "nodes", 2, "firstcome processes of a cluster")
	f.IntVar(&h.brokers, "brokers", 1, "Kafka brokers of a cluster: 1 or 3")
	f.BoolVar(&h.fsync, "fsync", false, "Kafka syncs every batch to disk before it counts")
	f.StringVar(&h.results, "results", "bench/results", `folder for page, picture and data; "" saves nothing`)
	f.DurationVar(&h.profile, "profile", 0, "take a CPU profile of the first node for so long, into bench/results/runs; it costs some speed")
}

func (h *hall) shapes() ([]string, error) {
	if h.nodes < 1 || (h.brokers != 1 && h.brokers != 3) {
		return nil, fmt.Errorf("--nodes is at least 1, --brokers is 1 or 3: %w", errUsage)
	}
	switch h.shape {
	case "embedded", "cluster":
		return []string{h.shape}, nil
	case "both":
		return []string{"embedded", "cluster"}, nil
	}
	return nil, fmt.Errorf("--shape %q is none of embedded, cluster and both: %w", h.shape, errUsage)
}

// play runs one play on each shape that is asked for.
func (h *hall) play(play func(context.Context, *play.Stage) (*report.Report, error), check func() error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		shapes, err := h.shapes()
		if err == nil {
			err = check()
		}
		if err != nil {
			return err
		}
		dir, err := os.MkdirTemp("", "firstcome-bench-")
		if err != nil {
			return fmt.Errorf("make a folder for the program: %w", err)
		}
		defer os.RemoveAll(dir)
		fmt.Fprintln(h.progress, "building ./cmd/firstcome")
		program, err := stack.Build(cmd.Context(), dir)
		if err != nil {
			return err
		}
		for _, shape := range shapes {
			if err := h.one(cmd.Context(), cmd.Name(), shape, program, play); err != nil {
				return err
			}
		}
		return nil
	}
}

// one starts a shape, plays, and shows what came out.
func (h *hall) one(ctx context.Context, name, shape, program string, crowd func(context.Context, *play.Stage) (*report.Report, error)) error {
	fmt.Fprintf(h.progress, "%s: starting the %s shape\n", name, shape)
	start := stack.StartEmbedded
	if shape == "cluster" {
		start = stack.StartCluster
	}
	d, err := start(ctx, stack.DeploymentOptions{Program: program, Nodes: h.nodes, Brokers: h.brokers, Fsync: h.fsync,
		StreamNodes: h.streamNodes, StreamSource: h.streamSource})
	if err != nil {
		return err
	}
	defer d.Close()
	bar := newProgress(h.progress)
	r, err := crowd(ctx, &play.Stage{
		Deployment: d, Shape: shape, Progress: bar.tell, Baseline: startEmpty, Plain: startPlain,
		Profile: play.Profile{For: h.profile, File: filepath.Join("bench", "results", "runs", name+"-"+shape+".pprof")},
	})
	bar.end()
	if err != nil {
		return fmt.Errorf("%s, %s: %w", name, shape, err)
	}
	r.Commit, r.Command = report.Commit(ctx), command()
	return h.show(r)
}

// command is how the run can be repeated.
func command() string { return "go run ./cmd/bench " + strings.Join(os.Args[1:], " ") }

// show saves and prints a report.
func (h *hall) show(r *report.Report) error {
	if h.results != "" {
		path, err := r.Save(filepath.FromSlash(h.results))
		if err != nil {
			return err
		}
		fmt.Fprintln(h.progress, "saved", path)
	}
	fmt.Fprintln(h.out, r.Markdown(""))
	if !r.Audit.Clean() {
		return errUnclean
	}
	return nil
}
