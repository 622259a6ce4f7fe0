package fault

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"firstcome/bench/report"
)

// Sheet is a campaign of runs, as it is shown and saved.
type Sheet struct {
	Started time.Time      `json:"started"`
	Command string         `json:"command"`
	Commit  string         `json:"commit"`
	Machine report.Machine `json:"machine"`
	Runs    []*Outcome     `json:"runs"`
	Rivals  []*Outcome     `json:"rivals,omitempty"` // the Redis-first engine's
}

// notes are what no run can tell: what was found and mended, what is not promised.
//
//go:embed notes.md
var notes string

// Add takes a run in, without its history.
func (s *Sheet) Add(o *Outcome) {
	o.Ops, o.strike = nil, nil
	if o.Rival {
		s.Rivals = append(s.Rivals, o)
	} else {
		s.Runs = append(s.Runs, o)
	}
}

// Broken names every promise that a run broke: scenario, seed, invariant, and
// where its history is kept.
func (s *Sheet) Broken() (lines []string) {
	for _, o := range s.Runs {
		for _, v := range o.Violations {
			lines = append(lines, fmt.Sprintf("%s, workload %s, seed %d: %s %s: %s (kept in %s)", o.Scenario, o.Workload, o.Seed, v.Rule, v.Campaign, v.Detail, o.Folder))
		}
	}
	return lines
}

// Line tells a run in one line.
func (o *Outcome) Line() string {
	m := o.Measured
	verdict := "every promise was kept"
	switch n := len(o.Violations); {
	case o.Rival:
		verdict = fmt.Sprintf("%d members too many, %d ranks told twice", m.Over, m.Twice)
	case n > 0:
		verdict = fmt.Sprintf("%d VIOLATIONS", n)
	}
	return fmt.Sprintf("%d answers, %d x 5xx, %d x 503 to come again, %d x 202; longest gap %s, slowest %s: %s",
		m.Answers, m.Failed, m.Unavailable, m.Deciding, short(m.Gap), short(m.Slowest), verdict)
}

func short(d time.Duration) string {
	if d >= time.Second {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

// row is what all runs of a scenario came to.
type row struct {
	*Outcome
	seeds, violations int
	sum               Measures // counts are summed, times are the longest
	appends           float64
	granted           int
}

// rows gathers runs by scenario and workload, in the order of the first of each.
func rows(runs []*Outcome) (all []*row) {
	for _, o := range runs {
		i := slices.IndexFunc(all, func(r *row) bool { return r.Scenario == o.Scenario && r.Workload == o.Workload })
		if i < 0 {
			i = len(all)
			all = append(all, &row{Outcome: o})
		}
		all[i].add(o)
	}
	return all
}

func (r *row) add(o *Outcome) {
	m := &o.Measured
	r.seeds++
	r.violations += len(o.Violations)
	r.sum.Answers += m.Answers
	r.sum.Failed += m.Failed
	r.sum.Unavailable += m.Unavailable
	r.sum.Deciding += m.Deciding
	r.sum.Silent += m.Silent
	r.sum.Gap = max(r.sum.Gap, m.Gap)
	r.sum.Slowest = max(r.sum.Slowest, m.Slowest)
	r.sum.First = max(r.sum.First, m.First)
	r.sum.Steady = max(r.sum.Steady, m.Steady)
	r.appends += m.Appends * float64(m.Granted)
	r.granted += m.Granted
	r.sum.Over += m.Over
	r.sum.Late = max(r.sum.Late, m.Late)
	r.sum.Twice += m.Twice
}

// Tables are the runs as tables of Markdown.
func (s *Sheet) Tables() string {
	var b strings.Builder
	all := rows(s.Runs)
	if len(all) > 0 {
		s.own(&b, all)
	}
	if len(s.Rivals) > 0 {
		s.beside(&b, all)
	}
	return b.String()
}

func (s *Sheet) own(b *strings.Builder, all []*row) {
	b.WriteString("| | what breaks | load | runs | answers | violations | 5xx | 503 to come again | 202 | longest gap | slowest claim | first decision | appends per grant | steady after | machine late |\n" +
		"|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	var total row
	for _, r := range all {
		appends, first := "-", "-"
		if r.sum.First > 0 {
			first = short(r.sum.First)
		}
		if r.granted > 0 {
			appends = fmt.Sprintf("%.2f", r.appends/float64(r.granted))
		}
		fmt.Fprintf(b, "| %s | %s | %s | %d | %d | %d | %d | %d | %d | %s | %s | %s | %s | %s | %s |\n", r.Scenario, r.What, r.Workload, r.seeds, r.sum.Answers, r.violations, r.sum.Failed,
			r.sum.Unavailable, r.sum.Deciding, short(r.sum.Gap), short(r.sum.Slowest), first, appends, short(r.sum.Steady), short(r.sum.Late))
		total.seeds += r.seeds
		total.violations += r.violations
		total.sum.Answers += r.sum.Answers
		total.sum.Failed += r.sum.Failed
	}
	fmt.Fprintf(b, "| | **all** | | **%d** | **%d** | **%d** | **%d** | | | | | | | | |\n\n", total.seeds, total.sum.Answers, total.violations, total.sum.Failed)
}

// beside puts the rival's runs next to firstcome's under the same faults.
func (s *Sheet) beside(b *strings.Builder, own []*row) {
	b.WriteString("The same faults, load and seeds on a Redis-first engine (`bench/rival/naive`), judged by its answers alone: members who were granted a place beyond a cap, and ranks told twice.\n\n" +
		"| | over the cap | ranks twice | 5xx | 503, 202 | slowest claim | longest gap | firstcome: violations | 5xx | slowest claim | longest gap |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range rows(s.Rivals) {
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %s | %s |", r.Scenario, r.sum.Over, r.sum.Twice, r.sum.Failed, r.sum.Unavailable+r.sum.Deciding, short(r.sum.Slowest), short(r.sum.Gap))
		i := slices.IndexFunc(own, func(o *row) bool { return o.Scenario == r.Scenario && o.Workload == r.Workload })
		if i < 0 {
			b.WriteString(" | | | |\n")
			continue
		}
		o := own[i]
		fmt.Fprintf(b, " %d | %d | %s | %s |\n", o.violations, o.sum.Failed, short(o.sum.Slowest), short(o.sum.Gap))
	}
	b.WriteString("\n")
}

// Page is the whole result to read. picture is the name of its picture; "": none.
func (s *Sheet) Page(picture string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Faults: %s\n\n`%s`\n\n", s.Started.UTC().Format("2006-01-02 15:04 UTC"), s.Command)
	fmt.Fprintf(&b, "Commit %s. %d x %s, %s memory, %s, %s; the crowd ran on the same machine.\n\n",
		s.Commit, s.Machine.Cores, s.Machine.CPU, s.Machine.Memory, s.Machine.System, s.Machine.Go)
	b.WriteString(s.Tables())
	if broken := s.Broken(); len(broken) > 0 {
		fmt.Fprintf(&b, "**Broken:**\n\n- %s\n\n", strings.Join(broken, "\n- "))
	}
	if picture != "" {
		fmt.Fprintf(&b, "![Claims through a Redis failover, the death of a Kafka leader and a Postgres outage](%s)\n\n", picture)
	}
	b.WriteString(notes)
	return b.String()
}

// Save writes page, data and picture as faults-<date>, and returns the page's name.
func (s *Sheet) Save(dir string) (string, error) {
	base := "faults-" + s.Started.UTC().Format("2006-01-02")
	files := map[string]string{}
	picture := ""
	if svg := s.Picture(); svg != "" {
		picture = base + ".svg"
		files[".svg"] = svg
	}
	files[".md"] = s.Page(picture)
	data, err := json.MarshalIndent(s.lean(), "", " ")
	if err != nil {
		return "", fmt.Errorf("save the faults: %w", err)
	}
	files[".json"] = string(data) + "\n"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("save the faults: %w", err)
	}
	for ending, text := range files {
		if err := os.WriteFile(filepath.Join(dir, base+ending), []byte(text), 0o644); err != nil {
			return "", fmt.Errorf("save the faults: %w", err)
		}
	}
	return filepath.Join(dir, base+".md"), nil
}

// lean is the sheet without timelines that no picture shows, and without folders
// of this machine.
func (s *Sheet) lean() *Sheet {
	lean := *s
	strip := func(runs []*Outcome) []*Outcome {
		all := make([]*Outcome, len(runs))
		for i, o := range runs {
			one := *o
			one.Folder, one.Measured.Timeline = "", nil
			all[i] = &one
		}
		slices.SortStableFunc(all, func(a, b *Outcome) int { return cmp.Compare(a.Started.UnixNano(), b.Started.UnixNano()) })
		return all
	}
	lean.Runs, lean.Rivals = strip(s.Runs), strip(s.Rivals)
	return &lean
}
