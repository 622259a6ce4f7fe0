package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

func (h *hall) exportCommand() *cobra.Command {
	var campaign, format, state string
	cmd := &cobra.Command{
		Use:   "export --campaign ID",
		Short: "Print a campaign's list",
		Long:  "Prints everybody who has or had a place, in the order of the claims, with their answers.",
		Example: `  firstcome export --campaign welcome --format csv > welcome.csv
  firstcome export --campaign welcome --state waitlisted --format json`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&campaign, "campaign", "", "the campaign's id (needed)")
	cmd.Flags().StringVar(&format, "format", "csv", "csv or json")
	cmd.Flags().StringVar(&state, "state", "", "only granted, waitlisted or cancelled places")
	adminFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if campaign == "" {
			return usage("--campaign is needed (firstcome campaign list shows the ids)")
		}
		if err := oneOf("csv", "json")(format); err != nil {
			return usage("--format = %q: %w", format, err)
		}
		r, err := h.admins(cmd)
		if err != nil {
			return err
		}
		q := url.Values{}
		if state != "" {
			q.Set("state", state)
		}
		path := campaignPath(campaign) + "/claims"
		if format == "json" {
			r.output = "json"
			return r.pages(cmd.Context(), path, q)
		}
		// The list is streamed: it may be longer than this machine's memory.
		resp, err := r.open(cmd.Context(), http.MethodGet, path+"?"+q.Encode(), nil, "Accept", "text/csv")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(h.out, resp.Body); err != nil {
			return fmt.Errorf("the list broke off, what was printed is not all of it: %w", err)
		}
		return nil
	}
	return cmd
}
