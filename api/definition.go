package api

import (
	"strconv"

	"firstcome/engine"
)

// readDefinition reads what an admin may set of a campaign. Absent fields stay
// as they are in it, so that it serves a new campaign and a merge patch.
func readDefinition(f *fields, c *engine.Campaign) {
	f.text("title", &c.Title)
	f.prose("description", &c.Description)
	f.text("kind", &c.Kind)
	f.limit("cap", &c.Cap)
	f.text("cap_mode", &c.CapMode)
	f.text("counting", &c.Counting)
	f.integer("points", &c.Points)
	f.integer("waitlist_cap", &c.WaitlistCap)
	f.text("reclaim", &c.Reclaim)
	f.flag("end_promotion", &c.EndPromotion)
	f.instant("opens_at", &c.OpensAt)
	f.instant("closes_at", &c.ClosesAt)
	f.instant("cancellable_until", &c.CancellableUntil)
	readForm(f, c)
	readRules(f, c)
}

func readForm(f *fields, c *engine.Campaign) {
	var form []engine.Question
	if f.each("form", func(f *fields) {
		var q engine.Question
		var longest int64
		f.text("id", &q.ID)
		f.text("label", &q.Label)
		f.text("type", &q.Type)
		f.flag("required", &q.Required)
		f.integer("max_length", &longest)
		f.number("min", &q.Min)
		f.number("max", &q.Max)
		f.texts("choices", &q.Choices)
		q.MaxLength = int(longest)
		form = append(form, q)
	}) {
		c.Form = form
	}
}

func readRules(f *fields, c *engine.Campaign) {
	var rules []engine.Rule
	if f.each("eligibility", func(f *fields) {
		var r engine.Rule
		f.text("claim", &r.Claim)
		f.texts("in", &r.In)
		rules = append(rules, r)
	}) {
		c.Eligibility = rules
	}
}

func appendForm(b []byte, form []engine.Question) []byte {
	if len(form) == 0 {
		return b
	}
	b = append(appendName(b, "form"), '[')
	for _, q := range form {
		b = appendText(append(b, '{'), "id", q.ID)
		b = appendText(b, "label", q.Label)
		b = appendText(b, "type", q.Type)
		b = appendBool(b, "required", q.Required)
		if q.MaxLength > 0 {
			b = appendInt(b, "max_length", int64(q.MaxLength))
		}
		b = appendNumber(b, "min", q.Min)
		b = appendNumber(b, "max", q.Max)
		if len(q.Choices) > 0 {
			b = appendTexts(b, "choices", q.Choices)
		}
		b = append(closeObject(b), ',')
	}
	b[len(b)-1] = ']'
	return append(b, ',')
}

func appendRules(b []byte, rules []engine.Rule) []byte {
	if len(rules) == 0 {
		return b
	}
	b = append(appendName(b, "eligibility"), '[')
	for _, r := range rules {
		b = appendTexts(appendText(append(b, '{'), "claim", r.Claim), "in", r.In)
		b = append(closeObject(b), ',')
	}
	b[len(b)-1] = ']'
	return append(b, ',')
}

func appendNumber(b []byte, name string, n *float64) []byte {
	if n == nil {
		return b
	}
	return append(strconv.AppendFloat(appendName(b, name), *n, 'f', -1, 64), ',')
}

// appendTexts appends `"name":["…"],`.
func appendTexts(b []byte, name string, all []string) []byte {
	b = append(appendName(b, name), '[')
	for i, s := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']', ',')
}
