package play

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"firstcome/bench/history"
	"firstcome/bench/report"
)

// booksWait is how long the ledger may need for all campaigns to come as far as
// the log, and leases to come home. The ledger is throttled on purpose.
const (
	booksWait = 2 * time.Minute
	booksLong = 10 * time.Second // is worth a word
)

// audit holds everything that members were told against the lists, waits until
// every campaign's books are closed, and asks the engine for its own full audit.
func audit(ctx context.Context, s *Stage, a *admin, r *report.Report, campaigns []definition, ops []history.Op) error {
	var lists []history.Campaign
	closing, cancel := context.WithTimeout(ctx, booksWait)
	defer cancel()
	waited := time.Duration(0)
	for i, d := range campaigns {
		start := time.Now()
		s.progress("audit", i, len(campaigns)+1)
		if v := s.closeBooks(closing, a, d); v != nil {
			r.Audit.Violations = append(r.Audit.Violations, *v)
		}
		waited += time.Since(start)
		places, err := a.places(ctx, d.ID)
		if err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		limit := int64(-1)
		if d.Cap != nil {
			limit = *d.Cap
		}
		lists = append(lists, history.Campaign{ID: d.ID, Cap: limit, Places: places})
		r.Audit.Places += len(places)
	}
	r.Figures = append(r.Figures, report.Figure{Name: "until log, gate and ledger were equal", Value: waited.Seconds(), Unit: "s"})
	r.Audit.Campaigns, r.Audit.Answers = len(campaigns), len(ops)
	r.Audit.Violations = append(r.Audit.Violations, history.Check(lists, ops)...)
	r.Answers = tellAnswers(ops)
	if err := engineAudit(ctx, a, r); err != nil {
		return err
	}
	s.progress("audit", len(campaigns)+1, len(campaigns)+1)
	return nil
}

// closeBooks waits until log, gate and ledger agree on a campaign, and tells
// the stage what it waits for when that takes long.
func (s *Stage) closeBooks(ctx context.Context, a *admin, d definition) *history.Violation {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	long := time.After(booksLong)
	for {
		var b books
		err := a.call(ctx, http.MethodGet, "/campaigns/"+d.ID+"/books", nil, &b)
		if err == nil {
			err = b.settled(d.Cap != nil)
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return &history.Violation{Rule: "books", Campaign: d.ID, Detail: err.Error()}
		case <-long:
			s.progress(fmt.Sprintf("audit waits for %s: %v", d.ID, err), 0, 1)
		case <-tick.C:
		}
	}
}

// engineAudit adds what the engine's own audit finds.
func engineAudit(ctx context.Context, a *admin, r *report.Report) error {
	var found struct {
		Clean      bool
		Violations []history.Violation
	}
	if err := a.call(ctx, http.MethodPost, "/audit", nil, &found); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	r.Audit.Violations = append(r.Audit.Violations, found.Violations...)
	if !found.Clean && len(found.Violations) == 0 {
		r.Audit.Violations = append(r.Audit.Violations, history.Violation{Rule: "books", Detail: "the engine's audit is not clean and does not say why"})
	}
	return nil
}

// tellAnswers counts answers by what a member would have seen.
func tellAnswers(ops []history.Op) map[string]int {
	n := map[string]int{}
	for i := range ops {
		n[answerName(&ops[i])]++
	}
	return n
}

func answerName(o *history.Op) string {
	name := strconv.Itoa(o.Status)
	switch {
	case o.Status == 0:
		return "without an answer"
	case o.Code != "":
		name += " " + o.Code
	case o.State != "":
		name += " " + o.State
	}
	return name
}

// understand reads the body of a claim's answer.
func understand(o *history.Op, body []byte) {
	var a struct {
		State, Code string
		Rank        int64
	}
	if json.Unmarshal(body, &a) != nil {
		o.Code = "no-json" // no promise allows it, so the judge will name it
		return
	}
	o.State, o.Code, o.Rank = a.State, a.Code, a.Rank
}
