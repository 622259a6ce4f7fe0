package engine

import (
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of a definition.
const (
	maxTitle       = 200
	maxDescription = 10_000
	maxQuestions   = 20
	maxChoices     = 100
	maxLabel       = 500
	maxAnswer      = 4 << 10 // bytes of all answers together
	maxRules       = 10
	maxCap         = int64(1_000_000_000)
	maxPoints      = int64(1_000_000_000)
	maxReason      = 500
	maxSubject     = 128
)

var (
	slug       = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	questionID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

	campaignKinds = []string{"event", "reward", "reaction"}
	questionTypes = []string{"text", "long_text", "email", "phone", "number", "boolean", "choice", "multi_choice"}
)

// ValidID reports whether an id can name a campaign.
func ValidID(id string) bool { return slug.MatchString(id) }

// complete fills in what the admin left open.
func complete(c *Campaign) {
	if c.Kind == "" {
		c.Kind = "event"
	}
	if c.CapMode == "" {
		c.CapMode = "hard"
	}
	if c.Reclaim == "" {
		c.Reclaim = "allowed"
	}
	if c.Counting == "" {
		c.Counting = "batched"
		if c.Kind == "event" {
			c.Counting = "direct"
		}
	}
	c.OpensAt, c.ClosesAt, c.CancellableUntil = msTime(timeMs(c.OpensAt)), msTime(timeMs(c.ClosesAt)), msTime(timeMs(c.CancellableUntil))
}

// faults collects what is wrong, field by field.
type faults []FieldError

func (f *faults) add(ok bool, pointer, detail string, args ...any) {
	if !ok {
		*f = append(*f, FieldError{Pointer: pointer, Detail: fmt.Sprintf(detail, args...)})
	}
}

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return &InvalidError{Fields: f}
}

// validate reports everything that is wrong with a definition at once.
func (c *Campaign) validate(now time.Time) error {
	var f faults
	f.add(ValidID(c.ID), "/id", "must match %s", slug)
	f.add(c.Title != "" && utf8.RuneCountInString(c.Title) <= maxTitle, "/title", "must have 1 to %d characters", maxTitle)
	f.add(cleanLine(c.Title), "/title", "must not contain control or bidirectional characters")
	f.add(utf8.RuneCountInString(c.Description) <= maxDescription, "/description", "must have at most %d characters", maxDescription)
	f.add(cleanText(c.Description), "/description", "must not contain control or bidirectional characters other than line breaks")
	f.add(slices.Contains(campaignKinds, c.Kind), "/kind", "must be event, reward or reaction")
	f.add(c.CapMode == "hard" || c.CapMode == "soft", "/cap_mode", "must be hard or soft")
	f.add(c.Counting == "direct" || c.Counting == "batched", "/counting", "must be direct or batched")
	f.add(c.Reclaim == "allowed" || c.Reclaim == "refused", "/reclaim", "must be allowed or refused")
	f.add(c.Points >= 0 && c.Points <= maxPoints, "/points", "must be from 0 to %d", maxPoints)
	f.add(c.WaitlistCap >= 0 && c.WaitlistCap <= maxCap, "/waitlist_cap", "must be from 0 to %d", maxCap)
	if c.Cap != nil {
		f.add(*c.Cap >= 0 && *c.Cap <= maxCap, "/cap", "must be from 0 to %d, or absent for none", maxCap)
		f.add(c.Kind != "reaction", "/cap", "must be absent: a reaction has none")
	} else {
		f.add(c.WaitlistCap == 0, "/waitlist_cap", "must be 0: without a cap nobody waits")
		f.add(c.CapMode != "soft", "/cap_mode", "must be hard: without a cap there is nothing to be soft about")
	}
	f.add(c.CapMode != "soft" || c.WaitlistCap == 0, "/waitlist_cap", "must be 0: a soft cap has no waiting list")
	f.add(c.Kind != "reaction" || c.Reclaim == "allowed", "/reclaim", "must be allowed: a reaction may be taken back and given again")
	c.validateTimes(&f)
	validateForm(&f, c.Form)
	validateRules(&f, c.Eligibility)
	return f.err()
}

func (c *Campaign) validateTimes(f *faults) {
	for _, t := range []struct {
		pointer string
		at      time.Time
	}{{"/opens_at", c.OpensAt}, {"/closes_at", c.ClosesAt}, {"/cancellable_until", c.CancellableUntil}} {
		f.add(t.at.IsZero() || t.at.Year() >= 2000 && t.at.Year() < 2200, t.pointer, "must lie between 2000 and 2200")
	}
	if !c.OpensAt.IsZero() && !c.ClosesAt.IsZero() {
		f.add(c.ClosesAt.After(c.OpensAt), "/closes_at", "must be after opens_at")
	}
}

func validateForm(f *faults, form []Question) {
	f.add(len(form) <= maxQuestions, "/form", "must have at most %d questions", maxQuestions)
	seen := map[string]bool{}
	for i, q := range form {
		at := fmt.Sprintf("/form/%d", i)
		f.add(questionID.MatchString(q.ID), at+"/id", "must match %s", questionID)
		f.add(!seen[q.ID], at+"/id", "must be unique in the form")
		seen[q.ID] = true
		f.add(q.Label != "" && utf8.RuneCountInString(q.Label) <= maxLabel && cleanLine(q.Label), at+"/label", "must have 1 to %d characters, none of them control or bidirectional", maxLabel)
		f.add(slices.Contains(questionTypes, q.Type), at+"/type", "must be one of %v", questionTypes)
		f.add(q.MaxLength >= 0 && q.MaxLength <= maxAnswer, at+"/max_length", "must be from 0 to %d", maxAnswer)
		f.add(q.Min == nil || q.Max == nil || *q.Min <= *q.Max, at+"/max", "must not be below min")
		choice := q.Type == "choice" || q.Type == "multi_choice"
		f.add(!choice || len(q.Choices) > 0 && len(q.Choices) <= maxChoices, at+"/choices", "must have 1 to %d choices", maxChoices)
		f.add(choice || len(q.Choices) == 0, at+"/choices", "must be absent: the type has none")
		for j, c := range q.Choices {
			f.add(c != "" && len(c) <= maxLabel && cleanLine(c) && slices.Index(q.Choices, c) == j, fmt.Sprintf("%s/choices/%d", at, j), "must be a unique text of 1 to %d bytes", maxLabel)
		}
	}
}

func validateRules(f *faults, rules []Rule) {
	f.add(len(rules) <= maxRules, "/eligibility", "must have at most %d rules", maxRules)
	for i, r := range rules {
		at := fmt.Sprintf("/eligibility/%d", i)
		f.add(r.Claim != "" && len(r.Claim) <= maxSubject, at+"/claim", "must have 1 to %d bytes", maxSubject)
		f.add(len(r.In) > 0 && len(r.In) <= maxChoices, at+"/in", "must have 1 to %d values", maxChoices)
	}
}

// allows says whether a campaign in its status may become to. ErrState.
func (c *Campaign) allows(to *Campaign) error {
	var fields []string
	change := func(differs bool, field string) {
		if differs {
			fields = append(fields, field)
		}
	}
	switch c.Status.String() {
	case "archived":
		return fmt.Errorf("an archived campaign does not change: %w", ErrState)
	case "draft":
		return nil
	case "scheduled":
		change(c.Kind != to.Kind, "kind")
		change(c.CapMode != to.CapMode, "cap_mode")
		change(to.OpensAt.IsZero(), "opens_at")
	default:
		change(c.Kind != to.Kind, "kind")
		change(c.CapMode != to.CapMode, "cap_mode")
		change(c.Counting != to.Counting, "counting")
		change(c.Points != to.Points, "points")
		change(!c.OpensAt.Equal(to.OpensAt), "opens_at")
		change(!sameCap(c.Cap, to.Cap), "cap (PUT …/cap changes it)")
	}
	if len(fields) > 0 {
		return fmt.Errorf("the %s campaign cannot change its %v: %w", c.Status, fields, ErrState)
	}
	return nil
}

func sameCap(a, b *int64) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// validate holds an actor against the bounds of the log.
func (a Actor) validate(reason bool) error {
	var f faults
	f.add(a.Subject != "" && len(a.Subject) <= maxSubject, "/actor", "must have 1 to %d bytes", maxSubject)
	f.add(utf8.RuneCountInString(a.Reason) <= maxReason && cleanText(a.Reason), "/reason", "must have at most %d characters, none of them control or bidirectional", maxReason)
	f.add(!reason || a.Reason != "", "/reason", "is needed: it is kept with the change")
	return f.err()
}

// errorsOf joins what several checks found wrong.
func errorsOf(errs ...error) error {
	var f faults
	for _, err := range errs {
		if inv, ok := err.(*InvalidError); ok {
			f = append(f, inv.Fields...)
		} else if err != nil {
			return err
		}
	}
	return f.err()
}

// cleanLine refuses control and bidirectional characters, which make a name
// look like another, and invalid UTF-8.
func cleanLine(s string) bool { return clean(s, false) }

// cleanText allows line breaks and tabs too.
func cleanText(s string) bool { return clean(s, true) }

func clean(s string, breaks bool) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		switch {
		case breaks && (r == '\n' || r == '\r' || r == '\t'):
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200E, r == 0x200F, r == 0x061C, r == 0xFEFF:
			return false
		}
	}
	return true
}
