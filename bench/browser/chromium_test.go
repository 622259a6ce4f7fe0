package browser

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"firstcome/bench/stack"
)

// chromium is the one browser process of these tests. Everybody who uses it has
// cookies and windows apart from the others'.
type chromium struct {
	ctx   context.Context
	close func()
}

func theBrowser(t testing.TB) *chromium {
	t.Helper()
	stack.NeedBrowser(t)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.browser == nil {
		shared.browser = startChromium(t)
	}
	return shared.browser
}

func startChromium(t testing.TB) *chromium {
	t.Helper()
	path, err := stack.Chromium()
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.Flag("hide-scrollbars", true))
	if os.Getuid() == 0 { // Chromium's sandbox refuses root
		options = append(options, chromedp.NoSandbox)
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(alloc)
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		stop()
		t.Fatalf("start chromium: %v", err)
	}
	return &chromium{ctx: ctx, close: func() {
		short, done := context.WithTimeout(ctx, 10*time.Second)
		defer done()
		_ = chromedp.Cancel(short) // killed below when it does not close
		cancel()
		stop()
	}}
}

// screen is what somebody looks at.
type screen struct {
	width, height int64
	touch         bool
}

var (
	phone  = screen{360, 740, true}
	tablet = screen{768, 1024, true}
	laptop = screen{1440, 900, false}
)

// somebody is a person with a browser: how they look at pages and what with.
type somebody struct {
	screen
	language     string // "ko" or "en"
	keyboardOnly bool
	ahead        time.Duration // of the time, by the clock of their device
}

func (s somebody) asKorean() somebody { s.language = "ko"; return s }

func (s somebody) withKeyboardOnly() somebody { s.keyboardOnly = true; return s }

func (s somebody) withClockAhead(by time.Duration) somebody { s.ahead = by; return s }

func on(s screen) somebody { return somebody{screen: s, language: "en"} }

// wrongClock sets the clock of the device, which pages see as Date.
const wrongClock = `{ const True = Date, by = %d; if (by) Date = class extends True {
	constructor(...given) { if (given.length) super(...given); else super(True.now() + by); }
	static now() { return True.now() + by; }
}; }`

// tab is one open window of a person.
type tab struct {
	t      testing.TB
	ctx    context.Context
	who    somebody
	faults *faults
	line   *line // when it has one of its own
}

// sits gives a person a browser without a past, closed when the test ends.
func (s somebody) sits(t testing.TB) *tab {
	t.Helper()
	return newTab(t, theBrowser(t).ctx, s, chromedp.WithNewBrowserContext())
}

// twin is a second window of the same person, with the same cookies.
func (b *tab) twin() *tab {
	b.t.Helper()
	return newTab(b.t, b.ctx, b.who)
}

func newTab(t testing.TB, parent context.Context, who somebody, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, who: who, faults: &faults{}}
	if err := chromedp.Listen(ctx, b.faults.see); err != nil {
		t.Fatalf("open a window: %v", err)
	}
	t.Cleanup(func() { b.faults.report(t) })
	accept := map[string]string{"ko": "ko-KR,ko;q=0.9", "en": "en-GB,en;q=0.9"}[who.language]
	agent := eval[string](b, `navigator.userAgent`)
	must(b, emulationUserAgent(agent, accept))
	must(b, call(emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: who.language}))
	must(b, call(emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Seoul"}))
	must(b, call(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	must(b, call(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: witness}))
	must(b, call(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: fmt.Sprintf(wrongClock, who.ahead.Milliseconds()),
	}))
	b.looks(who.screen, "light")
	return b
}

// looks changes the size of the window and whether the person likes it dark.
func (b *tab) looks(s screen, theme string) {
	b.t.Helper()
	must(b, call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: s.width, Height: s.height, DeviceScaleFactor: 1, Mobile: s.touch,
	}))
	must(b, call(emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: s.touch}))
	must(b, call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}))
}
