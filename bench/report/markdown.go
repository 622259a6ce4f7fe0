package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Markdown renders the report. picture is the file name of its picture, "" when
// there is none.
func (r *Report) Markdown(picture string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s, %s: %s\n\n", r.What, r.Shape, r.Started.UTC().Format("2006-01-02 15:04 UTC"))
	fmt.Fprintf(&b, "%s\n\n%s\n\n", r.Load, r.Stack)
	fmt.Fprintf(&b, "`%s`\n\n", r.Command)
	fmt.Fprintf(&b, "Commit %s. %d x %s, %s memory, %s, %s; the generator ran on the same machine.\n\n",
		r.Commit, r.Machine.Cores, r.Machine.CPU, r.Machine.Memory, r.Machine.System, r.Machine.Go)
	r.audit(&b)
	if r.Audit.Clean() {
		r.tables(&b)
		if picture != "" {
			fmt.Fprintf(&b, "![Latencies of %s, %s](%s)\n", r.What, r.Shape, picture)
		}
	}
	return b.String()
}

func (r *Report) audit(b *strings.Builder) {
	a := r.Audit
	if a.Clean() {
		fmt.Fprintf(b, "Audit: clean. %s answers held against %s places in %d campaigns; log, gate and ledger are equal.\n\n",
			thousands(int64(a.Answers)), thousands(int64(a.Places)), a.Campaigns)
	} else {
		fmt.Fprintf(b, "**Audit: %d violations. There are no figures.**\n\n", len(a.Violations))
		for _, v := range a.Violations {
			fmt.Fprintf(b, "- %s, %s: %s\n", v.Rule, v.Campaign, v.Detail)
		}
		b.WriteString("\n")
	}
	var answers []string
	for _, what := range slices.Sorted(maps.Keys(r.Answers)) {
		answers = append(answers, fmt.Sprintf("%s %s", thousands(int64(r.Answers[what])), what))
	}
	fmt.Fprintf(b, "Answers: %s.\n\n", strings.Join(answers, ", "))
}

func (r *Report) tables(b *strings.Builder) {
	b.WriteString("| latency, ms | count | mean | p50 | p90 | p95 | p99 | p99.9 | max |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, s := range r.Series {
		fmt.Fprintf(b, "| %s | %s |", s.Name, thousands(s.Count))
		for _, v := range []float64{s.Mean, s.P50, s.P90, s.P95, s.P99, s.P999, s.Max} {
			fmt.Fprintf(b, " %s |", short(v))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	if len(r.Figures) > 0 {
		b.WriteString("| figure | value |\n|---|--:|\n")
		for _, f := range r.Figures {
			fmt.Fprintf(b, "| %s | %s |\n", f.Name, strings.TrimSpace(short(f.Value)+" "+f.Unit))
		}
		b.WriteString("\n")
	}
	if len(r.Targets) > 0 {
		b.WriteString("| target | wanted | measured | |\n|---|--:|--:|---|\n")
		for _, t := range r.Targets {
			sign, verdict := "<=", "**missed**"
			if t.More {
				sign = ">="
			}
			if t.Reached() {
				verdict = "reached"
			}
			fmt.Fprintf(b, "| %s | %s %s %s | %s %s | %s |\n", t.Name, sign, short(t.Want), t.Unit, short(t.Got), t.Unit, verdict)
		}
		b.WriteString("\n")
	}
}

// short gives three significant digits, and groups what is large.
func short(v float64) string {
	switch {
	case v >= 1000:
		return thousands(int64(v + 0.5))
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// thousands groups digits by commas.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
