package ledger

import (
	"fmt"
	"time"

	"firstcome/engine"
)

// NoticeColumns is what every query of notices selects, in the order of ScanNotice.
const NoticeColumns = `id, title, body, level, shown_from, shown_until, version, created_at, changed_at, changed_by`

// NoticesVersion is the setting that every change of any notice raises. It is never
// below the time of the change in ms: a database that is put back, or made anew, does
// not give a version twice.
const NoticesVersion = "notices-version"

// ScanNotice reads a row of NoticeColumns.
func ScanNotice(scan func(...any) error) (engine.Notice, error) {
	var n engine.Notice
	var from, until, created, changed int64
	if err := scan(&n.ID, &n.Title, &n.Body, &n.Level, &from, &until, &n.Version, &created, &changed, &n.ChangedBy); err != nil {
		return n, fmt.Errorf("read a notice: %w", err)
	}
	n.From, n.Until, n.CreatedAt, n.ChangedAt = Time(from), Time(until), Time(created), Time(changed)
	return n, nil
}

// NoticeRow is a notice as columns, in the order of NoticeColumns.
func NoticeRow(n *engine.Notice) []any {
	return []any{n.ID, n.Title, n.Body, n.Level, Millis(n.From), Millis(n.Until), n.Version, Millis(n.CreatedAt), Millis(n.ChangedAt), n.ChangedBy}
}

// Millis is the reverse of Time.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// ErrFull: there are as many notices as there may be.
var ErrFull = &engine.InvalidError{Fields: []engine.FieldError{{Detail: fmt.Sprintf("there are %d notices already; remove one first", engine.NoticesMost)}}}

// Expect says why a notice is not the version that is to be changed. 0: any will do.
func Expect(n *engine.Notice, version int64) error {
	switch {
	case n == nil:
		return engine.ErrNotFound
	case version != 0 && n.Version != version:
		return engine.ErrVersion
	}
	return nil
}
