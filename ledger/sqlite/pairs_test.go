package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"modernc.org/sqlite"

	"firstcome/engine/wiretest"
	"firstcome/ledger/booktest"
)

var errBroken = errors.New("the disk does not answer")

// disk stands between the book and SQLite: each statement and each end of a
// transaction is a request that it can break, before or after it is done.
type disk struct {
	mu     sync.Mutex // held for a look
	armed  bool
	fault  wiretest.Fault
	commit bool
	after  int
	struck bool
}

func (d *disk) strike(fault wiretest.Fault, commit bool, after int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.armed, d.fault, d.commit, d.after, d.struck = true, fault, commit, after, false
	if commit {
		d.after = 0
	}
}

func (d *disk) hasStruck() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.armed = false
	return d.struck
}

// request breaks do, or does it.
func (d *disk) request(what string, do func() error) error {
	d.mu.Lock()
	now := d.armed && (!d.commit || strings.EqualFold(what, "commit"))
	if now && d.after > 0 {
		d.after, now = d.after-1, false
	}
	if now {
		d.armed, d.struck = false, true
	}
	fault := d.fault
	d.mu.Unlock()
	if now && fault == wiretest.Failed {
		return errBroken
	}
	if err := do(); err != nil || !now {
		return err
	}
	return errBroken
}

// connect is the book's, by way of the disk.
func (d *disk) connect(path string, conns int) (*sql.DB, error) {
	db := sql.OpenDB(connector{d, name(path)})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

type connector struct {
	disk *disk
	name string
}

func (c connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.Driver().Open(c.name)
	return brittle{conn, c.disk}, err
}
func (connector) Driver() driver.Driver { return &sqlite.Driver{} }

// brittle is a connection whose requests pass the disk.
type brittle struct {
	driver.Conn
	disk *disk
}

func (b brittle) BeginTx(ctx context.Context, o driver.TxOptions) (tx driver.Tx, err error) {
	err = b.disk.request("begin", func() error { tx, err = b.Conn.(driver.ConnBeginTx).BeginTx(ctx, o); return err })
	if err != nil && tx != nil {
		_ = tx.Rollback() // nobody knows that it has begun
	}
	return ending{tx, b.disk}, err
}

func (b brittle) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (r driver.Result, err error) {
	err = b.disk.request(q, func() error { r, err = b.Conn.(driver.ExecerContext).ExecContext(ctx, q, args); return err })
	return r, err
}

func (b brittle) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (r driver.Rows, err error) {
	err = b.disk.request(q, func() error { r, err = b.Conn.(driver.QueryerContext).QueryContext(ctx, q, args); return err })
	if err != nil && r != nil {
		_ = r.Close() // nobody hears them
	}
	return r, err
}

func (b brittle) PrepareContext(ctx context.Context, q string) (driver.Stmt, error) {
	s, err := b.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, q)
	return statement{s, b.disk, q}, err
}

type ending struct {
	driver.Tx
	disk *disk
}

func (w ending) Commit() error {
	err := w.disk.request("commit", w.Tx.Commit)
	if errors.Is(err, errBroken) {
		_ = w.Tx.Rollback() // as the end of the connection does; nothing when it is committed
	}
	return err
}

type statement struct {
	driver.Stmt
	disk *disk
	text string
}

func (s statement) ExecContext(ctx context.Context, args []driver.NamedValue) (r driver.Result, err error) {
	err = s.disk.request(s.text, func() error { r, err = s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args); return err })
	return r, err
}

func (s statement) QueryContext(ctx context.Context, args []driver.NamedValue) (r driver.Rows, err error) {
	err = s.disk.request(s.text, func() error { r, err = s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args); return err })
	if err != nil && r != nil {
		_ = r.Close()
	}
	return r, err
}

// later is a book that has not its schema yet.
type later struct{ *Book }

func (l later) MigrateFor(ctx context.Context) error {
	return l.migrate(ctx, slog.New(slog.DiscardHandler))
}

func TestFaults(t *testing.T) {
	booktest.RunFaults(t, func(t *testing.T) booktest.Faulty {
		d, path := &disk{}, filepath.Join(t.TempDir(), "book.db")
		return booktest.Faulty{Strike: d.strike, Struck: d.hasStruck, Open: func(t testing.TB) booktest.Migrating {
			b, err := join(path, d.connect)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = b.Close() })
			return later{b}
		}}
	})
}
