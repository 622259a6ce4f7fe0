package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestATimelineIsSoundAndBreaksWhereNothingWasSent(t *testing.T) {
	line := Timeline{Title: "the <leader> dies", Marks: []TimelineMark{{0, "it & its machine die"}, {10 * time.Millisecond, "hidden"}, {2 * time.Second, "back"}}}
	for _, at := range []time.Duration{-200, -100, 0, 100, 1500, 1600} {
		slot := TimelineSlot{At: at * time.Millisecond, Median: 2 * time.Millisecond, Slowest: 300 * time.Millisecond}
		if at == 0 {
			slot.Open = 3
		}
		line.Slots = append(line.Slots, slot)
	}
	line.Rival = line.Slots[:4]
	svg := Timelines("Claims", "a day", []Timeline{line, {Title: "nothing"}})
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for what, want := range map[string]int{
		`class="slowest" d="`: 1, `class="rival" d="`: 1, `class="open" cx=`: 1, `class="moment"`: 3, "prefers-color-scheme: dark": 2, ">hidden</text>": 0,
	} {
		if got := strings.Count(svg, what); got != want {
			t.Errorf("%d x %s, want %d", got, what, want)
		}
	}
	path := svg[strings.Index(svg, `class="median" d="`):]
	if path = path[:strings.Index(path, "/>")]; strings.Count(path, "M") != 2 {
		t.Errorf("the line does not break once: %s", path)
	}
}
