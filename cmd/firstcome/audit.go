package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"firstcome/api"
	"firstcome/engine"
)

// auditStart bounds how long an audit without a server waits until it knows the
// whole log.
const auditStart = 2 * time.Minute

// finding is an audit's result, as the admin API tells it.
type finding struct {
	Clean      bool    `json:"clean"`
	Campaigns  int64   `json:"campaigns"`
	Places     int64   `json:"places"`
	Records    int64   `json:"records"`
	Seconds    float64 `json:"seconds"`
	Violations []struct {
		Rule     string `json:"rule"`
		Campaign string `json:"campaign,omitempty"`
		Detail   string `json:"detail"`
	} `json:"violations"`
}

func (h *hall) auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Compare log, gate and ledger, and list every violation",
		Long: `Folds the whole log again, checks every promise at every record, and compares the
result with the gate and the ledger. A running server does it when one answers at
the admins' address; otherwise this process opens the stores itself.

Exit code 0: nothing is wrong. 1: something is, and it is listed.`,
		Example: "  firstcome audit\n  firstcome audit --admin http://10.0.0.5:8081 --token \"$OWNER\" --output json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().String("admin", "", "the admins' address (default FIRSTCOME_ADMIN, else the server that uses --data)")
	cmd.Flags().String("token", "", "an owner's token (default FIRSTCOME_TOKEN, else one is made with the trial identity)")
	cmd.Flags().StringP("output", "o", "", "table or json (default table)")
	keyFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		found, err := h.audit(cmd)
		if err != nil {
			return err
		}
		return h.tell(found, h.given(cmd, "output"))
	}
	return cmd
}

// audit asks the running server, and opens the stores when there is none.
func (h *hall) audit(cmd *cobra.Command) (*finding, error) {
	r, err := h.admins(cmd)
	if err == nil {
		var a *answer
		if a, err = r.patient(cmd.Context(), http.MethodPost, "/v1/admin/audit", nil); err == nil {
			found := &finding{}
			if err := json.Unmarshal(a.body, found); err != nil {
				return nil, fmt.Errorf("the audit's answer cannot be read: %w", err)
			}
			return found, nil
		}
	}
	var known *exitError
	silence := errors.As(err, &known) && known.code == exitUnreachable
	if h.given(cmd, "admin") != "" || err != nil && !silence && r != nil {
		return nil, err
	}
	c, wrong := h.config(cmd)
	if wrong != nil {
		return nil, wrong
	}
	h.say("firstcome: no server answers, so the stores are opened here")
	return h.auditStores(cmd.Context(), c)
}

// auditStores runs an engine without doors until it knows the whole log, and
// audits.
func (h *hall) auditStores(ctx context.Context, c *Config) (found *finding, err error) {
	n := &node{c: c, log: silent()}
	defer func() { err = errors.Join(err, n.close()) }()
	if c.embedded() {
		if n.data, err = openDataDir(c.Data); err != nil {
			return nil, err
		}
	}
	t, err := n.openRooms(ctx, prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	n.rooms.ports.Snapshots = nil // the log alone decides: a book that is wrong must not get in its way
	n.rooms.ports.Roster = nil    // this is no node
	if err := n.joinEngine(t, engine.Roles{}); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	group, running := errgroup.WithContext(running)
	for _, l := range append(n.rooms.runs, line{"engine", n.engine.Run}) {
		group.Go(func() error { return l.run(running) })
	}
	found, err = n.auditOnce(running)
	stop()
	return found, errors.Join(err, group.Wait())
}

func (n *node) auditOnce(ctx context.Context) (*finding, error) {
	began := time.Now()
	waiting, cancel := context.WithTimeout(ctx, auditStart)
	defer cancel()
	if !n.ready(waiting) {
		return nil, fmt.Errorf("the log is not read to its end: %s", n.engine.Health().Reason)
	}
	report, err := auditor{n.rooms.books.audit}.Audit(ctx)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return findingOf(report, time.Since(began)), nil
}

func findingOf(r api.AuditReport, took time.Duration) *finding {
	f := &finding{Clean: len(r.Violations) == 0, Campaigns: r.Campaigns, Places: r.Places, Records: r.Records, Seconds: took.Seconds()}
	for _, v := range r.Violations {
		f.Violations = append(f.Violations, struct {
			Rule     string `json:"rule"`
			Campaign string `json:"campaign,omitempty"`
			Detail   string `json:"detail"`
		}(v))
	}
	return f
}

// tell prints what was found. A violation is exit code 1.
func (h *hall) tell(f *finding, output string) error {
	if output == "json" {
		if err := printValue(h.out, f); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(h.out, "%d campaigns, %d places, %d records of the log, %.1f s\n", f.Campaigns, f.Places, f.Records, f.Seconds)
		for _, v := range f.Violations {
			fmt.Fprintf(h.out, "%s\t%s\t%s\n", v.Rule, v.Campaign, printable(v.Detail))
		}
		if f.Clean {
			fmt.Fprintln(h.out, "nothing is wrong: log, gate and ledger agree, and every promise holds")
		}
	}
	if !f.Clean {
		return &exitError{exitNotSo, fmt.Errorf("%d violations", len(f.Violations))}
	}
	return nil
}
