package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The picture's measures, in its own units.
const (
	width, rowHeight      = 760.0, 166.0
	left, right, top, end = 24.0, 24.0, 52.0, 44.0
)

// style draws for a light page and, where the reader prefers it, a dark one.
const style = `
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .title { font-size: 16px; font-weight: 600; fill: #1f2328 }
  .name { font-weight: 600; fill: #1f2328 }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .bar { fill: #2f6fde }
  .mark { stroke: #c2410c; stroke-width: 1.5; stroke-dasharray: 3 3 }
  .value { fill: #c2410c; font-size: 11px }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 }
    .title, .name { fill: #f0f6fc }
    .grid { stroke: #30363d }
    .bar { fill: #5b9cff }
    .mark { stroke: #fb923c }
    .value { fill: #fb923c }
  }
`

// drawn are the series of the picture: those that ask for it, or else all.
func (r *Report) drawn() []Series {
	var some []Series
	for _, s := range r.Series {
		if s.Drawn {
			some = append(some, s)
		}
	}
	if some == nil {
		return r.Series
	}
	return some
}

// SVG draws each drawn series as a histogram on one common logarithmic axis, one
// below the other, with its median, p95 and p99 marked. "" without series.
func (r *Report) SVG() string {
	series := r.drawn()
	axis, ok := newAxis(series)
	if !ok {
		return ""
	}
	var b strings.Builder
	height := top + rowHeight*float64(len(series)) + end
	title := fmt.Sprintf("%s, %s: latencies", r.What, r.Shape)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-label=%q>`+"\n", width, height, title)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>%s</style>\n", html.EscapeString(title), style)
	fmt.Fprintf(&b, `<text class="title" x="%g" y="26">%s</text>`+"\n", left, html.EscapeString(title))
	fmt.Fprintf(&b, `<text x="%g" y="44">%s, commit %s, %d cores</text>`+"\n", left,
		r.Started.UTC().Format("2006-01-02"), html.EscapeString(r.Commit), r.Machine.Cores)
	for i := range series {
		series[i].draw(&b, axis, top+rowHeight*float64(i))
	}
	axis.draw(&b, top+rowHeight*float64(len(series)))
	b.WriteString("</svg>\n")
	return b.String()
}

// axis is milliseconds on a logarithmic scale.
type axis struct{ low, high float64 }

func newAxis(series []Series) (axis, bool) {
	a := axis{math.Inf(1), 0}
	for _, s := range series {
		if len(s.Bins) > 0 {
			a.low = min(a.low, s.Bins[0].Low)
			a.high = max(a.high, s.Bins[len(s.Bins)-1].High)
		}
	}
	return a, a.high > 0
}

func (a axis) x(ms float64) float64 {
	share := math.Log(ms/a.low) / math.Log(a.high/a.low)
	return left + min(max(share, 0), 1)*(width-left-right)
}

// draw puts a number at 1, 2 and 5 of each decade; only at 1 when the axis is long.
func (a axis) draw(b *strings.Builder, y float64) {
	steps := []float64{1, 2, 5}
	if a.high/a.low > 1000 {
		steps = steps[:1]
	}
	for decade := -3; decade <= 5; decade++ {
		for _, step := range steps {
			ms := step * math.Pow(10, float64(decade))
			if ms < a.low || ms > a.high {
				continue
			}
			fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/>`, a.x(ms), a.x(ms), y-4, y+4)
			fmt.Fprintf(b, `<text x="%.1f" y="%g" text-anchor="middle">%g ms</text>`+"\n", a.x(ms), y+20, ms)
		}
	}
}

// draw draws one histogram; its bars are shares of the highest.
func (s *Series) draw(b *strings.Builder, a axis, y float64) {
	const room = 54.0 // above the bars, for names and marks
	floor := y + rowHeight
	tallest := int64(1)
	for _, bin := range s.Bins {
		tallest = max(tallest, bin.Count)
	}
	fmt.Fprintf(b, `<text class="name" x="%g" y="%g">%s</text>`, left, y+24, html.EscapeString(s.Name))
	fmt.Fprintf(b, `<text x="%g" y="%g" text-anchor="end">%s</text>`+"\n", width-right, y+24, thousands(s.Count))
	for _, bin := range s.Bins {
		if bin.Count == 0 {
			continue
		}
		h := max(1, (rowHeight-room)*float64(bin.Count)/float64(tallest))
		x, w := a.x(bin.Low), a.x(bin.High)-a.x(bin.Low)
		fmt.Fprintf(b, `<rect class="bar" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s to %s ms: %s</title></rect>`+"\n",
			x+0.5, floor-h, max(w-1, 0.5), h, short(bin.Low), short(bin.High), thousands(bin.Count))
	}
	fmt.Fprintf(b, `<line class="grid" x1="%g" x2="%g" y1="%g" y2="%g"/>`+"\n", left, width-right, floor, floor)
	s.marks(b, a, y+room-4, floor)
}

// marks draws the quantiles with their values above.
func (s *Series) marks(b *strings.Builder, a axis, y, floor float64) {
	names, values := []string{"p50", "p95", "p99"}, []float64{s.P50, s.P95, s.P99}
	var at []float64
	for _, ms := range values {
		at = append(at, a.x(ms))
	}
	labels := spread(at)
	for i, x := range at {
		fmt.Fprintf(b, `<line class="mark" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/>`, x, x, y, floor)
		fmt.Fprintf(b, `<text class="value" x="%.1f" y="%g" text-anchor="middle">%s %s ms</text>`+"\n", labels[i], y-4, names[i], short(values[i]))
	}
}

// spread moves rising places apart so that labels do not cover one another or
// leave the picture: first to the right, then back from the right edge.
func spread(at []float64) []float64 {
	const label = 80.0
	places := append([]float64(nil), at...)
	low := left + label/2
	for i := range places {
		places[i] = max(places[i], low)
		low = places[i] + label
	}
	high := width - right - label/2
	for i := len(places) - 1; i >= 0; i-- {
		places[i] = min(places[i], high)
		high = places[i] - label
	}
	return places
}
