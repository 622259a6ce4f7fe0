package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"firstcome/api"
	"firstcome/engine"
	"firstcome/ledger"
	"firstcome/ledger/postgres"
	"firstcome/ledger/sqlite"
)

// bookFile is the embedded book in the data folder.
const bookFile = "book.db"

// store is a book with everything that this program asks of it.
type store interface {
	ledger.Book
	ledger.Rates
	engine.Register
}

// books is the room ledger, joined.
type books struct {
	store    store
	start    int64 // the configured rate, rows a second
	throttle *ledger.Throttle
	writer   *ledger.Writer
	audit    *ledger.Audit
}

// openLedger opens the book: Postgres where an address is given, else a file.
func (r *rooms) openLedger(ctx context.Context, c *Config, t tools, data *dataDir) error {
	r.books.start = c.LedgerRate
	if c.Postgres == "" {
		b, err := sqlite.Open(ctx, filepath.Join(data.path, bookFile), t.log)
		if err != nil {
			return err
		}
		r.shuts(func(context.Context) error { return b.Close() })
		r.books.store = b
	} else {
		b, err := postgres.Open(c.Postgres)
		if err != nil {
			return err
		}
		r.shuts(func(context.Context) error { b.Close(); return nil })
		if err := r.migrate(ctx, b, t); err != nil {
			return err
		}
		r.ports.Times = append(r.ports.Times, b)
		r.books.store = b
	}
	r.ports.Snapshots, r.ports.Booked, r.ports.Register = r.books.store, r.books.store, r.books.store
	return nil
}

const (
	migrateNow   = 5 * time.Second // what a start waits for the database
	migrateAgain = time.Second
)

// migrate brings the schema up to date. A database that is away does not keep
// a node from starting: it reads the log instead of a snapshot, and the schema
// follows when the database is back.
func (r *rooms) migrate(ctx context.Context, b *postgres.Book, t tools) error {
	soon, cancel := context.WithTimeout(ctx, migrateNow)
	defer cancel()
	err := b.Migrate(soon, t.log)
	if err == nil {
		return nil
	}
	if !postgres.Away(err) {
		return unreachable("postgres", err)
	}
	t.log.Warn("the ledger's database is away: claims go on, the ledger follows when it is back", "room", "ledger", "err", err)
	r.runs = append(r.runs, line{"book's schema", func(ctx context.Context) error {
		for ctx.Err() == nil && b.Migrate(ctx, t.log) != nil {
			select {
			case <-time.After(migrateAgain):
			case <-ctx.Done():
			}
		}
		<-ctx.Done()
		return nil
	}})
	return nil
}

// join makes the writer, its throttle and the audit for an engine.
func (b *books) join(e *engine.Engine, ports engine.Ports, t tools) error {
	sealer, err := engine.NewSealer(t.secret)
	if err != nil {
		return fmt.Errorf("join the ledger: %w", err)
	}
	b.throttle = ledger.NewThrottle(b.start, b.store, b.store, e, t.log)
	b.writer = ledger.NewWriter(ledger.Config{
		Log: ports.Log, Book: b.store, Sealer: sealer, Throttle: b.throttle, Partitions: int32(len(e.Rows())),
		Locker: ports.Locker, Logger: t.log, Metrics: t.metrics,
	})
	b.audit = &ledger.Audit{Fold: e, Log: ports.Log, Gate: ports.Gate, Book: b.store, Register: b.store, Throttle: b.throttle}
	return nil
}

// doors are the ports of the doors.
func (b *books) doors(e *engine.Engine) api.Ports {
	return api.Ports{Claims: e, Campaigns: e, Verbs: e, Register: e, Node: e, Books: b.audit, Throttle: b.throttle, Auditor: auditor{b.audit}}
}

// runs is what the ledger lets run: the throttle follows its rate on every
// node, the writer works where the role says so.
func (b *books) runs(writes bool) []line {
	lines := []line{{"ledger's rate", b.throttle.Run}}
	if writes {
		lines = append(lines, line{"ledger", b.writer.Run})
	}
	return lines
}

// auditor hands the ledger's audit to the doors in their own words.
type auditor struct{ audit *ledger.Audit }

// Audit runs the whole audit.
func (a auditor) Audit(ctx context.Context) (api.AuditReport, error) {
	r, err := a.audit.Run(ctx)
	if err != nil {
		return api.AuditReport{}, err
	}
	out := api.AuditReport{Campaigns: r.Campaigns, Places: r.Places, Records: r.Records}
	for _, v := range r.Violations {
		out.Violations = append(out.Violations, api.Violation{Rule: v.Rule, Campaign: v.Campaign, Detail: v.Detail})
	}
	return out, nil
}
