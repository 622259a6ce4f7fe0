package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"regexp"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/ledger"
)

//go:embed migrations/*.sql
var migrations embed.FS

// How many connections read: for lists, snapshots and audits, and apart from them for
// members, so that neither keeps the other out.
const (
	readers       = 4
	memberReaders = 2
)

// Book is a book in one file. It fulfils ledger.Book, ledger.Rates and
// engine.Register. One process may write it; its data folder's lock sees to that.
type Book struct {
	write, read, members *sql.DB
}

// Open opens the file, makes it when it is not there, and brings its schema up
// to date.
func Open(ctx context.Context, path string, log *slog.Logger) (*Book, error) {
	b, err := join(path, connect)
	if err != nil {
		return nil, err
	}
	if err := b.migrate(ctx, log); err != nil {
		return nil, errors.Join(fmt.Errorf("open the book %s: %w", path, err), b.Close())
	}
	return b, nil
}

// join opens the file's connections, by whatever driver.
func join(path string, connect func(path string, conns int) (*sql.DB, error)) (*Book, error) {
	b := &Book{}
	var err error
	if b.write, err = connect(path, 1); err != nil {
		return nil, err
	}
	if b.read, err = connect(path, readers); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	if b.members, err = connect(path, memberReaders); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func connect(path string, conns int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", name(path))
	if err != nil {
		return nil, fmt.Errorf("open the book %s: %w", path, err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// name is the file's name with the settings of its connections, as the driver reads it.
func name(path string) string {
	pragmas := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(NORMAL)", "busy_timeout(5000)", "cache_size(-16000)"}, "_txlock": {"immediate"}}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas.Encode()
}

func (b *Book) migrate(ctx context.Context, log *slog.Logger) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, b.write, files)
	if err != nil {
		return err
	}
	done, err := p.Up(ctx)
	for _, m := range done {
		log.Debug("the book's schema is migrated", "room", "ledger", "migration", m.Source.Path, "took", m.Duration)
	}
	return err
}

// Close ends all connections.
func (b *Book) Close() error {
	var all []error
	for _, db := range []*sql.DB{b.members, b.read, b.write} {
		if db != nil {
			all = append(all, db.Close())
		}
	}
	return errors.Join(all...)
}

// Cursors returns how far the book has come, by partition.
func (b *Book) Cursors(ctx context.Context, partitions int32) (next, rows []int64, err error) {
	next, rows = make([]int64, partitions), make([]int64, partitions)
	err = each(ctx, b.read, `SELECT partition, next, rows FROM cursor`, nil, func(scan func(...any) error) error {
		var p int32
		var n, r int64
		if err := scan(&p, &n, &r); err != nil {
			return err
		}
		if p >= 0 && p < partitions {
			next[p], rows[p] = n, r
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the cursors: %w", err)
	}
	return next, rows, nil
}

// Rate returns the throttle's rate, 0 when none was set.
func (b *Book) Rate(ctx context.Context) (int64, error) {
	var rate int64
	err := b.read.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = 'ledger-rate'`).Scan(&rate)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return rate, err
}

// SetRate changes the throttle's rate.
func (b *Book) SetRate(ctx context.Context, rowsPerSecond int64) error {
	_, err := b.write.ExecContext(ctx, `INSERT INTO settings (name, value) VALUES ('ledger-rate', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1`, rowsPerSecond)
	return err
}

const (
	selectCursor  = `SELECT next, last_at, topic_id, fold_version, digest, rows, cluster, partitions FROM cursor WHERE partition = ?1`
	selectHeads   = `SELECT id, definition, status, xv, granted, waiting, seq, wseq, ev, freed, created_at, created FROM campaigns WHERE partition = ?1`
	selectMembers = `SELECT p.campaign, p.user_ref, p.claim_off, p.off_end, p.off_last, p.rank, p.wseq, p.at, p.ended_at, p.state
		FROM places p JOIN campaigns c ON c.id = p.campaign WHERE c.partition = ?1 AND c.status <> 6 AND p.user_ref IS NOT NULL`
	selectFences = `SELECT f.campaign, f.user_ref, 0, f.off_end, f.off_last, 0, 0, 0, 0, 4
		FROM fences f JOIN campaigns c ON c.id = f.campaign WHERE c.partition = ?1 AND c.status <> 6`
)

// Load reads a partition's whole state at one moment.
func (b *Book) Load(ctx context.Context, partition int32) (s fold.Snapshot, topic string, err error) {
	conn, err := b.read.Conn(ctx)
	if err != nil {
		return s, "", fmt.Errorf("load partition %d: %w", partition, err)
	}
	defer leave(ctx, conn)
	// A deferred transaction: with _txlock=immediate the driver would lock out the writer.
	if _, err := conn.ExecContext(ctx, `BEGIN DEFERRED`); err != nil {
		return s, "", fmt.Errorf("load partition %d: %w", partition, err)
	}
	l := ledger.NewLoader(partition)
	defer func() { err = translate(err, "load") }()
	if topic, err = loadCursor(ctx, conn, l); err != nil {
		return s, "", err
	}
	if err := loadCampaigns(ctx, conn, l); err != nil {
		return s, "", fmt.Errorf("load the campaigns of partition %d: %w", partition, err)
	}
	for _, query := range []string{selectMembers, selectFences} {
		if err := loadMembers(ctx, conn, l, query); err != nil {
			return s, "", fmt.Errorf("load the places of partition %d: %w", partition, err)
		}
	}
	return l.Snapshot, topic, nil
}

// leave gives a connection back. One whose transaction does not end is thrown
// away: nobody could begin another on it, and its old view would keep the
// write-ahead log from ever shrinking.
func leave(ctx context.Context, conn *sql.Conn) {
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	_ = conn.Close() // thrown away, or in the pool again
}

func loadCursor(ctx context.Context, conn *sql.Conn, l *ledger.Loader) (topic string, err error) {
	s := &l.Snapshot
	var digest int64
	var cluster []byte
	err = conn.QueryRowContext(ctx, selectCursor, s.Partition).Scan(&s.Next, &s.LastAt, &topic, &s.Version, &digest, &s.Rows, &cluster, &s.Genesis.Partitions)
	if errors.Is(err, sql.ErrNoRows) {
		return "", engine.ErrNoSnapshot
	}
	if err != nil {
		return "", fmt.Errorf("load the cursor of partition %d: %w", s.Partition, err)
	}
	s.Digest = uint64(digest)
	copy(s.Genesis.Cluster[:], cluster)
	return topic, nil
}

func loadCampaigns(ctx context.Context, conn *sql.Conn, l *ledger.Loader) error {
	return each(ctx, conn, selectHeads, []any{l.Snapshot.Partition}, func(scan func(...any) error) error {
		var c fold.Campaign
		var def []byte
		err := scan(&c.ID, &def, &c.Status, &c.Xv, &c.Granted, &c.Waiting, &c.Seq, &c.Wseq, &c.Ev, &c.Freed, &c.CreatedAt, &c.Created)
		if err != nil {
			return err
		}
		return l.Campaign(c, def)
	})
}

func loadMembers(ctx context.Context, conn *sql.Conn, l *ledger.Loader, query string) error {
	return each(ctx, conn, query, []any{l.Snapshot.Partition}, func(scan func(...any) error) error {
		var campaign string
		var user []byte
		var p fold.Place
		if err := scan(&campaign, &user, &p.Claim, &p.End, &p.Last, &p.Rank, &p.Ticket, &p.At, &p.EndedAt, &p.State); err != nil {
			return err
		}
		l.Member(campaign, ledger.UserOf(user), p)
		return nil
	})
}

// queryer is a database, a connection or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each runs a query and calls f with each row's Scan.
func each(ctx context.Context, q queryer, query string, args []any, f func(scan func(...any) error) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// constraint finds the columns in SQLite's message, which is the only place
// where it names what was violated; the code alone decides that something was.
var constraint = regexp.MustCompile(`constraint failed: ([^(]+)`)

// translate turns a violated constraint, and a file that is damaged, into the
// ledger's own error: neither passes by itself.
func translate(err error, row string) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	rule := ""
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT:
		rule = "constraint"
		if m := constraint.FindStringSubmatch(e.Error()); m != nil {
			rule = strings.TrimSpace(m[1])
		}
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		rule = "that its file is whole"
	default:
		return err
	}
	return &ledger.RuleError{Rule: rule, Detail: row + ": " + e.Error()}
}
