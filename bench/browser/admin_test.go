package browser

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"firstcome/bench/stack"
)

// arrives opens the admins' page and signs in with the trial identity.
func (b *tab) arrives(h *house, name, role string) {
	b.t.Helper()
	b.open(h.admins() + "/")
	b.types("sign-in-name", name)
	b.sets("sign-in-role", role)
	b.tap("sign-in-submit")
	b.has("new-campaign")
}

// part is a field of a question in the form builder.
func part(question int, name string) string {
	return `[data-pointer="/form/` + string(rune('0'+question)) + `/` + name + `"] :is(input, textarea)`
}

// An admin on a laptop does a whole day's work, and so does one with a keyboard.
func TestAdminsDay(t *testing.T) {
	for name, who := range map[string]somebody{
		"laptop": on(laptop), "keyboard only": on(laptop).asKorean().withKeyboardOnly(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, id := embedded(t), stack.Unique("day")
			b := who.sits(t)
			b.arrives(h, "minji", "owner")
			b.creates(h, id)
			b.watches(h, id)
			b.pausesAndResumes(h, id)
			b.raisesTheCap(h, id)
			b.cancelsForSomebody(h, id)
			b.readsTheTrail()
		})
	}
}

// creates makes a campaign with the form builder, looks at the preview, and opens it.
func (b *tab) creates(h *house, id string) {
	b.t.Helper()
	b.tap("new-campaign")
	b.types("field-title", "Night market")
	b.types("field-description", "Forty tables by the river.")
	b.types("field-id", id)
	b.types("field-cap", "2")
	b.types("field-waitlist_cap", "10")
	b.tap("add-question")
	b.types(part(0, "label"), "Name on the badge")
	b.tap("add-question")
	b.types(part(1, "label"), "Why you come")
	for _, text := range []string{"Night market", "Forty tables by the river.", "Name on the badge", "Why you come"} {
		b.shows("preview", text)
	}
	b.tap("save")
	b.has("tab-board")
	b.tap("open")
	b.tap("confirm-confirm")
	b.has("pause")
	if r := h.admin(b.t, "GET", "/campaigns/"+id, ""); r.text("status") != "open" || !containsAll(r.raw, "Name on the badge", "Why you come") {
		b.t.Errorf("what was made is %s", r.raw)
	}
}

// watches the board while others claim: numbers, decisions and charts move.
func (b *tab) watches(h *house, id string) {
	b.t.Helper()
	b.counts("board-remaining", 2)
	const picture = `document.querySelector('[data-test="chart-places"] canvas').toDataURL()`
	before := eval[string](b, picture)
	h.crowd(b.t, id, id+"-m", 5, `{"if_full":"waitlist"}`)
	if r := h.claim(b.t, id, id+"-m-01", ""); r.status != http.StatusOK {
		b.t.Errorf("a claim once more: %d %s", r.status, r.raw)
	}
	b.countsWithin(5*time.Second, "board-granted", 2)
	b.countsWithin(5*time.Second, "board-remaining", 0)
	b.countsWithin(5*time.Second, "board-waiting", 3)
	for decision, n := range map[string]int{"granted": 2, "waitlisted": 3, "repeated": 1} {
		b.countsWithin(5*time.Second, `[data-decision="`+decision+`"] td:last-child`, n)
	}
	b.until(patience, "a chart that moves", picture+` !== `+quoted(before))
	for _, service := range []string{"log", "redis", "postgres"} {
		b.has("service-" + service)
	}
}

func (b *tab) pausesAndResumes(h *house, id string) {
	b.t.Helper()
	b.tap("pause")
	b.types("reason", "the band is late")
	b.tap("confirm-confirm")
	b.has("resume")
	if r := h.claim(b.t, id, id+"-x", ""); r.text("code") != "campaign-paused" {
		b.t.Errorf("a claim while paused: %d %s", r.status, r.raw)
	}
	b.tap("resume")
	b.tap("confirm-confirm")
	b.has("pause")
}

// raisesTheCap sees who gains before anything changes.
func (b *tab) raisesTheCap(h *house, id string) {
	b.t.Helper()
	b.tap("change-cap")
	b.types("cap-value", "4")
	b.counts("promoted", 2)
	b.shows("cap-preview", id+"-m-03")
	h.counts(b.t, id, 2, 3)
	b.types("cap-reason", "two more tables")
	b.tap("cap-confirm")
	b.lacks("cap-confirm")
	h.counts(b.t, id, 4, 1)
	b.countsWithin(5*time.Second, "board-granted", 4)
}

// cancelsForSomebody finds a member, takes the list home and cancels for them.
func (b *tab) cancelsForSomebody(h *house, id string) {
	b.t.Helper()
	b.tap("tab-claims")
	b.until(patience, "five members", `document.querySelectorAll('[data-test="claim-row"]').length === 5`)
	if file := b.downloads(id+".csv", "csv"); !containsAll(file, id+"-m-01", id+"-m-05") {
		b.t.Errorf("the list is %q", file)
	}
	b.types("claims-search", id+"-m-02")
	b.until(patience, "one member", `document.querySelectorAll('[data-test="claim-row"]').length === 1`)
	b.tap("cancel-member")
	b.types("cancel-reason", "asked by telephone")
	b.tap("cancel-confirm")
	b.lacks("cancel-confirm")
	h.counts(b.t, id, 4, 0) // who waited moved up
}

func (b *tab) readsTheTrail() {
	b.t.Helper()
	b.tap("tab-audit")
	for _, text := range []string{"the band is late", "two more tables", "asked by telephone", "minji"} {
		b.shows("audit", text)
	}
}

// downloads presses a button and returns the file that the browser keeps.
func (b *tab) downloads(name, button string) string {
	b.t.Helper()
	dir := b.t.TempDir()
	_, err := chromedp.CallBrowser(b.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
		DownloadPath: dir,
	})
	if err != nil {
		b.fatalf("downloads: %v", err)
	}
	b.tap(button)
	var file []byte
	eventuallyOr(b, time.Now().Add(patience), func() string {
		if file, err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return "no file: " + err.Error()
		}
		return ""
	})
	return string(file)
}

// What an admin is not allowed is not offered, and refused all the same.
func TestAViewerOnlyLooks(t *testing.T) {
	t.Parallel()
	h, id := embedded(t), stack.Unique("looked-at")
	h.open(t, id, "Looked at", map[string]any{"cap": 5})
	h.crowd(t, id, id, 2, "")
	b := on(laptop).sits(t)
	b.open(h.admins() + "/")
	b.types("sign-in-name", "guest")
	b.sets("sign-in-role", "viewer")
	b.tap("sign-in-submit")
	b.sees("Looked at")
	b.lacks("new-campaign")
	b.open(h.admins() + "/#/c/" + id)
	b.counts("board-granted", 2)
	for _, name := range []string{"pause", "change-cap"} {
		b.lacks(name)
	}
	b.tap("tab-claims")
	b.has("claim-row")
	b.lacks("cancel-member")
	status := eval[int](b, `fetch("/v1/admin/campaigns/`+id+`/pause", {method: "POST"}).then(r => r.status)`)
	if status != 403 {
		t.Errorf("a viewer's pause is answered %d", status)
	}
	if strings.Contains(b.says("audit"), "paused") {
		t.Error("a viewer paused")
	}
}
