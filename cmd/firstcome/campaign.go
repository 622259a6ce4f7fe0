package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

const adminCampaigns = "/v1/admin/campaigns"

// campaignFields is what show prints of a campaign, in this order.
var campaignFields = []string{"id", "title", "description", "kind", "status", "cap", "cap_mode", "counting", "points", "granted", "waiting",
	"remaining", "sold_out", "waitlist_cap", "reclaim", "end_promotion", "opens_at", "closes_at", "cancellable_until",
	"form", "eligibility", "version"}

func (h *hall) campaignCommand() *cobra.Command {
	return parent("campaign", "Make and run campaigns, from the shell",
		`The admin API from the shell. Beside a running embedded server nothing else is
needed; elsewhere --admin names the admins' address and --token carries an admin's
token (viewer reads, operator runs campaigns).`,
		h.campaignCreate(), h.campaignList(), h.campaignShow(), h.campaignEdit(), h.campaignCap(),
		h.campaignMove("publish", "publication", "Let a draft open by itself at its opens_at"),
		h.campaignMove("open", "opening", "Open now; a draft is published by it"),
		h.campaignMove("pause", "pause", "Take no claims for a while; nobody loses a place"),
		h.campaignMove("resume", "resumption", "Go on after a pause"),
		h.campaignMove("close", "closure", "Take no new claims any more; the waiting list still moves up"),
		h.campaignMove("archive", "archive", "Put away; it is still readable, and answers from the ledger"),
	)
}

func (h *hall) campaignCreate() *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a campaign, as a draft",
		Long:  "Makes a draft. It opens with campaign open, or by itself at its time after campaign publish.\nThe same again is no error; the same id with another content is.",
		Example: `  firstcome campaign create --id spring-camp --title "Spring camp" --cap 80 --waitlist-cap 40
  firstcome campaign create --id noon-points --kind reward --cap 10000 --points 100 --opens-at 2027-03-01T12:00:00+09:00
  firstcome campaign create --file campaign.json --dry-run`,
		Args: cobra.NoArgs,
	}
	definition := definitionFlags(cmd)
	cmd.Flags().StringVar(&id, "id", "", "its id, for ever: small letters, digits and - (default: one is made)")
	dryRun := dryRunFlag(cmd)
	adminFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		r, err := h.admins(cmd)
		if err != nil {
			return err
		}
		body, err := definition.read(cmd, h.in)
		if err != nil {
			return err
		}
		if id != "" {
			body["id"] = id
		}
		a, err := r.call(cmd.Context(), http.MethodPost, adminCampaigns+query(*dryRun), body)
		if err != nil {
			return err
		}
		return r.show(a.body, campaignFields...)
	}
	return cmd
}

func (h *hall) campaignList() *cobra.Command {
	var status string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List all campaigns, newest first",
		Example: "  firstcome campaign list\n  firstcome campaign list --status open --output json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&status, "status", "", "only draft, scheduled, open, paused, closed or archived ones")
	adminFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		r, err := h.admins(cmd)
		if err != nil {
			return err
		}
		return r.pages(cmd.Context(), adminCampaigns, url.Values{"status": {status}},
			"id", "status", "title", "granted", "cap", "waiting", "opens_at")
	}
	return cmd
}

// pages reads a list to its end and prints it as one.
func (r *remote) pages(ctx context.Context, path string, q url.Values, fields ...string) error {
	q.Set("limit", "200")
	if q.Get("status") == "" {
		q.Del("status")
	}
	var rows []object
	for {
		a, err := r.call(ctx, http.MethodGet, path+"?"+q.Encode(), nil)
		if err != nil {
			return err
		}
		page, err := decode(a.body)
		if err != nil {
			return err
		}
		rows = append(rows, page.items()...)
		next, more := page["next_cursor"].(string)
		if !more || next == "" {
			break
		}
		q.Set("cursor", next)
	}
	if r.output == "json" {
		return printValue(r.h.out, object{"items": rows})
	}
	return printTable(r.h.out, rows, fields)
}

func (h *hall) campaignShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Show one campaign",
		Example: "  firstcome campaign show welcome",
		Args:    cobra.ExactArgs(1),
	}
	adminFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := h.admins(cmd)
		if err != nil {
			return err
		}
		a, err := r.call(cmd.Context(), http.MethodGet, campaignPath(args[0]), nil)
		if err != nil {
			return err
		}
		return r.show(a.body, campaignFields...)
	}
	return cmd
}

func (h *hall) campaignEdit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "edit ID",
		Short: "Change what a campaign is",
		Long:  "Changes only what is named. Without --if-match it changes the newest version; with it, it\nfails when somebody else was faster.",
		Example: `  firstcome campaign edit welcome --title "Welcome!" --closes-at +48h
  firstcome campaign edit welcome --points 50 --if-match v3`,
		Args: cobra.ExactArgs(1),
	}
	definition := definitionFlags(cmd)
	dryRun, version := dryRunFlag(cmd), versionFlag(cmd)
	adminFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := h.admins(cmd)
		if err != nil {
			return err
		}
		body, err := definition.read(cmd, h.in)
		if err != nil {
			return err
		}
		if len(body) == 0 {
			return usage("nothing to change is named (firstcome campaign edit --help lists what can be)")
		}
		tag, err := r.version(cmd.Context(), args[0], *version)
		if err != nil {
			return err
		}
		a, err := r.call(cmd.Context(), http.MethodPatch, campaignPath(args[0])+query(*dryRun), body, "If-Match", tag)
		if err != nil {
			return err
		}
		return r.show(a.body, campaignFields...)
	}
	return cmd
}

func (h *hall) campaignCap() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "cap ID NUMBER|none",
		Short: "Change how many may have it",
		Long: `Changes the cap. A higher one lets the waiting list move up at once, in its order.
A lower one takes nothing away from anybody: new grants wait until there is room.
--dry-run tells who would gain and how many would be over.`,
		Example: `  firstcome campaign cap welcome 120 --reason "a larger room" --dry-run
  firstcome campaign cap welcome 120 --reason "a larger room"`,
		Args: cobra.ExactArgs(2),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; it is in the audit trail for ever (needed without --dry-run)")
	dryRun, version := dryRunFlag(cmd), versionFlag(cmd)
	adminFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		limit, err := readCap(args[1])
		if err != nil {
			return err
		}
		r, err := h.admins(cmd)
		if err != nil {
			return err
		}
		tag, err := r.version(cmd.Context(), args[0], *version)
		if err != nil {
			return err
		}
		a, err := r.call(cmd.Context(), http.MethodPut, campaignPath(args[0])+"/cap"+query(*dryRun),
			object{"cap": limit, "reason": reason}, "If-Match", tag)
		if err != nil {
			return err
		}
		if *dryRun {
			return r.show(a.body, "dry_run", "cap", "granted", "waiting", "promoted", "over_by", "promoted_members")
		}
		return r.show(a.body, "id", "cap", "granted", "waiting", "remaining", "version")
	}
	return cmd
}

// readCap reads a number of grants, or none.
func readCap(s string) (any, error) {
	if s == "none" {
		return nil, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return nil, usage("cap %q: is neither a number of grants nor none", s)
	}
	return n, nil
}

// campaignMove is a verb that moves a campaign from one status to the next.
func (h *hall) campaignMove(verb, noun, short string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     verb + " ID",
		Short:   short,
		Long:    short + ".\nDone already is no error.",
		Example: "  firstcome campaign " + verb + " welcome --reason \"as announced\"",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; it is in the audit trail for ever")
	dryRun, version := dryRunFlag(cmd), versionFlag(cmd)
	adminFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := h.admins(cmd)
		if err != nil {
			return err
		}
		var header []string
		if *version != "" {
			header = []string{"If-Match", versionTag(*version)}
		}
		body := object{}
		if reason != "" {
			body["reason"] = reason
		}
		a, err := r.call(cmd.Context(), http.MethodPost, campaignPath(args[0])+"/"+noun+query(*dryRun), body, header...)
		if err != nil {
			return err
		}
		return r.show(a.body, "id", "status", "granted", "waiting", "version")
	}
	return cmd
}

func campaignPath(id string) string { return adminCampaigns + "/" + url.PathEscape(id) }

func dryRunFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("dry-run", false, "change nothing, only tell what would be")
}

func versionFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("if-match", "", "the version that must still be the newest, as v3 (default: whatever is the newest)")
}

func query(dryRun bool) string {
	if dryRun {
		return "?dry_run=true"
	}
	return ""
}

// version is the tag for If-Match: the one asked for, else the newest.
func (r *remote) version(ctx context.Context, id, asked string) (string, error) {
	if asked != "" {
		return versionTag(asked), nil
	}
	a, err := r.call(ctx, http.MethodGet, campaignPath(id), nil)
	if err != nil {
		return "", err
	}
	if tag := a.header.Get("ETag"); tag != "" {
		return tag, nil
	}
	return "", fmt.Errorf("%s did not tell the version of %s", r.base, id)
}

// versionTag accepts 3, v3 and "v3".
func versionTag(s string) string {
	if _, err := strconv.Atoi(s); err == nil {
		s = "v" + s
	}
	if s[0] != '"' && s != "*" {
		s = `"` + s + `"`
	}
	return s
}
