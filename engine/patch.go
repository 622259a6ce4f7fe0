package engine

import (
	"encoding/json"
	"fmt"
)

// MergePatch joins two merge patches (RFC 7396) of a flat object into one: what
// the second says holds, a null included, since it has yet to remove something.
func MergePatch(first, second json.RawMessage) (json.RawMessage, error) {
	return merge(first, second, true)
}

// ApplyPatch applies a merge patch to a flat object. What does not parse
// changes nothing.
func ApplyPatch(target, patch json.RawMessage) json.RawMessage {
	out, err := merge(target, patch, false)
	if err != nil {
		return target
	}
	return out
}

func merge(target, patch json.RawMessage, keepNulls bool) (json.RawMessage, error) {
	if len(patch) == 0 {
		return target, nil
	}
	into, change := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if len(target) > 0 {
		if err := json.Unmarshal(target, &into); err != nil {
			return nil, fmt.Errorf("merge answers: %w", err)
		}
	}
	if err := json.Unmarshal(patch, &change); err != nil {
		return nil, fmt.Errorf("merge answers: %w", err)
	}
	for k, v := range change {
		if string(v) == "null" && !keepNulls {
			delete(into, k)
			continue
		}
		into[k] = v
	}
	return json.Marshal(into)
}
