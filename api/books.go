package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"firstcome/engine"
)

// books is GET /v1/admin/campaigns/{id}/books.
func (s *Server) books(c *call) error {
	id, err := c.campaign()
	if err != nil {
		return err
	}
	if s.ports.Books == nil {
		return later(unavailable, fmt.Errorf("this node keeps no books: %w", engine.ErrUnavailable))
	}
	ctx, cancel := c.deadline()
	defer cancel()
	books, err := s.ports.Books.Books(ctx, id)
	if err != nil {
		return err
	}
	c.buf = appendBooks(c.buf[:0], &books)
	return c.json(http.StatusOK, c.buf)
}

func appendBooks(b []byte, books *engine.Books) []byte {
	b = append(b, `{"log":`...)
	b = append(closeObject(appendTotals(b, &books.Log)), ',')
	b = append(b, `"gate":{`...)
	b = appendBool(b, "reachable", books.GateReached)
	b = appendInt(b, "count", books.Gate.Count)
	b = append(closeObject(appendInt(b, "leased", books.Gate.Leased)), ',')
	b = append(b, `"ledger":`...)
	if books.LedgerKnown {
		b = appendTotals(b, &books.Ledger)
		b = appendInt(b, "backlog_rows", books.Backlog)
		b = closeObject(appendSeconds(b, "drain_seconds", books.Drain))
	} else {
		b = append(b, `null`...)
	}
	b = appendBool(append(b, ','), "equal", len(books.Differences) == 0)
	return closeObject(appendTexts(b, "differences", books.Differences))
}

// appendTotals begins an object with one book's totals. The digest is 64 bits
// in hexadecimal: JSON's numbers would round it.
func appendTotals(b []byte, t *engine.Totals) []byte {
	b = appendInt(append(b, '{'), "granted", t.Granted)
	b = appendInt(b, "waiting", t.Waiting)
	b = appendInt(b, "seq", t.Seq)
	b = appendInt(b, "offset", t.Offset)
	return appendDigest(b, t.Digest)
}

func appendDigest(b []byte, digest uint64) []byte {
	b = append(appendName(b, "digest"), '"')
	return append(fmt.Appendf(b, "%016x", digest), '"', ',')
}

func appendSeconds(b []byte, name string, d time.Duration) []byte {
	return append(strconv.AppendFloat(appendName(b, name), d.Seconds(), 'f', 3, 64), ',')
}

// readThrottle is GET /v1/admin/ledger/throttle.
func (s *Server) readThrottle(c *call) error { return c.throttle(0, false) }

// rateMost bounds the rows a second that may be asked for.
const rateMost = 10_000_000

// setThrottle is PUT /v1/admin/ledger/throttle.
func (s *Server) setThrottle(c *call) error {
	dryRun, err := c.dryRun()
	if err != nil {
		return err
	}
	f, err := c.adminFields()
	if err != nil {
		return err
	}
	var rows int64
	f.integer("rows_per_second", &rows)
	if rows < 1 || rows > rateMost {
		f.refuse("rows_per_second", "must be an integer from 1 to %d", rateMost)
	}
	if err := f.done(); err != nil {
		return err
	}
	return c.throttle(rows, dryRun)
}

// throttle sets the rate, unless it is 0 or a dry run, and tells the status.
func (c *call) throttle(rows int64, dryRun bool) error {
	port := c.server.ports.Throttle
	if port == nil {
		return later(unavailable, fmt.Errorf("this node writes no ledger: %w", engine.ErrUnavailable))
	}
	ctx, cancel := c.deadline()
	defer cancel()
	if rows > 0 && !dryRun {
		if err := port.Set(ctx, rows); err != nil {
			return err
		}
	}
	status, err := port.Status(ctx)
	if err != nil {
		return err
	}
	b := append(c.buf[:0], '{')
	if dryRun {
		b = appendBool(b, "dry_run", true)
		status.RowsPerSecond = rows
		status.Drain = time.Duration(float64(status.BacklogRows) / float64(rows) * float64(time.Second))
	}
	b = appendInt(b, "rows_per_second", status.RowsPerSecond)
	b = appendInt(b, "backlog_rows", status.BacklogRows)
	b = appendSeconds(b, "drain_seconds", status.Drain)
	c.buf = closeObject(appendInt(b, "rows_total", status.RowsTotal))
	return c.json(http.StatusOK, c.buf)
}

// auditPatience is how long a full audit may take.
const auditPatience = 10 * time.Minute

// audit is POST /v1/admin/audit: the full audit, one at a time.
func (s *Server) audit(c *call) error {
	if s.ports.Auditor == nil {
		return later(unavailable, fmt.Errorf("this node keeps no books: %w", engine.ErrUnavailable))
	}
	if !s.auditing.TryLock() {
		return later(overloaded, fmt.Errorf("an audit is under way: %w", engine.ErrOverloaded))
	}
	defer s.auditing.Unlock()
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(auditPatience + time.Minute))
	ctx, cancel := context.WithTimeout(c.r.Context(), auditPatience)
	defer cancel()
	started := time.Now()
	report, err := s.ports.Auditor.Audit(ctx)
	if err != nil {
		return err
	}
	b := appendBool(append(c.buf[:0], '{'), "clean", len(report.Violations) == 0)
	b = appendInt(b, "campaigns", report.Campaigns)
	b = appendInt(b, "places", report.Places)
	b = appendInt(b, "records", report.Records)
	b = appendSeconds(b, "seconds", time.Since(started))
	b = append(appendName(b, "violations"), '[')
	for i, v := range report.Violations {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, '{'), "rule", v.Rule)
		if v.Campaign != "" {
			b = appendText(b, "campaign", v.Campaign)
		}
		b = closeObject(appendText(b, "detail", v.Detail))
	}
	c.buf = closeObject(append(b, ']', ','))
	return c.json(http.StatusOK, c.buf)
}
