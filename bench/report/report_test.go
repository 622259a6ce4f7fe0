package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firstcome/bench/history"
	"firstcome/bench/load"
)

func sample() *Report {
	h, g := load.NewHistogram(), load.NewHistogram()
	for i := range 10_000 {
		h.Add(time.Duration(500+i%700) * time.Microsecond)
		if i%3 == 0 {
			g.Add(time.Duration(2000+(i*i)%30_000) * time.Microsecond)
		}
	}
	h.Add(400 * time.Millisecond)
	return &Report{
		What: "noon", Shape: "cluster", Load: "300 members.", Stack: "Two nodes.", Command: "go run ./cmd/bench noon",
		Commit: "abc <&>", Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Machine: ThisMachine(),
		Series:  []Series{NewSeries("all", h), NewSeries("apply <now>", g)},
		Figures: []Figure{{"requests", 12345.6, "/s"}},
		Targets: []Target{{"median", "ms", 12, 3.5, false}, {"share of an empty handler", "", 0.5, 0.4, true}},
		Answers: map[string]int{"201": 10000, "409 sold-out": 3334},
		Audit:   Audit{Campaigns: 1, Answers: 13334, Places: 10000},
	}
}

func TestBinsHoldEverySampleOnce(t *testing.T) {
	for _, s := range sample().Series {
		n := int64(0)
		for i, b := range s.Bins {
			n += b.Count
			if b.Low >= b.High || (i > 0 && s.Bins[i-1].High != b.Low) {
				t.Errorf("%s: bin %d from %v to %v", s.Name, i, b.Low, b.High)
			}
		}
		if n != s.Count {
			t.Errorf("%s: %d in bins of %d", s.Name, n, s.Count)
		}
		if s.Bins[0].Count == 0 || s.Bins[len(s.Bins)-1].Count == 0 {
			t.Errorf("%s: empty bins at an end", s.Name)
		}
	}
}

func TestThePictureIsSoundForBothPages(t *testing.T) {
	svg := sample().SVG()
	d := xml.NewDecoder(strings.NewReader(svg))
	bars := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			bars++
		}
	}
	if bars < 10 {
		t.Errorf("%d bars", bars)
	}
	for _, want := range []string{"prefers-color-scheme: dark", "apply &lt;now&gt;", "p95", "role=\"img\""} {
		if !strings.Contains(svg, want) {
			t.Errorf("the picture lacks %s", want)
		}
	}
	if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
		t.Error("the picture has numbers that are none")
	}
}

func TestAPictureOfOneValueOrNone(t *testing.T) {
	r := sample()
	h := load.NewHistogram()
	r.Series = []Series{NewSeries("nothing", h)}
	if r.SVG() != "" {
		t.Error("a picture of nothing")
	}
	h.Add(time.Millisecond)
	r.Series = []Series{NewSeries("one", h), NewSeries("nothing", load.NewHistogram())}
	if svg := r.SVG(); strings.Contains(svg, "NaN") || !strings.Contains(svg, "<rect") {
		t.Error(svg)
	}
}

func TestSaveWritesAllThree(t *testing.T) {
	dir := t.TempDir()
	path, err := sample().Save(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "2026-01-02-noon-cluster.md"); path != want {
		t.Errorf("%s, want %s", path, want)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| all | 10,001 |", "**missed**", "reached", "Audit: clean", "abc", "12,346 /s", "](2026-01-02-noon-cluster.svg)"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	data, err := os.ReadFile(strings.TrimSuffix(path, ".md") + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(data, &back); err != nil || len(back.Series) != 2 {
		t.Errorf("%d series, %v", len(back.Series), err)
	}
}

func TestAnUncleanRunHasNoFigures(t *testing.T) {
	dir := t.TempDir()
	r := sample()
	r.Audit.Violations = []history.Violation{{Rule: "over-cap", Campaign: "c", Detail: "11 places for a cap of 10"}}
	path, err := r.Save(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "over-cap") || strings.Contains(string(text), "p95") {
		t.Errorf("an unclean run shows figures:\n%s", text)
	}
	if pictures, _ := filepath.Glob(filepath.Join(dir, "*.svg")); len(pictures) > 0 {
		t.Error("an unclean run has a picture")
	}
}

func TestNumbersReadEasily(t *testing.T) {
	for v, want := range map[float64]string{0.124: "0.12", 9.999: "10.00", 12.34: "12.3", 345.6: "346", 1234567.8: "1,234,568"} {
		if got := short(v); got != want {
			t.Errorf("%v is shown as %s, want %s", v, got, want)
		}
	}
	if got := thousands(-1234); got != "-1,234" {
		t.Error(got)
	}
}

func TestLabelsStayApartAndInside(t *testing.T) {
	for _, at := range [][]float64{{30, 31, 32}, {700, 735, 736}, {100, 400, 700}, {24, 736, 736}} {
		got := spread(at)
		for i := range got {
			if got[i] < left || got[i] > width-right || (i > 0 && got[i]-got[i-1] < 79) {
				t.Errorf("%v became %v", at, got)
			}
		}
	}
}
