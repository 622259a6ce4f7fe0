package browser

import (
	"testing"
)

// An owner keeps the house: words to everybody, the ledger's rate, the whole audit.
func TestAnOwnerKeepsTheHouse(t *testing.T) {
	t.Parallel()
	h := own(t, nil)
	h.open(t, "fair", "Spring fair", map[string]any{"cap": 5})
	h.crowd(t, "fair", "early", 3, "")
	member := on(phone).sits(t)
	member.open(h.members() + "/")
	member.sees("Spring fair")
	b := on(laptop).sits(t)
	b.arrives(h, "minji", "owner")
	b.writesToEverybody(h, member)
	b.setsTheRate(h)
	b.audits()
}

// writesToEverybody puts a notice on all pages, mends it, and takes it away.
func (b *tab) writesToEverybody(h *house, member *tab) {
	b.t.Helper()
	b.open(h.admins() + "/#/notices")
	b.tap("new-notice")
	b.tap("notice-form-confirm")
	b.until(patience, "what is missing, at its field", first("notice-title")+`.getAttribute("aria-invalid") === "true"`)
	b.types("notice-title", "Rain")
	b.types("notice-body", "We meet in the hall <today>.")
	b.tap("notice-form-confirm")
	b.shows("notices", "We meet in the hall <today>.")
	member.open(h.members() + "/")
	member.sees("We meet in the hall <today>.")
	b.tap("edit-notice")
	b.types("notice-title", "Heavy rain")
	b.tap("notice-form-confirm")
	b.shows("notices", "Heavy rain")
	member.open(h.page("fair"))
	member.sees("Heavy rain")
	b.tap("remove-notice")
	b.tap("notice-remove-confirm")
	b.lacks("notice")
	member.open(h.members() + "/")
	member.sees("Spring fair")
	member.until(patience, "no notice", `!document.body.innerText.includes("Heavy rain")`)
}

// setsTheRate slows the ledger down for all nodes, after a look at what it means.
func (b *tab) setsTheRate(h *house) {
	b.t.Helper()
	b.open(h.admins() + "/#/system")
	b.counts("throttle", 5000)
	b.types("throttle-rate", "0")
	b.until(patience, "why not", first("throttle-rate")+`.getAttribute("aria-invalid") === "true"`)
	b.types("throttle-rate", "2000")
	b.tap("throttle-set")
	b.tap("throttle-change-confirm")
	b.counts("throttle", 2000)
	if r := h.admin(b.t, "GET", "/ledger/throttle", ""); r.body["rows_per_second"] != 2000.0 {
		b.t.Errorf("the throttle is %s", r.raw)
	}
}

func (b *tab) audits() {
	b.t.Helper()
	b.tap("run-audit")
	b.shows(".verdict", "Every promise holds")
}
