package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// call makes one command of Chromium's protocol.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[R] {
	return func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, command, params) }
}

func emulationUserAgent(agent, accept string) chromedp.Action[cdp.Empty] {
	return call(emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: accept})
}

// must does something in the browser that cannot fail.
func must[R any](b *tab, do chromedp.Action[R]) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	r, err := chromedp.Run(ctx, do)
	if err != nil {
		b.fatalf("the browser: %v", err)
	}
	return r
}

// eval is what an expression says in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	return must(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// tries is eval while the page may be on its way to another one: then it is
// empty.
func tries[T any](b *tab, expression string) T {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	r, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if errors.Is(err, context.DeadlineExceeded) {
		b.t.Helper()
		b.fatalf("the page does not answer")
	}
	return r
}

// quoted is a string in JavaScript.
func quoted(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

// open goes to an address and waits until the page is there.
func (b *tab) open(address string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	b.faults.home(address)
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		b.fatalf("open %s: %v", address, err)
	}
}

// reload is the reader's own reload.
func (b *tab) reload() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Reload()); err != nil {
		b.fatalf("reload: %v", err)
	}
}

// fatalf ends the test with what can be seen, and keeps a picture of it.
func (b *tab) fatalf(format string, args ...any) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	seen, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText.slice(0, 2500)`))
	if err != nil {
		seen = err.Error()
	}
	if shot, err := chromedp.Run(ctx, call(page.CaptureScreenshot, page.CaptureScreenshotParams{})); err == nil {
		keep(b.t, "failed", shot.Data)
	}
	b.t.Fatalf("%s\nthe page shows: %s\nand said: %s", fmt.Sprintf(format, args...), seen, b.faults)
}

// tells gives the page a function that tells the test something.
func (b *tab) tells(name string, told func(string)) {
	b.t.Helper()
	if err := chromedp.Listen(b.ctx, func(event any) {
		if e, ok := event.(*runtime.EventBindingCalled); ok && e.Name == name {
			told(e.Payload)
		}
	}); err != nil {
		b.fatalf("%v", err)
	}
	must(b, call(runtime.AddBinding, runtime.AddBindingParams{Name: name}))
}
