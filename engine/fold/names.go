package fold

import "fmt"

var (
	kindNames = [...]string{"?", "GENESIS", "CAMPAIGN", "EDIT", "PUBLISH", "OPEN", "PAUSE", "RESUME", "CLOSE", "ARCHIVE",
		"CAP", "CLAIM", "CANCEL", "ANSWERS", "ERASE", "BEACON", "NOOP", "ACTIVATE"}
	statusNames  = [...]string{"?", "draft", "scheduled", "open", "paused", "closed", "archived"}
	placeNames   = [...]string{"none", "granted", "waiting", "ended", "fenced"}
	verdictNames = [...]string{"invalid", "refused", "no-effect", "done", "granted", "waiting", "duplicate", "not-open",
		"paused", "closed", "ended-before", "superseded", "stale", "full", "diverged"}
	changeNames = [...]string{"?", "created", "edited", "published", "opened", "paused", "resumed", "closed", "archived",
		"cap-changed", "granted", "waitlisted", "promoted", "cancelled", "fenced", "answered", "erased"}
)

func name(names []string, n uint8) string {
	if int(n) < len(names) {
		return names[n]
	}
	return fmt.Sprintf("%d?", n)
}

// String returns the kind's name as in the papers, in capitals.
func (k Kind) String() string { return name(kindNames[:], uint8(k)) }

// String returns the status' name, the same as in the API.
func (s Status) String() string { return name(statusNames[:], uint8(s)) }

// String returns the state's name.
func (s PlaceState) String() string { return name(placeNames[:], uint8(s)) }

// String returns the verdict's name; protocol 3 has the meaning.
func (v Verdict) String() string { return name(verdictNames[:], uint8(v)) }

// String returns the change's name, the same as in the audit trail.
func (c Change) String() string { return name(changeNames[:], uint8(c)) }
