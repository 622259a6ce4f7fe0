package main

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

// claimFields is what is shown of a claim, in this order.
var claimFields = []string{"campaign", "state", "rank", "position", "ticket", "grant_id", "claimed_at", "ledger", "points", "answers"}

func (h *hall) claimCommand() *cobra.Command {
	var subject, answers string
	var waitlist bool
	cmd := &cobra.Command{
		Use:   "claim CAMPAIGN --sub NAME",
		Short: "Make one claim, as a member would",
		Long: `Claims a place. With --sub the member's token is made with the trial identity (or a
jwt-key that can sign); with --token it is yours. The same again is answered with the
same place.

Exit code 0: there is a place, granted or in the waiting list. 1: there is none.`,
		Example: `  firstcome claim welcome --sub alice
  firstcome claim welcome --sub bora --waitlist --answers '{"name":"Bora"}'
  firstcome claim welcome --server https://claims.example.org --token "$TOKEN"`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&answers, "answers", "", "answers to the form, as a JSON object")
	cmd.Flags().BoolVar(&waitlist, "waitlist", false, "take a place in the waiting list when it is full")
	memberFlags(cmd, &subject)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		body := object{}
		if waitlist {
			body["if_full"] = "waitlist"
		}
		if answers != "" {
			var given map[string]any
			if err := json.Unmarshal([]byte(answers), &given); err != nil {
				return usage("--answers is not a JSON object: %w", err)
			}
			body["answers"] = given
		}
		r, err := h.member(cmd, subject)
		if err != nil {
			return err
		}
		a, err := r.call(cmd.Context(), http.MethodPost, "/v1/campaigns/"+url.PathEscape(args[0])+"/claims", body)
		if err != nil {
			return err
		}
		if a.status == http.StatusAccepted {
			h.say("firstcome: not decided yet; the same command again tells the answer")
		}
		return r.show(a.body, claimFields...)
	}
	return cmd
}

func (h *hall) cancelCommand() *cobra.Command {
	var subject string
	cmd := &cobra.Command{
		Use:     "cancel CAMPAIGN --sub NAME",
		Short:   "Give a place back, as a member would",
		Long:    "Cancels a grant, or leaves the waiting list. The head of the waiting list moves up at once.",
		Example: "  firstcome cancel welcome --sub alice",
		Args:    cobra.ExactArgs(1),
	}
	memberFlags(cmd, &subject)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := h.member(cmd, subject)
		if err != nil {
			return err
		}
		a, err := r.call(cmd.Context(), http.MethodDelete, "/v1/campaigns/"+url.PathEscape(args[0])+"/claims/me", nil)
		if err != nil {
			return err
		}
		return r.show(a.body, claimFields...)
	}
	return cmd
}

func memberFlags(cmd *cobra.Command, subject *string) {
	cmd.Flags().StringVar(subject, "sub", "", "who claims (not with --token)")
	remoteFlags(cmd, "server", "the members' address (default FIRSTCOME_SERVER, else the server that uses --data)")
}

// member finds the members' door and a member's token.
func (h *hall) member(cmd *cobra.Command, subject string) (*remote, error) {
	token := h.given(cmd, "token")
	if (subject == "") == (token == "") {
		return nil, usage("give --sub NAME, or --token with the member's own token")
	}
	return h.remote(cmd, "server", subject, "")
}
