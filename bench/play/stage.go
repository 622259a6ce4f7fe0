package play

import (
	"context"
	"fmt"
	"io"
	"time"

	"firstcome/bench/report"
	"firstcome/bench/stack"
)

// Stage is where a play takes place.
type Stage struct {
	Deployment *stack.Deployment
	Shape      string // "embedded", "cluster"
	// Progress is told what is going on and how far it has come; nil: nobody
	// wants to know. It may be called from many goroutines.
	Progress func(what string, done, total int)
	// Profile asks for a CPU profile.
	Profile Profile
	// Baseline starts the empty handler that a stampede is measured against,
	// and returns its host:port and how to end it.
	Baseline func(ctx context.Context) (addr string, end func(), err error)
	// Plain starts the stream server that streams are measured against; nil: there is none.
	Plain func(ctx context.Context) (*stack.Handler, error)
}

func (s *Stage) progress(what string, done, total int) {
	if s.Progress != nil {
		s.Progress(what, done, total)
	}
}

// describe says in one sentence what runs.
func (s *Stage) describe() string {
	d := s.Deployment
	if d.Kafka == nil {
		return "One firstcome process with everything embedded: log and book in SQLite files, every batch synced to disk; the gate inside."
	}
	syncing := "which leave syncing to the system"
	if d.Fsync {
		syncing = "which sync every batch to disk"
	}
	return fmt.Sprintf("%d firstcome processes on Apache Kafka %s (brokers: %d, replication: %d, %s), Redis with %d replicas and %d Sentinels, "+
		"PostgreSQL with synchronous commits: all real, all on this machine.",
		len(d.Nodes), stack.KafkaVersion, len(d.Kafka.Brokers), d.Kafka.Replication(), syncing, len(d.Redis.Servers)-1, len(d.Redis.Sentinels))
}

// start opens the admin's door and begins a report.
func (s *Stage) start(ctx context.Context, what, load string) (*admin, *report.Report, error) {
	tokens, err := s.Deployment.Tokens(ctx, "owner", []string{"bench"})
	if err != nil {
		return nil, nil, err
	}
	return newAdmin(s.Deployment.Nodes, tokens[0]), &report.Report{
		What: what, Shape: s.Shape, Stack: s.describe(), Load: load, Started: time.Now(), Machine: report.ThisMachine(),
	}, nil
}

// cpu is how much the deployment's processes have computed so far, by what they are.
func (s *Stage) cpu() map[string]time.Duration {
	used := map[string]time.Duration{}
	for what, processes := range s.Deployment.Processes() {
		for _, p := range processes {
			used[what] += p.CPU()
		}
	}
	return used
}

// discard reads what is left of a body, so that its connection is kept.
func discard(r io.Reader) { _, _ = io.Copy(io.Discard, io.LimitReader(r, 1<<20)) }
