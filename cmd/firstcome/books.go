package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"firstcome/api"
	"firstcome/cache"
	"firstcome/engine"
	"firstcome/ledger"
	"firstcome/ledger/postgres"
	"firstcome/ledger/sqlite"
)

const (
	schemaWait  = 5 * time.Second // for the schema when a node starts
	schemaAgain = time.Second     // between two tries while Postgres is away
)

// book is what both kinds of books are.
type book interface {
	ledger.Book
	ledger.Rates
	cache.PastBook
	cache.Milestones
	cache.NoticeBook
}

// books is the room ledger, joined: the book, how fast it is written, and the
// audit that holds it against log and gate.
type books struct {
	book     book
	throttle *ledger.Throttle
	writer   *ledger.Writer
	audit    *ledger.Audit
}

// openLedger joins the book: Postgres where one is given, else a file.
func (r *rooms) openLedger(ctx context.Context, c *Config, t tools, data *dataDir) error {
	if c.Postgres == "" {
		file, err := sqlite.Open(ctx, filepath.Join(data.path, "book.db"), t.log)
		if err != nil {
			return err
		}
		r.shuts(func(context.Context) error { return file.Close() })
		r.keeps(file)
		return nil
	}
	server, err := postgres.Open(c.Postgres)
	if err != nil {
		return err
	}
	r.shuts(func(context.Context) error { server.Close(); return nil })
	r.keeps(server)
	r.ports.Times = append(r.ports.Times, server)
	return r.openSchema(ctx, server, t.log)
}

// openSchema brings the schema up to date. A Postgres that is away does not keep
// a node from starting: it folds from the log, and the schema is looked at again
// until it comes.
func (r *rooms) openSchema(ctx context.Context, server *postgres.Book, log *slog.Logger) error {
	first, cancel := context.WithTimeout(ctx, schemaWait)
	defer cancel()
	err := server.Migrate(first, log)
	if err == nil {
		return nil
	}
	if !postgres.Away(err) {
		return unreachable("postgres", err)
	}
	log.WarnContext(ctx, "postgres is away: claims go on, nothing is booked until it comes", "room", "cmd", "err", err)
	r.runs = append(r.runs, line{"the ledger's schema", func(ctx context.Context) error { return awaitSchema(ctx, server, log) }})
	return nil
}

// awaitSchema tries until the schema is up to date, then waits for ctx.
func awaitSchema(ctx context.Context, server *postgres.Book, log *slog.Logger) error {
	tick := time.NewTicker(schemaAgain)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := server.Migrate(ctx, log)
		if err == nil {
			log.InfoContext(ctx, "postgres is there", "room", "cmd")
			<-ctx.Done()
			return nil
		}
		if !postgres.Away(err) && ctx.Err() == nil {
			log.ErrorContext(ctx, "the ledger's schema cannot be brought up to date", "room", "cmd", "err", err)
		}
	}
}

// keeps makes a book the engine's.
func (r *rooms) keeps(b book) {
	r.books.book = b
	r.ports.Writing = &r.books
	r.ports.Snapshots, r.ports.Booked, r.ports.Register = b, b, b
}

// join hands the engine's numbers to who writes and audits the book.
func (b *books) join(c *Config, e *engine.Engine, ports engine.Ports, t tools) error {
	sealer, err := engine.NewSealer(t.secret)
	if err != nil {
		return fmt.Errorf("join the ledger: %w", err)
	}
	b.throttle = ledger.NewThrottle(c.LedgerRate, b.book, b.book, e, t.log)
	b.audit = &ledger.Audit{Fold: e, Log: ports.Log, Gate: ports.Gate, Book: b.book, Register: b.book, Throttle: b.throttle}
	b.writer = ledger.NewWriter(ledger.Config{
		Log: ports.Log, Book: b.book, Sealer: sealer, Throttle: b.throttle, Partitions: c.KafkaPartitions,
		Locker: ports.Locker, Logger: t.log, Metrics: t.metrics,
	})
	return nil
}

// Stopped tells which partitions' writing has stopped; engine.Writing.
func (b *books) Stopped() map[int32]error { return b.writer.Stopped() }

// doors is what the doors stand on.
func (b *books) doors(e *engine.Engine) api.Ports {
	return api.Ports{Claims: e, Campaigns: e, Verbs: e, Register: e, Node: e, Cluster: e, Books: b.audit, Throttle: b.throttle,
		Auditor: auditor{b.audit}, Board: e}
}

// runs is what lives long here. Every node follows the rate, since every node
// tells it; the writer is the role ledger.
func (b *books) runs(writes bool) []line {
	lines := []line{{"throttle", b.throttle.Run}}
	if writes {
		lines = append([]line{{"writer", b.writer.Run}}, lines...)
	}
	return lines
}

// auditor tells the ledger's report in the doors' words.
type auditor struct{ audit *ledger.Audit }

// Audit folds the whole log again and compares it with the other books.
func (a auditor) Audit(ctx context.Context) (api.AuditReport, error) {
	r, err := a.audit.Run(ctx)
	if err != nil {
		return api.AuditReport{}, err
	}
	out := api.AuditReport{Campaigns: r.Campaigns, Places: r.Places, Records: r.Records}
	for _, v := range r.Violations {
		out.Violations = append(out.Violations, api.Violation(v))
	}
	return out, nil
}
