package engine

import (
	"time"
	"unicode/utf8"
)

// Notice is a word to everybody on the pages.
type Notice struct {
	ID          string // a slug, as a campaign's
	Title, Body string
	Level       string    // "info" or "warning"
	From, Until time.Time // when it is shown; zero: at once, and without an end
	Version     int64     // from 1; every change counts
	CreatedAt   time.Time
	ChangedAt   time.Time
	ChangedBy   string // the admin
}

// NoticesMost is how many notices there can be: every page shows all that are due.
const NoticesMost = 100

const maxNoticeBody = 2000

// Validate reports everything that is wrong with a notice at once: *InvalidError.
func (n *Notice) Validate() error {
	var f faults
	f.add(ValidID(n.ID), "/id", "must match %s", slug)
	f.add(n.Title != "" && utf8.RuneCountInString(n.Title) <= maxTitle, "/title", "must have 1 to %d characters", maxTitle)
	f.add(utf8.RuneCountInString(n.Body) <= maxNoticeBody, "/body", "must have at most %d characters", maxNoticeBody)
	f.add(n.Level == "info" || n.Level == "warning", "/level", "must be info or warning")
	f.add(n.From.IsZero() || n.Until.IsZero() || n.From.Before(n.Until), "/until", "must be after from")
	return f.err()
}

// Due reports whether the notice is shown at a time.
func (n *Notice) Due(now time.Time) bool {
	return !now.Before(n.From) && (n.Until.IsZero() || now.Before(n.Until))
}

// Same reports whether two notices say the same, whoever wrote them.
func (n *Notice) Same(o *Notice) bool {
	return n.ID == o.ID && n.Title == o.Title && n.Body == o.Body && n.Level == o.Level && n.From.Equal(o.From) && n.Until.Equal(o.Until)
}
