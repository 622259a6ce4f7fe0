package play

import (
	"time"

	"firstcome/bench/load"
	"firstcome/bench/report"
)

// seriesSet is named histograms in the order in which they were asked for.
type seriesSet struct {
	names []string
	drawn map[string]bool
	by    map[string]*load.Histogram
}

func newSeriesSet() *seriesSet {
	return &seriesSet{drawn: map[string]bool{}, by: map[string]*load.Histogram{}}
}

// of returns the histogram of that name.
func (s *seriesSet) of(name string) *load.Histogram {
	h, ok := s.by[name]
	if !ok {
		h = load.NewHistogram()
		s.by[name] = h
		s.names = append(s.names, name)
	}
	return h
}

func (s *seriesSet) add(d time.Duration, names ...string) {
	for _, name := range names {
		s.of(name).Add(d)
	}
}

// draw says which series the picture shows.
func (s *seriesSet) draw(names ...string) {
	for _, name := range names {
		s.drawn[name] = true
	}
}

// report returns the series that are not empty.
func (s *seriesSet) report() []report.Series {
	var all []report.Series
	for _, name := range s.names {
		if s.by[name].TotalCount() > 0 {
			one := report.NewSeries(name, s.by[name])
			one.Drawn = s.drawn[name]
			all = append(all, one)
		}
	}
	return all
}

// claimName tells what became of a claim, for people.
func claimName(t *told) string {
	switch {
	case t.op.Status == 201:
		return "apply: granted"
	case t.op.Status == 200:
		return "apply: the same again"
	case t.op.Code == "sold-out":
		return "apply: sold out"
	}
	return "apply: other"
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// cpuFigures are the milliseconds of CPU that a thousand requests cost.
func cpuFigures(before, after map[string]time.Duration, requests int) []report.Figure {
	var all []report.Figure
	for _, what := range []string{"firstcome", "redis", "sentinel", "kafka", "postgres"} {
		used, ok := after[what]
		if !ok || requests == 0 {
			continue
		}
		all = append(all, report.Figure{
			Name: "CPU of " + what + " per 1,000 requests", Unit: "ms",
			Value: ms(used-before[what]) * 1000 / float64(requests),
		})
	}
	return all
}
