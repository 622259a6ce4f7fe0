package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/ledger"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	// One process holds at most these connections. They are apart, so that a
	// crowd of readers cannot keep the ledger from being written.
	writeConns       = 4       // the ledger's writer: a batch each
	readConns        = 6       // snapshots, lists, audits, cursors; a seventh waits
	memberConns      = 6       // what members read of archived campaigns, and notices
	statementTimeout = "15000" // ms
	lockTimeout      = "5000"
	connectTimeout   = 3 * time.Second
	migrateTimeout   = time.Minute
)

// Book is a book in a Postgres database. It fulfils ledger.Book, ledger.Rates,
// engine.Register and engine.TimeSource.
type Book struct {
	write *pgxpool.Pool
	read  *pgxpool.Pool // its sessions cannot write
	// members is apart from read, so that neither a crowd of members nor an admin's
	// long list keeps the other out. Its sessions cannot write.
	members *pgxpool.Pool
}

// Open joins the database by its DSN. It does not wait for the server: whoever
// needs it finds out. An error means that the DSN is wrong.
func Open(dsn string) (*Book, error) {
	write, err := pool(dsn, writeConns, map[string]string{"application_name": "firstcome ledger"})
	if err != nil {
		return nil, err
	}
	read, err := pool(dsn, readConns, map[string]string{"application_name": "firstcome reads", "default_transaction_read_only": "on"})
	if err != nil {
		write.Close()
		return nil, err
	}
	members, err := pool(dsn, memberConns, map[string]string{"application_name": "firstcome members", "default_transaction_read_only": "on"})
	if err != nil {
		write.Close()
		read.Close()
		return nil, err
	}
	return &Book{write: write, read: read, members: members}, nil
}

func pool(dsn string, conns int32, settings map[string]string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("the Postgres DSN: %w", err)
	}
	cfg.MaxConns, cfg.ConnConfig.ConnectTimeout = conns, connectTimeout
	maps.Copy(settings, map[string]string{"statement_timeout": statementTimeout, "lock_timeout": lockTimeout,
		"idle_in_transaction_session_timeout": statementTimeout, "synchronous_commit": "on"})
	maps.Copy(cfg.ConnConfig.RuntimeParams, settings)
	p, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, fmt.Errorf("join Postgres: %w", err)
	}
	return p, nil
}

// Close ends all connections.
func (b *Book) Close() {
	b.write.Close()
	b.read.Close()
	b.members.Close()
}

// Migrate brings the schema up to date, one process at a time.
func (b *Book) Migrate(ctx context.Context, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	// Asked for each second: the session of a node that died may hold it a moment longer.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, uint64(migrateTimeout/time.Second)), lock.WithUnlockTimeout(1, 3))
	if err != nil {
		return fmt.Errorf("the migrations' lock: %w", err)
	}
	db := stdlib.OpenDBFromPool(b.write)
	defer db.Close()
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("the migrations: %w", err)
	}
	done, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate the book: %w", err)
	}
	for _, m := range done {
		log.Info("the book's schema is migrated", "room", "ledger", "migration", m.Source.Path, "took", m.Duration)
	}
	return nil
}

// Away reports whether an error says that the server does not answer, or not
// yet: it may come. Anything else, a refused password say, will not pass by itself.
func Away(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "57P03" || pg.Code[:2] == "08" || pg.Code == "57P01" // starting, connection lost, shutting down
	}
	var dial *net.OpError
	return errors.As(err, &dial) || errors.Is(err, context.DeadlineExceeded)
}

// Now tells the server's time.
func (b *Book) Now(ctx context.Context) (time.Time, error) {
	var t time.Time
	err := b.read.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&t)
	return t, err
}

// Cursors returns how far the book has come, by partition.
func (b *Book) Cursors(ctx context.Context, partitions int32) (next, rows []int64, err error) {
	next, rows = make([]int64, partitions), make([]int64, partitions)
	found, err := b.read.Query(ctx, "SELECT partition, next, rows FROM cursor")
	if err != nil {
		return nil, nil, fmt.Errorf("read the cursors: %w", err)
	}
	var p int32
	var n, r int64
	_, err = pgx.ForEachRow(found, []any{&p, &n, &r}, func() error {
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
	err := b.read.QueryRow(ctx, "SELECT value FROM settings WHERE name = 'ledger-rate'").Scan(&rate)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return rate, err
}

// SetRate changes the throttle's rate for all nodes.
func (b *Book) SetRate(ctx context.Context, rowsPerSecond int64) error {
	_, err := b.write.Exec(ctx, "INSERT INTO settings (name, value) VALUES ('ledger-rate', $1) ON CONFLICT (name) DO UPDATE SET value = $1", rowsPerSecond)
	return err
}

// Load reads a partition's whole state at one moment.
func (b *Book) Load(ctx context.Context, partition int32) (s fold.Snapshot, topic string, err error) {
	tx, err := b.read.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return s, "", fmt.Errorf("load partition %d: %w", partition, err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // nothing was changed
	l := ledger.NewLoader(partition)
	if topic, err = loadCursor(ctx, tx, l); err != nil {
		return s, "", err
	}
	if err := loadCampaigns(ctx, tx, l); err != nil {
		return s, "", fmt.Errorf("load the campaigns of partition %d: %w", partition, err)
	}
	for _, query := range []string{selectMembers, selectFences} {
		if err := loadMembers(ctx, tx, l, query); err != nil {
			return s, "", fmt.Errorf("load the places of partition %d: %w", partition, err)
		}
	}
	return l.Snapshot, topic, nil
}

const (
	selectCursor = `SELECT next, last_at, topic_id, fold_version, digest, rows, cluster, partitions FROM cursor WHERE partition = $1`
	selectHeads  = `SELECT id, definition, status, xv, granted, waiting, seq, wseq, ev, freed, created_at, created FROM campaigns WHERE partition = $1`
	// Members of archived campaigns are not part of the fold.
	selectMembers = `SELECT p.campaign, p.user_ref, p.claim_off, p.off_end, p.off_last, p.rank, p.wseq, p.at, p.ended_at, p.state
		FROM places p JOIN campaigns c ON c.id = p.campaign WHERE c.partition = $1 AND c.status <> 6 AND p.user_ref IS NOT NULL`
	selectFences = `SELECT f.campaign, f.user_ref, 0::bigint, f.off_end, f.off_last, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 4::smallint
		FROM fences f JOIN campaigns c ON c.id = f.campaign WHERE c.partition = $1 AND c.status <> 6`
)

func loadCursor(ctx context.Context, tx pgx.Tx, l *ledger.Loader) (topic string, err error) {
	s := &l.Snapshot
	var digest int64
	var version int16
	var cluster []byte
	err = tx.QueryRow(ctx, selectCursor, s.Partition).Scan(&s.Next, &s.LastAt, &topic, &version, &digest, &s.Rows, &cluster, &s.Genesis.Partitions)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", engine.ErrNoSnapshot
	}
	if err != nil {
		return "", fmt.Errorf("load the cursor of partition %d: %w", s.Partition, err)
	}
	s.Version, s.Digest = uint8(version), uint64(digest)
	copy(s.Genesis.Cluster[:], cluster)
	return topic, nil
}

func loadCampaigns(ctx context.Context, tx pgx.Tx, l *ledger.Loader) error {
	rows, err := tx.Query(ctx, selectHeads, l.Snapshot.Partition)
	if err != nil {
		return err
	}
	var c fold.Campaign
	var def []byte
	var status int16
	_, err = pgx.ForEachRow(rows, []any{&c.ID, &def, &status, &c.Xv, &c.Granted, &c.Waiting, &c.Seq, &c.Wseq, &c.Ev, &c.Freed, &c.CreatedAt, &c.Created}, func() error {
		c.Status = fold.Status(status)
		return l.Campaign(c, def)
	})
	return err
}

func loadMembers(ctx context.Context, tx pgx.Tx, l *ledger.Loader, query string) error {
	rows, err := tx.Query(ctx, query, l.Snapshot.Partition)
	if err != nil {
		return err
	}
	var campaign string
	var user []byte
	var p fold.Place
	var state int16
	_, err = pgx.ForEachRow(rows, []any{&campaign, &user, &p.Claim, &p.End, &p.Last, &p.Rank, &p.Ticket, &p.At, &p.EndedAt, &state}, func() error {
		p.State = fold.PlaceState(state)
		l.Member(campaign, ledger.UserOf(user), p)
		return nil
	})
	return err
}

// translate turns a row that the server refuses into the ledger's own error:
// class 23 is a violated constraint, class 22 data that no column can hold.
func translate(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) != 5 || pg.Code[:2] != "23" && pg.Code[:2] != "22" {
		return err
	}
	name := pg.ConstraintName
	if name == "" {
		name = pg.Code
	}
	detail := pg.Detail // the key, or the row
	if detail == "" {
		detail = pg.Message
	}
	return &ledger.RuleError{Rule: name, Detail: detail}
}
