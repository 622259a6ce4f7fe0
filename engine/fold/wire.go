package fold

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// wire writes or reads fields. One list of fields serves both directions, so
// they cannot come to differ. The first error ends the walk: every later field
// is skipped.
type wire struct {
	buf     []byte // what is written so far, or what is left to read
	reading bool
	known   map[string]*Campaign // ids that need no copy when read
	err     error
}

// fail keeps the first error. What cannot be read is malformed.
func (w *wire) fail(field, why string) {
	switch {
	case w.err != nil:
	case w.reading:
		w.err = fmt.Errorf("%w: the %s %s", ErrMalformed, field, why)
	default:
		w.err = errors.New("the " + field + " " + why)
	}
}

// take cuts n bytes off what is left to read; nil after a failure.
func (w *wire) take(field string, n int) []byte {
	if w.err != nil {
		return nil
	}
	if len(w.buf) < n {
		w.fail(field, "is cut off")
		return nil
	}
	b := w.buf[:n:n]
	w.buf = w.buf[n:]
	return b
}

// counter is an unsigned number. Only the shortest form is read.
func (w *wire) counter(field string, v *uint64) {
	if w.err != nil {
		return
	}
	if !w.reading {
		w.buf = binary.AppendUvarint(w.buf, *v)
		return
	}
	x, n := binary.Uvarint(w.buf)
	if n <= 0 || n > 1 && w.buf[n-1] == 0 {
		w.fail(field, "is no number")
		return
	}
	*v, w.buf = x, w.buf[n:]
}

// number is a number within bounds, stored as its distance from least.
func (w *wire) number(field string, v *int64, least, most int64) {
	if !w.reading && (*v < least || *v > most) {
		w.fail(field, "is out of range")
		return
	}
	distance := uint64(*v - least)
	w.counter(field, &distance)
	if distance > uint64(most-least) {
		w.fail(field, "is out of range")
		return
	}
	*v = int64(distance) + least
}

// offset is a place in the log, or anything else that counts from 0 for ever.
func (w *wire) offset(field string, v *int64) { w.number(field, v, 0, math.MaxInt64) }

func (w *wire) small(field string, v *uint8, most uint8) {
	n := int64(*v)
	w.number(field, &n, 0, int64(most))
	*v = uint8(n)
}

func (w *wire) flag(field string, v *bool) {
	var n uint8
	if *v {
		n = 1
	}
	w.small(field, &n, 1)
	*v = n == 1
}

func (w *wire) partitions(v *int32) {
	n := int64(*v)
	w.number("partitions", &n, 1, math.MaxInt32)
	*v = int32(n)
}

// fixed is a number without small values: eight bytes, the lowest first.
func (w *wire) fixed(field string, v *uint64) {
	if !w.reading {
		w.buf = binary.LittleEndian.AppendUint64(w.buf, *v)
		return
	}
	if b := w.take(field, 8); b != nil {
		*v = binary.LittleEndian.Uint64(b)
	}
}

func (w *wire) raw(field string, v *[16]byte) {
	if !w.reading {
		w.buf = append(w.buf, v[:]...)
		return
	}
	copy(v[:], w.take(field, len(v)))
}

// bytes reads a slice of the input itself: no copy. Empty is nil.
func (w *wire) bytes(field string, v *[]byte, most int) {
	n := int64(len(*v))
	if !w.reading && n > int64(most) {
		w.fail(field, fmt.Sprintf("is longer than %d bytes", most))
		return
	}
	w.number(field, &n, 0, int64(most))
	if !w.reading {
		w.buf = append(w.buf, *v...)
		return
	}
	if *v = w.take(field, int(n)); len(*v) == 0 {
		*v = nil
	}
}

// keep is bytes that outlive the input: a copy.
func (w *wire) keep(field string, v *[]byte, most int) {
	w.bytes(field, v, most)
	if w.reading {
		*v = slices.Clone(*v)
	}
}

// text is valid UTF-8 without NUL: what every database can keep. Anything else
// in the log would stop the ledger's writer for good.
func (w *wire) text(field string, v *string, most int) {
	if !w.reading && !isText(*v) {
		w.fail(field, "is not valid text")
		return
	}
	b := []byte(nil)
	if !w.reading {
		b = []byte(*v)
	}
	w.bytes(field, &b, most)
	if !w.reading {
		return
	}
	if *v = string(b); !isText(*v) {
		w.fail(field, "is not valid text")
	}
}

func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// id is a campaign's id. One that is known already is not allocated again.
func (w *wire) id(v *string) {
	if !w.reading {
		if !isSlug(*v) {
			w.fail("campaign's id", "is not a slug")
			return
		}
		w.text("campaign's id", v, MaxID)
		return
	}
	var b []byte
	w.bytes("campaign's id", &b, MaxID)
	if c := w.known[string(b)]; c != nil {
		*v = c.ID
		return
	}
	if *v = string(b); !isSlug(*v) {
		w.fail("campaign's id", "is not a slug")
	}
}

// isSlug reports whether s is ^[a-z0-9][a-z0-9-]{0,62}$.
func isSlug(s string) bool {
	if s == "" || len(s) > MaxID || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
