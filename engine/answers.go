package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const defaultLength = 1000 // characters of a text whose question names no other bound

var phone = regexp.MustCompile(`^\+?[0-9][0-9 ()./-]{4,30}$`)

// checkAnswers holds a claim's answers against the form and returns them
// encoded, nil when there are none. InvalidError with Answers set.
func (d *desk) checkAnswers(answers map[string]json.RawMessage) (json.RawMessage, error) {
	return checkAnswers(d.info.Load().form, answers)
}

func checkAnswers(form []Question, answers map[string]json.RawMessage) (json.RawMessage, error) {
	var f faults
	for id := range answers {
		known := slices.ContainsFunc(form, func(q Question) bool { return q.ID == id })
		f.add(known, "/answers/"+escape(id), "is not a question of the form")
	}
	size := 0
	plain := make(map[string]json.RawMessage, len(answers))
	for _, q := range form {
		value, given := answers[q.ID]
		if !given || string(value) == "null" {
			f.add(!q.Required, "/answers/"+q.ID, "is required")
			continue
		}
		size += len(value) + len(q.ID) + 4
		if detail := q.check(value); detail != "" {
			f.add(false, "/answers/"+q.ID, "%s", detail)
			continue
		}
		plain[q.ID] = plainJSON(value)
	}
	f.add(size <= maxAnswer, "/answers", "must have at most %d bytes in all", maxAnswer)
	if len(f) > 0 {
		slices.SortStableFunc(f, func(a, b FieldError) int { return strings.Compare(a.Pointer, b.Pointer) })
		return nil, &InvalidError{Fields: f, Answers: true}
	}
	if len(answers) == 0 {
		return nil, nil
	}
	return encode(plain)
}

// plainJSON writes a checked answer anew: what JSON allows and databases do
// not (a lone surrogate, a number beyond any range) never enters the log.
func plainJSON(value json.RawMessage) json.RawMessage {
	var v any
	if json.Unmarshal(value, &v) != nil {
		return json.RawMessage("null") // cannot be: it was checked
	}
	b, err := encode(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}

// encode is JSON without the escapes that only HTML needs.
func encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode answers: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// escape makes a name fit for a JSON pointer (RFC 6901), cut to a sane length.
func escape(name string) string {
	if len(name) > 64 {
		name = strings.ToValidUTF8(name[:64], "")
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// check says what is wrong with an answer, nothing when it is fine.
func (q *Question) check(value json.RawMessage) string {
	switch q.Type {
	case "number":
		return q.checkNumber(value)
	case "boolean":
		var b bool
		if json.Unmarshal(value, &b) != nil {
			return "must be true or false"
		}
		if q.Required && !b {
			return "must be true"
		}
		return ""
	case "multi_choice":
		var chosen []string
		if json.Unmarshal(value, &chosen) != nil {
			return "must be a list of choices"
		}
		for i, c := range chosen {
			if !slices.Contains(q.Choices, c) || slices.Index(chosen, c) != i {
				return fmt.Sprintf("must be a list of different ones of %q", q.Choices)
			}
		}
		if q.Required && len(chosen) == 0 {
			return "needs at least one choice"
		}
		return ""
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return "must be a text"
	}
	return q.checkText(text)
}

func (q *Question) checkNumber(value json.RawMessage) string {
	var n float64
	switch {
	case json.Unmarshal(value, &n) != nil || math.IsInf(n, 0):
		return "must be a number"
	case q.Min != nil && n < *q.Min:
		return fmt.Sprintf("must be at least %v", *q.Min)
	case q.Max != nil && n > *q.Max:
		return fmt.Sprintf("must be at most %v", *q.Max)
	}
	return ""
}

func (q *Question) checkText(text string) string {
	longest := q.MaxLength
	if longest == 0 {
		longest = defaultLength
	}
	switch {
	case q.Required && strings.TrimSpace(text) == "":
		return "is required"
	case utf8.RuneCountInString(text) > longest:
		return fmt.Sprintf("must have at most %d characters", longest)
	case !clean(text, q.Type == "long_text"):
		return "must not contain control or bidirectional characters"
	case text == "":
		return ""
	}
	switch q.Type {
	case "email":
		if a, err := mail.ParseAddress(text); err != nil || a.Address != text {
			return "must be an e-mail address"
		}
	case "phone":
		if !phone.MatchString(text) {
			return "must be a telephone number"
		}
	case "choice":
		if !slices.Contains(q.Choices, text) {
			return fmt.Sprintf("must be one of %q", q.Choices)
		}
	}
	return ""
}

// ineligible holds the member's token against the campaign's rules.
func (d *desk) ineligible(m Member) (Decision, bool) {
	for _, r := range d.info.Load().eligibility {
		if !r.holds(m.Claims[r.Claim]) {
			return Decision{Outcome: Ineligible, Rule: r.Claim, Offset: d.p.at(d.p.next.Load())}, false
		}
	}
	return Decision{}, true
}

// holds reports whether a value of a token, or one of a list, is among those wanted.
func (r *Rule) holds(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case []any:
		return slices.ContainsFunc(v, r.holds)
	case []string:
		return slices.ContainsFunc(v, func(s string) bool { return slices.Contains(r.In, s) })
	case string:
		return slices.Contains(r.In, v)
	}
	return slices.Contains(r.In, fmt.Sprint(value))
}
