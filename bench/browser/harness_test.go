package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// site is a small page of the tests themselves. It forbids what the pages do.
func site(t *testing.T, html string, forbidden ...string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", strings.Join(forbidden, ";"))
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><title>t</title><link rel="icon" href="data:,">` +
			`<meta name="viewport" content="width=device-width"><main><h1>Hello</h1>` + html))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// The words find, wait, press and read.
func TestTheWords(t *testing.T) {
	page := `<button data-test="go" style="margin:3000px 0 0;min-height:24px" onclick="said.textContent = field.value + ' ' + this.dataset.n++" data-n="1">Go</button>
		<label>Name <input id="field" data-test="name"></label><p id="said" data-test="said"></p><p data-test="count">1,234 left</p>`
	for _, who := range []somebody{on(phone), on(laptop), on(laptop).withKeyboardOnly()} {
		b := who.asKorean().sits(t)
		b.open(site(t, page))
		b.types("name", "홍길동")
		b.tap("go")
		b.shows("said", "홍길동 1")
		b.counts("count", 1234)
		b.lacks("nothing")
		if got := eval[string](b, `navigator.language`); got != "ko-KR" {
			t.Errorf("the browser speaks %s", got)
		}
		if who.touch {
			b.doubleTap("go")
			b.shows("said", "홍길동 3")
		}
	}
}

// The watch sees each kind of fault, and the words see what is wrong with a page.
func TestTheWatchCatches(t *testing.T) {
	b := on(laptop).sits(t)
	for _, tt := range []struct{ html, fault string }{
		{`<script>throw new Error("boom")</script>`, "boom"},
		{`<script>console.error("sad", 7)</script>`, "sad 7"},
		{`<script>Promise.reject(new Error("late"))</script>`, "late"},
		{`<img src="http://127.0.0.1:9/x.png" alt="">`, "another host: http://127.0.0.1:9/x.png"},
		{`<p style="color:red">x</p>`, "violates the policy: style-src"},
	} {
		b.open(site(t, tt.html, "style-src 'self'"))
		eventually(t, patience, func() string {
			if text := b.faults.String(); !strings.Contains(text, tt.fault) {
				return "the watch did not see " + tt.fault + ", but " + text
			}
			return ""
		})
		b.faults.all = nil
	}
	b.open(site(t, `<button style="outline:none">x</button>`))
	b.press("\t")
	if why := eval[string](b, ring); !strings.Contains(why, "no ring") {
		t.Errorf("the focus without a ring is not seen: %q", why)
	}
}

// A window that is offline gets nothing, and its open stream ends.
func TestTheNetworkGoesAndComes(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = w.Write([]byte("retry: 50\ndata: hello\n\n"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><title>t</title><p id=p></p><script>let n = 0, e = new EventSource("/stream");
			e.onmessage = () => p.textContent = "connected " + ++n; e.onerror = () => p.textContent = "cut " + n</script>`))
	}))
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	b := on(phone).sits(t)
	b.open(b.through(s.URL))
	b.sees("connected 1")
	b.offline()
	b.sees("cut 1")
	b.online()
	b.sees("connected 2")
	b.without("*://*:*/stream*")
	b.offline()
	b.online()
	b.sees("cut 2")
}

// axe and the width are judged, and a picture is kept.
func TestThePortraits(t *testing.T) {
	b := on(laptop).sits(t)
	b.open(site(t, `<p>fine</p>`))
	b.portrait("fine")
	b.open(site(t, `<p style="color:#999;background:#aaa">pale</p><div style="width:2000px">wide</div>`))
	judge := &recorder{TB: t}
	b.t = judge
	b.portrait("bad")
	for _, what := range []string{"color-contrast", "scrolled sideways"} {
		if !strings.Contains(judge.said, what) {
			t.Errorf("%s is not found, but: %s", what, judge.said)
		}
	}
}

// recorder is a test that keeps its errors for itself.
type recorder struct {
	testing.TB
	said string
}

func (r *recorder) Errorf(format string, args ...any) { r.said += fmt.Sprintf(format, args...) + "\n" }
