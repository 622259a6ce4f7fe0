package browser

import (
	"testing"
	"time"
)

// Each page of the admins' app, in the states that an admin meets, is held
// against axe and kept as pictures.
func TestPortraitsOfTheAdminsApp(t *testing.T) {
	t.Parallel()
	h, id := own(t, nil), "night-market"
	h.open(t, id, "한강 달빛야시장 Night market", map[string]any{"cap": 40, "waitlist_cap": 20, "form": outing,
		"description": "Forty tables by the river.\nCome early."})
	h.opensIn(t, "spring-outing", "봄 소풍", 26*time.Hour, map[string]any{"cap": 120, "form": outing})
	h.draft(t, "quiz", "Quiz in the break", map[string]any{"kind": "reward", "points": 50})
	h.crowd(t, id, "member", 46, `{"answers":{"name":"홍길동","meal":"국수","note":"창가 자리"},"if_full":"waitlist"}`)
	h.admin(t, "POST", "/campaigns/"+id+"/cancellations", `{"member":"member-07","reason":"asked by telephone"}`)
	b := on(laptop).sits(t)
	b.open(h.admins() + "/")
	b.has("sign-in-name")
	b.portrait("admin sign-in")
	b.arrives(h, "minji", "owner")
	b.sees("Quiz in the break")
	b.portrait("admin list")
	for _, view := range []struct{ name, hash, sees string }{
		{"calendar", "#/calendar", "봄 소풍"}, {"new", "#/new?on=2030-05-01", "2030"}, {"edit", "#/c/quiz/edit", "Quiz"}, {"board", "#/c/" + id, "40"},
		{"claims", "#/c/" + id + "/claims", "member-46"}, {"audit", "#/c/" + id + "/audit", "asked by telephone"},
		{"books", "#/c/" + id + "/books", "40"}, {"system", "#/system", "5,000"},
	} {
		b.open(h.admins() + "/" + view.hash)
		b.sees(view.sees)
		b.portrait("admin " + view.name)
	}
	b.open(h.admins() + "/#/c/" + id)
	b.has("change-cap")
	b.tap("language")
	b.until(patience, "Korean", `document.documentElement.lang === "ko"`)
	b.counts("board-granted", 40)
	b.portrait("korean admin board")
	b.open(h.admins() + "/#/new")
	b.has("field-title")
	b.portrait("korean admin new")
	b.open(h.admins() + "/#/c/" + id)
	b.tap("change-cap")
	b.types("cap-value", "44")
	b.counts("promoted", 4)
	b.portrait("admin cap")
	b.tap("dialog-close")
	b.tap("pause")
	b.has("confirm-confirm")
	b.portrait("admin pause")
}

// The same for members, in Korean and English.
func TestPortraitsOfMembers(t *testing.T) {
	t.Parallel()
	h := own(t, nil)
	h.opensIn(t, "spring-outing", "봄 소풍", 26*time.Hour, map[string]any{"cap": 120, "waitlist_cap": 20, "form": outing,
		"description": "한강에서 만나요.\n비가 오면 다음 주로 미룹니다."})
	h.open(t, "night-market", "Night market", map[string]any{"cap": 2, "waitlist_cap": 20, "description": "Forty tables by the river."})
	h.open(t, "quiz", "Quiz in the break", map[string]any{"kind": "reward", "cap": 100, "points": 50})
	h.open(t, "gone", "Everything gone", map[string]any{"cap": 1})
	h.crowd(t, "gone", "early", 1, "")
	h.open(t, "over", "Over", map[string]any{"cap": 1})
	h.admin(t, "POST", "/campaigns/over/closure", "")
	h.admin(t, "POST", "/notices", `{"title":"비 소식","body":"오늘 공연은 대강당에서 합니다.","level":"warning"}`)
	b := on(phone).asKorean().sits(t)
	b.open(h.members() + "/")
	b.sees("Night market")
	b.sees("비 소식")
	b.portrait("list nobody")
	b.open(h.page("spring-outing"))
	b.has("sign-in-name")
	b.portrait("campaign nobody")
	b.signsIn("홍길동")
	b.has("countdown")
	b.portrait("countdown")
	b.open(h.page("night-market"))
	b.still("claim-button")
	b.portrait("open")
	b.tap("claim-button")
	b.has("rank")
	b.portrait("granted")
	b.tap("cancel-button")
	b.has("confirm-cancel")
	b.portrait("second thought")
	b.open(h.members() + "/live")
	b.tap(live("quiz"))
	b.counts("points-total", 50)
	b.portrait("live")
	for _, view := range []struct{ name, address, has string }{
		{"sold out", h.page("gone"), "claim-button"}, {"closed", h.page("over"), "status"}, {"nowhere", h.page("nowhere"), `a[href="/"].btn`},
		{"list", h.members() + "/", "history"},
	} {
		b.open(view.address)
		b.has(view.has)
		b.portrait(view.name)
	}
	inDoubt(t, h)
	inEnglish(t, h)
}

// inDoubt is what a member sees who does not know yet, and who waits.
func inDoubt(t *testing.T, h *house) {
	t.Helper()
	b := on(phone).asKorean().sits(t)
	b.open(b.through(h.members()) + "/c/night-market")
	b.signsIn("기다리는 사람")
	h.claim(t, "night-market", "another", "")
	b.counts("remaining", 0)
	b.line.become(mute)
	b.tap("claim-button")
	b.has("deciding")
	b.portrait("deciding")
	b.line.become(cut)
	b.line.become(whole)
	b.has("waiting-position")
	b.portrait("waiting")
	b.offline()
	b.portrait("offline")
}

// inEnglish are the main pages once more: words are longer.
func inEnglish(t *testing.T, h *house) {
	t.Helper()
	b := on(phone).sits(t)
	for _, view := range []struct{ name, path, has string }{
		{"list", "/", "campaign"}, {"countdown", "/c/spring-outing", "countdown"}, {"full", "/c/night-market", "claim-button"}, {"live", "/live", "points-total"},
	} {
		b.open(h.members() + view.path)
		if view.name == "list" {
			b.signsIn("Alexandra Featherstonehaugh")
		}
		b.has(view.has)
		b.portrait("english " + view.name)
	}
}
