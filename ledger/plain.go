package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// plain makes a text that every book can keep: valid UTF-8 without NUL. What
// members say rides sealed, so the fold could not refuse it, and no member may
// stop the ledger by what they say.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// plainJSON does so with every text inside a JSON object: escapes of NUL and of
// half a surrogate pair are JSON, but no text. Numbers stay as they were written.
func plainJSON(b json.RawMessage) (json.RawMessage, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&object); err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(plainValue(object)); err != nil {
		return nil, fmt.Errorf("write answers: %w", err)
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

func plainValue(v any) any {
	switch v := v.(type) {
	case string:
		return plain(v)
	case []any:
		for i := range v {
			v[i] = plainValue(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, inner := range v {
			out[plain(k)] = plainValue(inner)
		}
		return out
	}
	return v
}
