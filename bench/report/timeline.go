package report

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"
)

// Timeline is how long requests took while time went by: one panel of a picture.
type Timeline struct {
	Title string
	Slots []TimelineSlot
	Rival []TimelineSlot // of another program under the same load; nil: none
	Marks []TimelineMark
}

// TimelineSlot is what was sent in a short stretch of time.
type TimelineSlot struct {
	At              time.Duration // from the moment that is 0
	Median, Slowest time.Duration
	Open            int // requests that were not answered for good
}

// TimelineMark is a moment with a name.
type TimelineMark struct {
	At   time.Duration
	What string
}

// The measures of a panel and of its axis, 1 ms to 10 s.
const (
	panelHeight, plotTop = 222.0, 56.0
	plotHeight           = 130.0
	fastest, slowest     = 1.0, 10_000.0 // ms
)

// timelineStyle adds to style what only timelines have.
const timelineStyle = `
  .median { fill: none; stroke: #2f6fde; stroke-width: 1.5 }
  .slowest { fill: #2f6fde; fill-opacity: .28 }
  .rival { fill: none; stroke: #c2410c; stroke-width: 1.2 }
  .open { fill: #b91c1c }
  .moment { stroke: #57606a; stroke-width: 1; stroke-dasharray: 2 3 }
  @media (prefers-color-scheme: dark) {
    .median { stroke: #5b9cff }
    .slowest { fill: #5b9cff; fill-opacity: .35 }
    .rival { stroke: #fb923c }
    .open { fill: #f87171 }
    .moment { stroke: #9198a1 }
  }
`

// Timelines draws panels below one another, each on a logarithmic axis of time
// taken: the slowest request of each stretch as an area, the median as a line,
// dots on top where requests were left open, and the rival's slowest as a line.
func Timelines(title, subtitle string, panels []Timeline) string {
	var b strings.Builder
	height := top + panelHeight*float64(len(panels)) + 30
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-label=%q>`+"\n", width, height, title)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>%s%s</style>\n", html.EscapeString(title), style, timelineStyle)
	fmt.Fprintf(&b, `<text class="title" x="%g" y="26">%s</text>`+"\n", left, html.EscapeString(title))
	fmt.Fprintf(&b, `<text x="%g" y="44">%s</text>`+"\n", left, html.EscapeString(subtitle))
	rival := false
	for i := range panels {
		panels[i].draw(&b, top+panelHeight*float64(i))
		rival = rival || panels[i].Rival != nil
	}
	legend(&b, height-12, rival)
	b.WriteString("</svg>\n")
	return b.String()
}

// legend says what the colours are.
func legend(b *strings.Builder, y float64, rival bool) {
	x := left
	entry := func(mark, text string) {
		fmt.Fprintf(b, mark, x, y)
		fmt.Fprintf(b, `<text x="%g" y="%g">%s</text>`+"\n", x+24, y, text)
		x += 30 + 6.4*float64(len(text))
	}
	entry(`<rect class="slowest" x="%g" y="%g" width="18" height="9" transform="translate(0 -9)"/>`, "slowest claim of 0.1 s")
	entry(`<path class="median" transform="translate(%g %g)" d="M0 -4h18"/>`, "median")
	entry(`<circle class="open" transform="translate(%g %g)" cx="9" cy="-4" r="2.5"/>`, "202, 503 or no answer")
	if rival {
		entry(`<path class="rival" transform="translate(%g %g)" d="M0 -4h18"/>`, "a Redis-first engine's slowest")
	}
}

// span is the time that a panel shows.
func (t *Timeline) span() (from, to time.Duration) {
	for _, slots := range [][]TimelineSlot{t.Slots, t.Rival} {
		for _, s := range slots {
			from, to = min(from, s.At), max(to, s.At+100*time.Millisecond)
		}
	}
	return from, max(to, from+time.Second)
}

const timelineLeft = left + 44 // room for the axis' numbers

func (t *Timeline) draw(b *strings.Builder, y float64) {
	from, to := t.span()
	x := func(at time.Duration) float64 {
		return timelineLeft + (width-right-timelineLeft)*float64(at-from)/float64(to-from)
	}
	floor := y + plotTop + plotHeight
	up := func(d time.Duration) float64 {
		ms := min(max(float64(d)/float64(time.Millisecond), fastest), slowest)
		return floor - plotHeight*math.Log(ms/fastest)/math.Log(slowest/fastest)
	}
	fmt.Fprintf(b, `<text class="name" x="%g" y="%g">%s</text>`+"\n", left, y+22, html.EscapeString(t.Title))
	for ms, name := range map[float64]string{1: "1 ms", 10: "10 ms", 100: "100 ms", 1000: "1 s", 10_000: "10 s"} {
		at := up(time.Duration(ms * float64(time.Millisecond)))
		fmt.Fprintf(b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/>`, timelineLeft, width-right, at, at)
		fmt.Fprintf(b, `<text x="%g" y="%.1f" text-anchor="end">%s</text>`+"\n", timelineLeft-6, at+4, name)
	}
	t.seconds(b, x, from, to, floor)
	t.curves(b, x, up, floor)
	t.moments(b, x, y+plotTop, floor)
}

// seconds numbers the axis of time, about ten numbers.
func (t *Timeline) seconds(b *strings.Builder, x func(time.Duration) float64, from, to time.Duration, floor float64) {
	step := time.Second
	for _, longer := range []time.Duration{2, 5, 10, 20} {
		if (to-from)/step > 12 {
			step = longer * time.Second
		}
	}
	for at := from.Truncate(step); at <= to; at += step {
		if at >= from {
			fmt.Fprintf(b, `<text x="%.1f" y="%g" text-anchor="middle">%d</text>`+"\n", x(at), floor+16, at/time.Second)
		}
	}
}

func (t *Timeline) curves(b *strings.Builder, x func(time.Duration) float64, up func(time.Duration) float64, floor float64) {
	if len(t.Slots) == 0 {
		return
	}
	var area, median, rival strings.Builder
	for i, s := range t.Slots {
		if pen(t.Slots, i) == "M" {
			fmt.Fprintf(&area, "M%.1f %.1f", x(s.At), floor)
		}
		fmt.Fprintf(&area, "L%.1f %.1f", x(s.At), up(s.Slowest))
		if i+1 == len(t.Slots) || pen(t.Slots, i+1) == "M" {
			fmt.Fprintf(&area, "L%.1f %.1fZ", x(s.At), floor)
		}
		fmt.Fprintf(&median, "%s%.1f %.1f", pen(t.Slots, i), x(s.At), up(s.Median))
		if s.Open > 0 {
			fmt.Fprintf(b, `<circle class="open" cx="%.1f" cy="%.1f" r="2"/>`, x(s.At), floor-plotHeight-6)
		}
	}
	for i, s := range t.Rival {
		fmt.Fprintf(&rival, "%s%.1f %.1f", pen(t.Rival, i), x(s.At), up(s.Slowest))
	}
	fmt.Fprintf(b, "\n"+`<path class="slowest" d="%s"/>`+"\n"+`<path class="median" d="%s"/>`+"\n", area.String(), median.String())
	if rival.Len() > 0 {
		fmt.Fprintf(b, `<path class="rival" d="%s"/>`+"\n", rival.String())
	}
}

// pen lifts where nothing was sent for a while, as when everybody waits.
func pen(slots []TimelineSlot, i int) string {
	const silent = 350 * time.Millisecond
	if i == 0 || slots[i].At-slots[i-1].At > silent {
		return "M"
	}
	return "L"
}

// moments draws the marks; a name that would cover the one before is left out,
// and comes up when the mark is pointed at.
func (t *Timeline) moments(b *strings.Builder, x func(time.Duration) float64, y, floor float64) {
	free := 0.0
	for _, m := range t.Marks {
		at := x(m.At)
		fmt.Fprintf(b, `<line class="moment" x1="%.1f" x2="%.1f" y1="%g" y2="%g"><title>%s</title></line>`+"\n", at, at, y-10, floor, html.EscapeString(m.What))
		if long := 6.2 * float64(len(m.What)); at >= free && at+long < width {
			fmt.Fprintf(b, `<text x="%.1f" y="%g">%s</text>`+"\n", at+3, y-12, html.EscapeString(m.What))
			free = at + long + 10
		}
	}
}
