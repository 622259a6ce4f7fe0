package api

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"firstcome/engine"
)

const (
	// exportPage is how many rows are in memory at once.
	exportPage = 500
	// exportPatience is how long a reader of an export may take for a page.
	exportPatience = 30 * time.Second
)

var exportColumns = []string{"member", "state", "rank", "position", "grant_id", "claimed_at", "ended_at", "points", "ledger"}

// export streams a campaign's whole list as CSV (RFC 4180), one column for each
// question behind the fixed ones. When the register fails on the way, the
// stream is cut off, so that nobody takes a part for the whole.
func (c *call) export(campaign *engine.Campaign, find engine.PlaceQuery) error {
	find.Limit = exportPage
	rows, err := c.exportPage(find)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", csvType+"; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="`+campaign.ID+`.csv"`)
	h["Cache-Control"] = noStore
	c.status = http.StatusOK
	c.w.WriteHeader(c.status)
	if c.r.Method == http.MethodHead {
		return nil
	}
	out := csv.NewWriter(c.w)
	_ = out.Write(columns(campaign.Form)) // the writer keeps its first error: see Flush
	for len(rows) > 0 {
		for i := range rows {
			_ = out.Write(record(&rows[i], campaign))
		}
		if !c.flush(out) {
			return nil // the reader is gone
		}
		find.After = rows[len(rows)-1].ClaimOff
		if len(rows) < exportPage {
			break
		}
		if rows, err = c.exportPage(find); err != nil {
			c.server.log.WarnContext(c.r.Context(), "an export was cut off", "room", "api", "campaign", campaign.ID, "err", err)
			panic(http.ErrAbortHandler) // the one way to tell net/http not to end the body properly
		}
	}
	c.flush(out)
	return nil
}

func (c *call) exportPage(find engine.PlaceQuery) ([]engine.PlaceRow, error) {
	ctx, cancel := c.deadline()
	defer cancel()
	return c.server.ports.Register.Places(ctx, find)
}

// flush sends what is written and reports whether the reader still reads.
func (c *call) flush(out *csv.Writer) bool {
	control := http.NewResponseController(c.w)
	_ = control.SetWriteDeadline(time.Now().Add(exportPatience)) // not every writer has one: then the server's own holds
	out.Flush()
	return out.Error() == nil && control.Flush() == nil
}

func columns(form []engine.Question) []string {
	names := append([]string(nil), exportColumns...)
	for _, q := range form {
		names = append(names, harmless(q.ID))
	}
	return names
}

func record(row *engine.PlaceRow, campaign *engine.Campaign) []string {
	cells := []string{
		harmless(row.Member), row.State, positive(row.Rank), positive(row.Position),
		engine.GrantID(campaign.Partition, row.ClaimOff), moment(row.ClaimedAt), moment(row.EndedAt),
		itoa(row.Points), "queued",
	}
	if row.Booked {
		cells[len(cells)-1] = "booked"
	}
	var answers map[string]json.RawMessage
	if row.Answers != nil && json.Unmarshal(row.Answers, &answers) != nil {
		answers = nil // sealed under another secret: the ledger has no answers to show
	}
	for _, q := range campaign.Form {
		cells = append(cells, harmless(cell(answers[q.ID])))
	}
	return cells
}

// cell shows an answer: a text as it is, a list of texts joined, the rest as JSON.
func cell(v json.RawMessage) string {
	var text string
	if json.Unmarshal(v, &text) == nil {
		return text
	}
	var list []string
	if json.Unmarshal(v, &list) == nil {
		return strings.Join(list, "; ")
	}
	return string(v)
}

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func positive(n int64) string {
	if n <= 0 {
		return ""
	}
	return itoa(n)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return string(appendInstant(nil, t))
}
