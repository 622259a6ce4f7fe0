package ledger

import (
	"encoding/json"
	"time"

	"firstcome/engine/fold"
)

// change is one field's part of an audit line.
type change struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// diff lists what differs between two definitions under the names of the API,
// as {"cap":{"from":100,"to":120}}; nil when nothing does.
func diff(from, to *fold.Definition) []byte {
	before, after, changes := fields(from), fields(to), map[string]change{}
	for name, a := range before {
		if b := after[name]; a != b {
			changes[name] = change{shown(a), shown(b)}
		}
	}
	if len(changes) == 0 {
		return nil
	}
	b, err := json.Marshal(changes)
	if err != nil {
		return nil // a form that is no JSON: the audit line does without
	}
	return b
}

// raw is JSON as the definition holds it; comparable, unlike json.RawMessage.
type raw string

func shown(v any) any {
	if r, ok := v.(raw); ok {
		if r == "" {
			return nil
		}
		return json.RawMessage(r)
	}
	return v
}

func fields(d *fold.Definition) map[string]any {
	return map[string]any{
		"title": d.Title, "description": d.Description, "kind": d.Kind, "counting": d.Counting, "points": d.Points,
		"cap": capOf(d), "cap_mode": either(d.Soft, "soft", "hard"), "waitlist_cap": d.WaitlistCap,
		"reclaim":       either(d.Reclaim == fold.ReclaimRefused, "refused", "allowed"),
		"end_promotion": d.EndPromotion,
		"opens_at":      moment(d.OpensAt), "closes_at": moment(d.ClosesAt), "cancellable_until": moment(d.CancellableUntil),
		"form": raw(d.Form), "eligibility": raw(d.Eligibility),
	}
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

func capOf(d *fold.Definition) any {
	if d.Cap == fold.NoCap {
		return nil
	}
	return d.Cap
}

// moment is a time as the API writes it; nil for none.
func moment(ms int64) any {
	if ms == 0 {
		return nil
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}
