package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"firstcome/engine/fold"
)

func (h *hall) upgradeCommand() *cobra.Command {
	return parent("upgrade", "Bring new rules of the log into force",
		`A newer build may know newer rules. They are not used before an operator brings them
into force with one record in every partition of the log, so that every node changes at
the same record and nodes can be replaced one by one before that. A new log begins with
version 1, whatever build begins it.`,
		h.upgradeActivate())
}

// activation is the admin API's answer to an upgrade.
type activation struct {
	Rules      int  `json:"rules"`
	Changed    bool `json:"changed"`
	DryRun     bool `json:"dry_run,omitempty"`
	Partitions []struct {
		Partition int    `json:"partition"`
		Changed   bool   `json:"changed"`
		Offset    int64  `json:"offset,omitempty"`
		Reason    string `json:"reason,omitempty"`
	} `json:"partitions"`
}

func (h *hall) upgradeActivate() *cobra.Command {
	var version int
	var force, dryRun bool
	var reason string
	cmd := &cobra.Command{
		Use:   "activate",
		Short: "Bring a version of the rules into force",
		Long: `Asks a node to write the version into every partition of the log, and waits until it
has read that back. The node refuses while another one is at work that does not know the
version, since that one would stop, and while it cannot tell: each node says what it
knows in Redis, every three seconds. A node that was killed counts for ten more seconds.

Exit code 0: the version is in force. 1: refused, and the nodes in the way are named.`,
		Example: "  firstcome upgrade activate\n  firstcome upgrade activate --rules 2 --dry-run\n  firstcome upgrade activate --admin http://10.0.0.5:8081 --token \"$OWNER\"",
		Args:    cobra.NoArgs,
	}
	adminFlags(cmd)
	cmd.Flags().IntVar(&version, "rules", fold.Version, "the version to bring into force")
	cmd.Flags().BoolVar(&force, "force", false, "also when nodes do not know it, or cannot be listed: they stop")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say whether it would be done")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the log")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if version < fold.First || version > 255 {
			return usage("--rules = %d: is not a version; right would be a number from %d to %d", version, fold.First, fold.Version)
		}
		r, err := h.admins(cmd)
		if err != nil {
			return err
		}
		return r.activate(cmd.Context(), object{"rules": version, "force": force, "reason": reason}, dryRun)
	}
	return cmd
}

// activate sends the request and tells the answer.
func (r *remote) activate(ctx context.Context, wish object, dryRun bool) error {
	path := "/v1/admin/upgrade"
	if dryRun {
		path += "?" + url.Values{"dry_run": {"true"}}.Encode()
	}
	a, err := r.call(ctx, http.MethodPost, path, wish)
	if err != nil {
		return err
	}
	var done activation
	if err := json.Unmarshal(a.body, &done); err != nil {
		return fmt.Errorf("the upgrade's answer cannot be read: %w", err)
	}
	if r.output == "json" {
		err = printJSON(r.h.out, a.body)
	} else {
		done.tell(r.h)
	}
	return done.left(err)
}

// tell says in one line what is so now.
func (a *activation) tell(h *hall) {
	changed := 0
	for _, p := range a.Partitions {
		if p.Changed {
			changed++
		}
	}
	switch {
	case a.DryRun && a.Changed:
		fmt.Fprintf(h.out, "version %d of the rules can be brought into force: every node knows it, %d of %d partitions would change\n", a.Rules, changed, len(a.Partitions))
	case !a.Changed:
		fmt.Fprintf(h.out, "version %d of the rules, or a newer one, is in force already\n", a.Rules)
	default:
		fmt.Fprintf(h.out, "version %d of the rules is in force: written into %d of %d partitions and read back\n", a.Rules, changed, len(a.Partitions))
	}
}

// left is the error of an upgrade that was forced and left partitions out.
func (a *activation) left(err error) error {
	for _, p := range a.Partitions {
		if p.Reason != "" && err == nil {
			err = fmt.Errorf("partition %d was left out (%s): say the same again when it is mended", p.Partition, p.Reason)
		}
	}
	return err
}
