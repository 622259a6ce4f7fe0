package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"firstcome/engine"
)

// fields reads the members of one JSON object, each at most once, and collects
// what is wrong with them. Absent members leave their target as it is, null
// sets it to its zero value: so the same reader serves a new object and a merge
// patch (RFC 7396).
type fields struct {
	pointer string // JSON pointer of the object
	left    []member
	wrong   *[]engine.FieldError
}

// readFields begins to read a document that checkJSON has passed.
func readFields(doc []byte) *fields {
	f := &fields{wrong: new([]engine.FieldError)}
	f.object(trim(doc))
	return f
}

func (f *fields) object(v json.RawMessage) {
	if v[0] != '{' {
		f.refuse("", "must be an object")
		return
	}
	f.left = members(v)
}

// refuse notes what is wrong with a member, or with the object itself ("").
func (f *fields) refuse(name, format string, args ...any) {
	pointer := f.pointer
	if name != "" {
		pointer += "/" + pointerEscape.Replace(name)
	}
	*f.wrong = append(*f.wrong, engine.FieldError{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// pointerEscape writes a name as a token of a JSON pointer (RFC 6901).
var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

// done refuses the members that nobody asked for and returns what is wrong.
func (f *fields) done() error {
	f.end()
	if len(*f.wrong) == 0 {
		return nil
	}
	return &engine.InvalidError{Fields: *f.wrong}
}

func (f *fields) end() {
	for _, m := range f.left {
		f.refuse(m.Name, "is not a field that can be set here")
	}
	f.left = nil
}

// take removes and returns a member. null comes back as ok with a nil value.
func (f *fields) take(name string) (v json.RawMessage, ok bool) {
	for i, m := range f.left {
		if m.Name == name {
			f.left = append(f.left[:i], f.left[i+1:]...)
			if bytes.Equal(m.Value, []byte("null")) {
				return nil, true
			}
			return m.Value, true
		}
	}
	return nil, false
}

// text reads a string of one line.
func (f *fields) text(name string, into *string) { f.string(name, into, false) }

// prose reads a string that may have line breaks.
func (f *fields) prose(name string, into *string) { f.string(name, into, true) }

func (f *fields) string(name string, into *string, lines bool) {
	v, ok := f.take(name)
	if !ok {
		return
	}
	*into = ""
	if v == nil {
		return
	}
	if v[0] != '"' {
		f.refuse(name, "must be a string")
		return
	}
	s := unquote(v)
	if why := unclean(s, lines); why != "" {
		f.refuse(name, "%s", why)
		return
	}
	*into = s
}

// integer reads a whole number.
func (f *fields) integer(name string, into *int64) {
	if v, ok := f.take(name); ok {
		*into = f.whole(name, v)
	}
}

// limit reads a whole number that may be absent: null means none.
func (f *fields) limit(name string, into **int64) (given bool) {
	v, ok := f.take(name)
	if !ok {
		return false
	}
	*into = nil
	if v != nil {
		n := f.whole(name, v)
		*into = &n
	}
	return true
}

func (f *fields) whole(name string, v json.RawMessage) int64 {
	if v == nil {
		return 0
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		f.refuse(name, "must be an integer of at most 64 bits")
	}
	return n
}

// number reads a number that may be absent.
func (f *fields) number(name string, into **float64) {
	v, ok := f.take(name)
	if !ok {
		return
	}
	*into = nil
	if v == nil {
		return
	}
	n, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		f.refuse(name, "must be a number")
		return
	}
	*into = &n
}

// flag reads true or false.
func (f *fields) flag(name string, into *bool) {
	v, ok := f.take(name)
	if !ok {
		return
	}
	switch string(v) {
	case "true":
		*into = true
	case "false", "":
		*into = false
	default:
		f.refuse(name, "must be true or false")
	}
}

// instant reads an RFC 3339 time, cut to milliseconds.
func (f *fields) instant(name string, into *time.Time) {
	v, ok := f.take(name)
	if !ok {
		return
	}
	*into = time.Time{}
	if v == nil {
		return
	}
	var t time.Time
	if v[0] == '"' {
		var err error
		if t, err = time.Parse(time.RFC3339Nano, unquote(v)); err == nil {
			*into = t.UTC().Truncate(time.Millisecond)
			return
		}
	}
	f.refuse(name, "must be an RFC 3339 time, as 2026-03-02T12:00:00+09:00")
}

// list reads an array and hands each element's value and name to each.
func (f *fields) list(name string, each func(at *fields, i int, v json.RawMessage)) (given bool) {
	v, ok := f.take(name)
	if !ok {
		return false
	}
	if v == nil {
		return true
	}
	if v[0] != '[' {
		f.refuse(name, "must be an array")
		return true
	}
	inner := &fields{pointer: f.pointer + "/" + name, wrong: f.wrong}
	for i, e := range elements(v) {
		each(inner, i, e)
	}
	return true
}

// texts reads an array of strings.
func (f *fields) texts(name string, into *[]string) {
	var all []string
	if f.list(name, func(at *fields, i int, v json.RawMessage) {
		switch {
		case v[0] != '"':
			at.refuse(strconv.Itoa(i), "must be a string")
		case unclean(unquote(v), false) != "":
			at.refuse(strconv.Itoa(i), "%s", unclean(unquote(v), false))
		default:
			all = append(all, unquote(v))
		}
	}) {
		*into = all
	}
}

// each reads an array of objects.
func (f *fields) each(name string, object func(*fields)) (given bool) {
	return f.list(name, func(at *fields, i int, v json.RawMessage) {
		inner := &fields{pointer: at.pointer + "/" + strconv.Itoa(i), wrong: f.wrong}
		inner.object(v)
		object(inner)
		inner.end()
	})
}

// unclean says why a text may not be shown to others, "" when it may: control
// characters, and marks that turn the direction of what stands around them.
func unclean(s string, lines bool) string {
	for _, r := range s {
		switch {
		case lines && (r == '\n' || r == '\r' || r == '\t'):
		case unicode.IsControl(r):
			return "must not contain control characters"
		case unicode.Is(unicode.Bidi_Control, r):
			return "must not contain bidirectional control characters"
		case r == '\u2028' || r == '\u2029':
			return "must not contain line separators"
		case r == unicode.ReplacementChar:
			return "must be valid Unicode"
		}
	}
	return ""
}
