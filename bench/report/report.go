package report

import (
	"math"
	"time"

	"firstcome/bench/history"
	"firstcome/bench/load"
)

// Report is one run.
type Report struct {
	What    string    `json:"what"`  // "noon", "stampede", "like"
	Shape   string    `json:"shape"` // "embedded", "cluster"
	Stack   string    `json:"stack"` // what ran, in one sentence
	Load    string    `json:"load"`  // what was played, in one sentence
	Started time.Time `json:"started"`
	Command string    `json:"command"`
	Commit  string    `json:"commit"`
	Machine Machine   `json:"machine"`

	Series  []Series       `json:"series,omitempty"`
	Figures []Figure       `json:"figures,omitempty"`
	Targets []Target       `json:"targets,omitempty"`
	Answers map[string]int `json:"answers"` // how many, by status and code
	Audit   Audit          `json:"audit"`
}

// Series is the latencies of one kind of call, or of all of them.
type Series struct {
	Name  string  `json:"name"`
	Count int64   `json:"count"`
	Mean  float64 `json:"mean_ms"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p999_ms"`
	Max   float64 `json:"max_ms"`
	Bins  []Bin   `json:"bins"`
	Drawn bool    `json:"drawn"` // the picture shows it
}

// Bin counts latencies from Low on to below High.
type Bin struct {
	Low   float64 `json:"low_ms"`
	High  float64 `json:"high_ms"`
	Count int64   `json:"count"`
}

// Figure is a number that is not a latency.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// Target is what was hoped for and whether it was reached.
type Target struct {
	Name string  `json:"name"`
	Unit string  `json:"unit"`
	Want float64 `json:"want"`
	Got  float64 `json:"got"`
	// More says that Want is a lower bound; else it is an upper one.
	More bool `json:"more"`
}

// Reached tells whether the target is reached.
func (t Target) Reached() bool {
	if t.More {
		return t.Got >= t.Want
	}
	return t.Got <= t.Want
}

// Audit is what the end of the run found.
type Audit struct {
	Campaigns  int                 `json:"campaigns"`
	Answers    int                 `json:"answers"`
	Places     int                 `json:"places"`
	Violations []history.Violation `json:"violations"`
}

// Clean says that nothing was found.
func (a Audit) Clean() bool { return len(a.Violations) == 0 }

// NewSeries summarizes a histogram.
func NewSeries(name string, h *load.Histogram) Series {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return Series{
		Name: name, Count: h.TotalCount(), Mean: ms(h.Average()),
		P50: ms(h.Quantile(0.5)), P90: ms(h.Quantile(0.9)), P95: ms(h.Quantile(0.95)),
		P99: ms(h.Quantile(0.99)), P999: ms(h.Quantile(0.999)), Max: ms(h.Longest()),
		Bins: bins(h),
	}
}

// binsPerDecade makes each bin about a quarter wider than the one before.
const binsPerDecade = 10

// bins counts a histogram's values in bins of equal width on a logarithmic
// scale, from the first that is not empty to the last.
func bins(h *load.Histogram) []Bin {
	var counts [8*binsPerDecade + 1]int64 // 1 us to 100 s
	first, last := len(counts), -1
	for _, bar := range h.Distribution() {
		if bar.Count == 0 {
			continue
		}
		i := int(math.Log10(float64(max(bar.From, 1))) * binsPerDecade)
		i = min(i, len(counts)-1)
		counts[i] += bar.Count
		first, last = min(first, i), max(last, i)
	}
	var all []Bin
	for i := first; i <= last; i++ {
		edge := func(i int) float64 { return math.Pow(10, float64(i)/binsPerDecade) / 1000 }
		all = append(all, Bin{Low: edge(i), High: edge(i + 1), Count: counts[i]})
	}
	return all
}
