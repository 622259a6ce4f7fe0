package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"

	"firstcome/bench/stack"
)

// pictures is where screenshots are kept: FIRSTCOME_SCREENSHOTS, or a folder of
// the test that goes away with it.
func pictures(t testing.TB) string {
	dir := os.Getenv("FIRSTCOME_SCREENSHOTS")
	if dir == "" {
		return t.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func keep(t testing.TB, name string, png []byte) {
	t.Helper()
	file := strings.ReplaceAll(t.Name()+" "+name, "/", " ")
	if err := os.WriteFile(filepath.Join(pictures(t), strings.ReplaceAll(file, " ", "-")+".png"), png, 0o644); err != nil {
		t.Error(err)
	}
}

// tallest is where a picture of a long page ends.
const tallest = 2600

// portrait holds what the page shows now against axe at three widths, light and
// dark, checks that nothing must be scrolled sideways, and keeps a picture each.
func (b *tab) portrait(name string) {
	b.t.Helper()
	defer b.settles() // a finger that is quicker than the window's new size would miss
	defer b.looks(b.who.screen, "light")
	for _, s := range []screen{phone, tablet, laptop} {
		for _, theme := range []string{"light", "dark"} {
			b.looks(s, theme)
			b.settles()
			what := fmt.Sprintf("%s %d %s", name, s.width, theme)
			if wide := eval[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
				b.t.Errorf("%s must be scrolled sideways by %d pixels", what, wide)
			}
			b.axe(what)
			b.picture(what, s)
		}
	}
}

// picture keeps the page as it looks, from its top to its end.
func (b *tab) picture(name string, s screen) {
	b.t.Helper()
	height := eval[float64](b, `document.documentElement.scrollHeight`)
	beyond := true
	shot := must(b, call(page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: &beyond, OptimizeForSpeed: &beyond,
		Clip: &page.Viewport{Width: float64(s.width), Height: min(max(height, float64(s.height)), tallest), Scale: 1},
	}))
	keep(b.t, name, shot.Data)
}

// settles waits until nothing moves: a half-faded colour is no contrast to judge.
func (b *tab) settles() {
	b.t.Helper()
	eval[bool](b, `(scrollTo({top: 0, behavior: "instant"}), true)`) // bars that stick are drawn where they are
	eval[bool](b, `new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))`)
	b.until(5*time.Second, "the end of movement", `document.getAnimations().every(a => a.playState !== "running" || a.effect?.getComputedTiming().endTime === Infinity)`)
}

// axeResult is what axe found, as far as it is told.
type axeResult struct {
	ID, Impact, Help string
	Nodes            []string
}

// axe fails the test for each rule of WCAG 2.2 AA, and of good practice, that
// the page breaks now.
func (b *tab) axe(what string) {
	b.t.Helper()
	if !eval[bool](b, `"axe" in window`) {
		eval[bool](b, axeSource(b.t)+"\n;true")
	}
	found := eval[[]axeResult](b, `axe.run(document, {resultTypes: ["violations"], elementRef: false,
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => r.violations.map(v => ({
			id: v.id, impact: v.impact, help: v.help,
			nodes: v.nodes.map(n => n.target.join(" ") + ": " + n.html.slice(0, 140) + " | " + (n.any[0] ?? n.all[0] ?? n.none[0])?.message)})))`)
	for _, v := range found {
		b.t.Errorf("axe on %s: %s (%s): %s\n  %s", what, v.ID, v.Impact, v.Help, strings.Join(v.Nodes, "\n  "))
	}
}

func axeSource(t testing.TB) string {
	t.Helper()
	dir, err := stack.BrowserTools()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}
