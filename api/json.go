package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// nestedMost bounds how deep a body may nest; deeper ones are malformed.
const nestedMost = 16

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Characters that would end a script
// in a page, and bytes that are not UTF-8, are escaped.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != '<' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if (r == utf8.RuneError && size == 1) || r == '\u2028' || r == '\u2029' {
			b = append(b, s[start:i]...)
			b = fmt.Appendf(b, `\u%04x`, r)
			i += size
			start = i
			continue
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// appendText appends `"name":"s",`.
func appendText(b []byte, name, s string) []byte {
	return append(appendString(appendName(b, name), s), ',')
}

// appendInt appends `"name":n,`.
func appendInt(b []byte, name string, n int64) []byte {
	return append(strconv.AppendInt(appendName(b, name), n, 10), ',')
}

// appendBool appends `"name":v,`.
func appendBool(b []byte, name string, v bool) []byte {
	return append(strconv.AppendBool(appendName(b, name), v), ',')
}

// appendRaw appends `"name":raw,`.
func appendRaw(b []byte, name string, raw []byte) []byte {
	return append(append(appendName(b, name), raw...), ',')
}

// appendTime appends `"name":"2006-01-02T15:04:05.000Z",`; nothing for the zero time.
func appendTime(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = append(appendName(b, name), '"')
	b = appendInstant(b, t)
	return append(b, '"', ',')
}

func appendInstant(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
}

func appendName(b []byte, name string) []byte {
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

// closeObject turns the comma after the last member into the closing brace.
func closeObject(b []byte) []byte {
	if b[len(b)-1] == ',' {
		b[len(b)-1] = '}'
		return b
	}
	return append(b, '}')
}

// member is one member of a JSON object; Value points into the document.
type member struct {
	Name  string
	Value json.RawMessage
}

// checkJSON reports why a document must not be trusted: it is not JSON, not
// UTF-8, nests too deeply, or names a member twice.
func checkJSON(doc []byte) error {
	if !utf8.Valid(doc) {
		return errors.New("the body is not UTF-8")
	}
	if !json.Valid(doc) {
		var v json.RawMessage
		return fmt.Errorf("the body is not JSON: %w", json.Unmarshal(doc, &v))
	}
	return checkValue(trim(doc), 0)
}

func checkValue(v []byte, depth int) error {
	if depth > nestedMost {
		return fmt.Errorf("the body nests deeper than %d levels", nestedMost)
	}
	switch v[0] {
	case '{':
		seen := map[string]bool{}
		for _, m := range members(v) {
			if seen[m.Name] {
				return fmt.Errorf("the body has the member %q twice", m.Name)
			}
			seen[m.Name] = true
			if err := checkValue(m.Value, depth+1); err != nil {
				return err
			}
		}
	case '[':
		for _, e := range elements(v) {
			if err := checkValue(e, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// members splits a valid JSON object.
func members(object []byte) []member {
	var all []member
	for i := skipSpace(object, 1); object[i] != '}'; {
		end := skipValue(object, i)
		name := unquote(object[i:end])
		i = skipSpace(object, skipSpace(object, end)+1) // the colon
		end = skipValue(object, i)
		all = append(all, member{name, object[i:end]})
		if i = skipSpace(object, end); object[i] == ',' {
			i = skipSpace(object, i+1)
		}
	}
	return all
}

// elements splits a valid JSON array.
func elements(array []byte) []json.RawMessage {
	var all []json.RawMessage
	for i := skipSpace(array, 1); array[i] != ']'; {
		end := skipValue(array, i)
		all = append(all, array[i:end])
		if i = skipSpace(array, end); array[i] == ',' {
			i = skipSpace(array, i+1)
		}
	}
	return all
}

func trim(doc []byte) []byte {
	start := skipSpace(doc, 0)
	return doc[start:skipValue(doc, start)]
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skipValue returns the index behind the value that begins at i.
func skipValue(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // behind a number or a word
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\n', '\r', '\t', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

// unquote reads a valid JSON string.
func unquote(quoted []byte) string {
	for _, c := range quoted {
		if c == '\\' {
			var s string
			if json.Unmarshal(quoted, &s) != nil {
				return string(quoted)
			}
			return s
		}
	}
	return string(quoted[1 : len(quoted)-1])
}
