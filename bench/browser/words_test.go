package browser

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// at makes the selector of what carries a name for tests; a selector stays one.
func at(name string) string {
	if strings.ContainsAny(name, "[#. >:") {
		return name
	}
	return `[data-test="` + name + `"]`
}

// within is a named thing inside another.
func within(outer, name string) string { return at(outer) + " " + at(name) }

const visible = `(e => e && e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}) && e.getClientRects().length > 0)`

// first is the first visible element of a selector, as an expression.
func first(name string) string {
	return `[...document.querySelectorAll(` + quoted(at(name)) + `)].find(` + visible + `)`
}

// sees waits until the page shows a text.
func (b *tab) sees(text string) { b.t.Helper(); b.seesWithin(patience, text) }

func (b *tab) seesWithin(limit time.Duration, text string) {
	b.t.Helper()
	b.until(limit, "the text "+strconv.Quote(text), `document.body.innerText.includes(`+quoted(text)+`)`)
}

// has waits until a named thing can be seen.
func (b *tab) has(name string) { b.t.Helper(); b.until(patience, name, `!!`+first(name)) }

// lacks waits until a named thing can not be seen.
func (b *tab) lacks(name string) { b.t.Helper(); b.until(patience, "no "+name, `!`+first(name)) }

// shows waits until a named thing has a text in it.
func (b *tab) shows(name, text string) { b.t.Helper(); b.showsWithin(patience, name, text) }

func (b *tab) showsWithin(limit time.Duration, name, text string) {
	b.t.Helper()
	b.until(limit, name+" with "+strconv.Quote(text), `!!(`+first(name)+`?.innerText.includes(`+quoted(text)+`))`)
}

// counts waits until the first number in a named thing is n.
func (b *tab) counts(name string, n int) { b.t.Helper(); b.countsWithin(patience, name, n) }

func (b *tab) countsWithin(limit time.Duration, name string, n int) {
	b.t.Helper()
	late := time.Now().Add(limit)
	eventuallyOr(b, late, func() string {
		text := b.says(name)
		if got, ok := number(text); ok && got == n {
			return ""
		}
		return fmt.Sprintf("%s says %q, not %d", name, text, n)
	})
}

// says is the text of a named thing now, empty when it is not there.
func (b *tab) says(name string) string {
	b.t.Helper()
	return tries[string](b, `(`+first(name)+`?.innerText ?? "")`)
}

var digits = regexp.MustCompile(`\d[\d,]*`)

// number is the first number in a text, with or without commas.
func number(text string) (int, bool) {
	n, err := strconv.Atoi(strings.ReplaceAll(digits.FindString(text), ",", ""))
	return n, err == nil
}

// until waits for what an expression says of the page.
func (b *tab) until(limit time.Duration, what, expression string) {
	b.t.Helper()
	eventuallyOr(b, time.Now().Add(limit), func() string {
		if tries[bool](b, expression) {
			return ""
		}
		return "never saw " + what
	})
}

func eventuallyOr(b *tab, late time.Time, why func() string) {
	b.t.Helper()
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for {
		last := why()
		if last == "" {
			return
		}
		if time.Now().After(late) {
			b.fatalf("%s", last)
		}
		<-tick.C
	}
}

// target says where a named thing can be hit, or why it cannot.
type target struct {
	X, Y float64
	Why  string
}

func (b *tab) target(name string) target {
	return tries[target](b, `(() => {
		const e = `+first(name)+`;
		if (!e) return {why: "it is not there"};
		if (e.disabled || e.ariaDisabled === "true") return {why: "it is disabled"};
		const v = window.visualViewport, q = e.getBoundingClientRect();
		if (q.top < 0 || q.bottom > v.height) e.scrollIntoView({block: "center", behavior: "instant"});
		const r = e.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2;
		const hit = document.elementFromPoint(x, y);
		if (!hit || !(e.contains(hit) || hit.closest("label")?.contains(e))) return {why: "it is covered by " + (hit?.outerHTML ?? "nothing").slice(0, 120)};
		return {x, y, why: ""};
	})()`)
}

// tap presses a named thing as this person does: with a finger, a mouse, or Tab
// and Enter. It waits until the thing is there, stands still and can be hit.
func (b *tab) tap(name string) {
	b.t.Helper()
	if b.who.keyboardOnly {
		b.walksTo(name)
		b.press(b.opener())
		return
	}
	p := b.still(name)
	b.hit(p)
}

// still waits until a named thing can be hit and does not move.
func (b *tab) still(name string) target {
	b.t.Helper()
	p := target{Why: "it was not looked at"}
	eventuallyOr(b, time.Now().Add(patience), func() string {
		last := p
		p = b.target(name)
		if p.Why == "" && last == p {
			return ""
		}
		return fmt.Sprintf("cannot tap %s: %s", name, p.Why)
	})
	return p
}

func (b *tab) hit(p target) {
	b.t.Helper()
	if b.who.touch {
		must(b, chromedp.TapXY(p.X, p.Y))
		return
	}
	must(b, chromedp.MouseClickXY(p.X, p.Y))
}

// doubleTap is a nervous finger.
func (b *tab) doubleTap(name string) {
	b.t.Helper()
	if b.who.keyboardOnly {
		b.tap(name)
		b.press(b.opener())
		return
	}
	p := b.still(name)
	b.hit(p)
	b.hit(p)
}

// types writes into a named field as an input method does: whole words, in any
// script.
func (b *tab) types(name, text string) {
	b.t.Helper()
	if b.who.keyboardOnly { // Enter would send the form
		b.walksTo(name)
	} else {
		b.tap(name)
	}
	b.until(patience, "the focus in "+name, `document.activeElement === `+first(name))
	eval[bool](b, `(document.activeElement.select?.(), true)`)
	must(b, call(input.InsertText, input.InsertTextParams{Text: text}))
}

// sets changes a field whose browser widget writes for itself: dates, lists.
func (b *tab) sets(name, value string) {
	b.t.Helper()
	b.has(name)
	eval[bool](b, `(e => { e.value = `+quoted(value)+`; e.dispatchEvent(new Event("input", {bubbles: true}));
		e.dispatchEvent(new Event("change", {bubbles: true})); return true; })(`+first(name)+`)`)
}

// containsAll reports whether a text has every part.
func containsAll(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
