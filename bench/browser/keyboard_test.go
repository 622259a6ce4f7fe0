package browser

import (
	"fmt"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// press is one key.
func (b *tab) press(key string, options ...chromedp.KeyOption) {
	b.t.Helper()
	must(b, chromedp.KeyEvent(key, options...))
}

// opener is the key that works what has the focus.
func (b *tab) opener() string {
	if tries[bool](b, `document.activeElement.matches("input[type=checkbox], input[type=radio], select")`) {
		return " "
	}
	return kb.Enter
}

// mostSteps is how often a person presses Tab before they give up.
const mostSteps = 120

// walksTo presses Tab until a named thing has the focus. Each stop on the way
// must show that it has it.
func (b *tab) walksTo(name string) {
	b.t.Helper()
	b.until(patience, name+" that can be worked", `(e => !!e && !e.disabled && e.ariaDisabled !== "true")(`+first(name)+`)`)
	for range mostSteps {
		at := tries[stop](b, `({there: document.activeElement === `+first(name)+`, why: `+ring+`})`)
		if at.Why != "" { // a smooth scroll may still be on its way
			b.until(patience/10, fmt.Sprintf("the focus (%s)", at.Why), `!`+ring)
		}
		if at.There {
			return
		}
		b.press(kb.Tab)
	}
	b.fatalf("no way to %s with %d presses of Tab", name, mostSteps)
}

// stop is where Tab has led: whether it is there, and why the focus is not seen.
type stop struct {
	There bool
	Why   string
}

// ring is empty when the focus can be seen, else where it is hidden. The page
// itself, after its last thing, and headings to which a page leads the reader
// cannot be worked, so they need not show it.
const ring = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body || e === document.documentElement || e.tabIndex === -1) return "";
	const name = e.outerHTML.slice(0, 160), r = e.getBoundingClientRect();
	const line = s => (s.outlineStyle === "auto" || s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2) && !/, 0\)$/.test(s.outlineColor) || /0px 0px 0px [2-9]/.test(s.boxShadow);
	const near = [e, e.parentElement, e.labels?.[0]].filter(Boolean);
	if (!near.some(n => line(getComputedStyle(n)))) return "no ring around " + name;
	if (r.bottom <= 0 || r.right <= 0 || r.top >= innerHeight || r.left >= innerWidth) return "outside the window: " + name;
	return "";
})()`
