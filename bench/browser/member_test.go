package browser

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"firstcome/bench/stack"
)

// outing is the form of a club's event.
var outing = []map[string]any{
	{"id": "name", "label": "이름", "type": "text", "required": true, "max_length": 40},
	{"id": "meal", "label": "식사", "type": "choice", "choices": []string{"비빔밥", "국수"}, "required": true},
	{"id": "note", "label": "하고 싶은 말", "type": "long_text"},
}

// answer is the field of a question.
func answer(question string) string { return `[data-test="answer"][name="` + question + `"]` }

// page is the address of a campaign for members.
func (h *house) page(id string) string { return h.members() + "/c/" + id }

// signsIn gives a name to the trial identity, as a member does on the page.
func (b *tab) signsIn(name string) {
	b.t.Helper()
	b.types("sign-in-name", name)
	b.tap("sign-in-submit")
	b.lacks("sign-in-name")
}

// fills the form of an outing.
func (b *tab) fills(name string) {
	b.t.Helper()
	b.types(answer("name"), name)
	b.sets(answer("meal"), "국수")
	b.types(answer("note"), "창가 자리\n부탁해요")
}

// A member comes before noon, fills the form in, taps once when it opens and
// sees the rank; then has a second thought, cancels, and claims again.
func TestMemberAtNoon(t *testing.T) {
	for name, who := range map[string]somebody{
		"phone in Korean": on(phone).asKorean().withClockAhead(47 * time.Minute), "laptop": on(laptop), "keyboard only": on(laptop).asKorean().withKeyboardOnly(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			memberAtNoon(t, embedded(t), who)
		})
	}
}

func memberAtNoon(t *testing.T, h *house, who somebody) {
	id, patient := stack.Unique("noon"), 9*time.Second
	b := who.sits(t)
	b.open(h.members() + "/")
	at := h.opensIn(t, id, "봄 소풍", patient, map[string]any{"cap": 5, "form": outing, "description": "한강에서 만나요."})
	b.open(h.page(id))
	b.signsIn(stack.Unique("hong"))
	b.sees("봄 소풍")
	b.countsDown(at)
	b.fills("홍길동")
	b.until(patience, "a button that waits", `(e => e.disabled)(`+first("claim-button")+`)`)
	b.tap("claim-button")
	if early := time.Until(at); early > 600*time.Millisecond {
		t.Errorf("the button could be tapped %v before the opening", early)
	}
	b.countsWithin(5*time.Second, "rank", 1)
	h.counts(t, id, 1, 0)
	h.answered(t, id, "홍길동", "국수", "창가 자리")
	b.tap("edit-answers")
	b.types(answer("note"), "복도 자리")
	b.tap("save-answers")
	b.sees("복도 자리")
	h.answered(t, id, "홍길동", "국수", "복도 자리")
	b.secondThought(h, id)
}

var clockFace = regexp.MustCompile(`(\d\d):(\d\d)$`)

// countsDown holds the countdown against the time, whatever the clock of the
// device says. It shows whole seconds, the one that has begun.
func (b *tab) countsDown(to time.Time) {
	b.t.Helper()
	eventuallyOr(b, time.Now().Add(patience), func() string {
		before := time.Until(to)
		text := strings.TrimSpace(b.says("countdown"))
		after := time.Until(to)
		face := clockFace.FindStringSubmatch(text)
		if face == nil {
			return fmt.Sprintf("the countdown says %q", text)
		}
		minutes, _ := strconv.Atoi(face[1])
		seconds, _ := strconv.Atoi(face[2])
		shown := time.Duration(60*minutes+seconds) * time.Second
		if shown > before+1200*time.Millisecond || shown < after-200*time.Millisecond {
			return fmt.Sprintf("the countdown says %q, %v before the opening", text, before)
		}
		return ""
	})
}

// answered holds what an admin reads of the only claim against what was written.
func (h *house) answered(t testing.TB, id string, parts ...string) {
	t.Helper()
	eventually(t, patience, func() string {
		list := h.admin(t, "GET", "/campaigns/"+id+"/claims", "")
		if !containsAll(list.raw, parts...) {
			return fmt.Sprintf("the answers %q are not in %s", parts, list.raw)
		}
		return ""
	})
}

// secondThought opens the question of cancelling, leaves it, comes back, cancels
// and claims again.
func (b *tab) secondThought(h *house, id string) {
	b.t.Helper()
	b.tap("cancel-button")
	b.has("confirm-cancel")
	b.press("\u001b")
	b.lacks("confirm-cancel")
	h.counts(b.t, id, 1, 0)
	b.tap("cancel-button")
	b.tap("confirm-cancel")
	b.lacks("rank")
	h.counts(b.t, id, 0, 0)
	b.tap("claim-button")
	b.has("rank")
	h.counts(b.t, id, 1, 0)
}

// Two windows of one member show the same within a second.
func TestTwoWindowsOfOneMember(t *testing.T) {
	t.Parallel()
	h, id := embedded(t), stack.Unique("windows")
	h.open(t, id, "Two windows", map[string]any{"cap": 3, "waitlist_cap": 3})
	b := on(phone).sits(t)
	b.open(h.page(id))
	b.signsIn(stack.Unique("twin"))
	twin := b.twin()
	twin.open(h.page(id))
	twin.has("claim-button")
	b.tap("claim-button")
	b.counts("rank", 1)
	twin.countsWithin(time.Second, "rank", 1)
	twin.tap("cancel-button")
	twin.tap("confirm-cancel")
	twin.lacks("rank")
	b.until(time.Second, "no rank", `!`+first("rank"))
	b.has("claim-button")
	h.counts(t, id, 0, 0)
}

// A member finds everything gone, joins the list, moves up while watching and is
// promoted without reloading.
func TestWaitingAndPromotion(t *testing.T) {
	t.Parallel()
	h, id := embedded(t), stack.Unique("waiting")
	h.open(t, id, "Soon full", map[string]any{"cap": 2, "waitlist_cap": 10})
	h.crowd(t, id, id+"-in", 2, "")
	h.crowd(t, id, id+"-before", 1, `{"if_full":"waitlist"}`)
	b := on(phone).asKorean().sits(t)
	b.open(h.page(id))
	b.signsIn(stack.Unique("late"))
	eval[bool](b, `(window.untouched = true)`)
	b.tap("claim-button")
	b.counts("waiting-position", 2)
	h.cancel(t, id, id+"-before-01")
	b.countsWithin(2*time.Second, "waiting-position", 1)
	h.cancel(t, id, id+"-in-01")
	b.countsWithin(2*time.Second, "rank", 3)
	b.lacks("waiting-position")
	if !eval[bool](b, `window.untouched === true`) {
		t.Error("the page was loaded again")
	}
	h.counts(t, id, 2, 0)
}
