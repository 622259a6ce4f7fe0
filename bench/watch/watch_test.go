package watch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func text(id, name, data string) string {
	return fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", id, name, data)
}

const good = "retry: 1500\n\n" +
	"id: e-3\nevent: count\ndata: {\"from\":1,\"to\":3,\"granted\":2,\"waiting\":0,\"remaining\":1,\"at\":\"t\"}\n\n" +
	": \n\n" +
	"id: e-4\nevent: status\ndata: {\"from\":4,\"to\":4,\"status\":\"paused\",\"at\":\"t\"}\n\n" +
	"id: e-4\nevent: claim\ndata: {\"campaign\":\"c\",\ndata: \"state\":\"granted\"}\n\n" +
	"id: e-5\nevent: cap\ndata: {\"from\":5,\"to\":5,\"cap\":9,\"at\":\"t\"}\n\n"

// However the bytes arrive, the page is the same.
func TestAPageIsWhatTheFramesSay(t *testing.T) {
	for size := 1; size < len(good); size++ {
		p, page := &parser{}, Page{}
		for part := range slices.Chunk([]byte(good), size) {
			p.feed(part, page.Take)
		}
		if len(page.Wrong) > 0 || page.ID() != "e-5" || page.Granted != 2 || page.Status != "paused" || page.Cap == nil || *page.Cap != 9 || page.Claims != 1 || page.Frames != 3 {
			t.Fatalf("in parts of %d: %+v", size, page)
		}
		if p.retry.Milliseconds() != 1500 || p.strange != 0 {
			t.Fatalf("retry %s, %d strange lines", p.retry, p.strange)
		}
	}
}

func TestAStreamThatBreaksTheContractIsFound(t *testing.T) {
	const first = `{"from":1,"to":3,"granted":2,"waiting":0,"at":"t"}`
	for name, second := range map[string]string{
		"a hole":              text("e-6", "count", `{"from":5,"to":6,"at":"t"}`),
		"an overlap":          text("e-6", "count", `{"from":3,"to":6,"at":"t"}`),
		"another epoch":       text("f-6", "count", `{"from":4,"to":6,"at":"t"}`),
		"a wrong id":          text("e-7", "count", `{"from":4,"to":6,"at":"t"}`),
		"no id":               text("", "count", `{"from":4,"to":6,"at":"t"}`),
		"a merged status":     text("e-6", "status", `{"from":4,"to":6,"status":"open","at":"t"}`),
		"no time":             text("e-6", "count", `{"from":4,"to":6}`),
		"an unknown event":    text("e-6", "news", `{"from":4,"to":6,"at":"t"}`),
		"no JSON":             text("e-6", "count", `{"from":4,`),
		"backwards":           text("e-3", "count", `{"from":4,"to":3,"at":"t"}`),
		"a field nobody asks": "when: now\n" + text("e-6", "count", `{"from":4,"to":6,"at":"t"}`),
		"carriage returns":    strings.ReplaceAll(text("e-6", "count", `{"from":4,"to":6,"at":"t"}`), "\n", "\r\n"),
	} {
		p, page := &parser{}, Page{}
		p.feed([]byte(text("e-3", "count", first)), page.Take)
		p.feed([]byte(second), page.Take)
		if len(page.Wrong) == 0 && p.strange == 0 {
			t.Errorf("%s is not found: %+v", name, page)
		}
	}
}
