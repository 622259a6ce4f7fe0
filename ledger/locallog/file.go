package locallog

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"firstcome/engine"
)

// applicationID marks the file as a log of this program ("fclg").
const applicationID = 0x66636c67

const schema = `
CREATE TABLE meta (key TEXT CONSTRAINT meta_key PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE log (
	part INTEGER NOT NULL,
	off  INTEGER NOT NULL,
	at   INTEGER NOT NULL, -- Unix ms, never going back within a partition
	rec  BLOB    NOT NULL,
	crc  INTEGER NOT NULL, -- CRC-32C of part, off, at and rec
	CONSTRAINT log_place PRIMARY KEY (part, off)
) STRICT, WITHOUT ROWID;`

// insertRows is the number of rows of the larger of two prepared inserts.
const insertRows = 32

// file is the SQLite file behind its only connection. With the exclusive lock
// there can be no second one, so readers and the committer take turns.
type file struct {
	path string
	db   *sql.DB

	// mu guards the connection: held for one commit or one read of maxDeliver rows.
	mu       sync.Mutex
	conn     *sql.Conn
	one, all *sql.Stmt // inserts of 1 and of insertRows rows
	closed   bool
}

// openFile opens or makes the file and returns the log's id. What was made is
// complete or absent: the tables appear in one transaction.
func openFile(ctx context.Context, path string, partitions int32) (_ *file, id string, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, "", err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath())
	if err != nil {
		return nil, "", err
	}
	f := &file{path: path, db: db}
	defer func() {
		if err != nil {
			f.close()
			err = f.explain(err)
		}
	}()
	if f.conn, err = db.Conn(ctx); err != nil {
		return nil, "", err
	}
	if err = f.lock(ctx); err != nil {
		return nil, "", err
	}
	if id, err = f.identify(ctx, partitions); err != nil {
		return nil, "", err
	}
	if f.one, err = f.conn.PrepareContext(ctx, insertSQL(1)); err != nil {
		return nil, "", err
	}
	f.all, err = f.conn.PrepareContext(ctx, insertSQL(insertRows))
	return f, id, err
}

// insertSQL ends the whole transaction when a row is there already, which can
// only be a bug: SQLite then needs no journal for undoing single statements.
func insertSQL(rows int) string {
	return "INSERT OR ROLLBACK INTO log (part, off, at, rec, crc) VALUES (?,?,?,?,?)" + strings.Repeat(",(?,?,?,?,?)", rows-1)
}

// lock sets the connection up and takes the exclusive lock, which SQLite keeps
// until the connection is closed or the process ends.
func (f *file) lock(ctx context.Context) error {
	for _, pragma := range []string{
		"PRAGMA locking_mode=EXCLUSIVE", // before the first access: no shared memory file
		"PRAGMA journal_mode=WAL",
		"PRAGMA synchronous=FULL", // a commit is on the disk when it returns
		"PRAGMA wal_autocheckpoint=4000",
		"PRAGMA cell_size_check=ON", // notice a damaged page when it is read
		"BEGIN EXCLUSIVE", "COMMIT",
	} {
		if _, err := f.conn.ExecContext(ctx, pragma); err != nil {
			return err
		}
	}
	return nil
}

// identify reads the log's id and number of partitions, or gives them to a new file.
func (f *file) identify(ctx context.Context, partitions int32) (string, error) {
	var app, tables int
	if err := f.conn.QueryRowContext(ctx, "PRAGMA application_id").Scan(&app); err != nil {
		return "", err
	}
	if err := f.conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return "", err
	}
	switch {
	case app == 0 && tables == 0:
		if info, err := os.Stat(endsPath(f.path)); err == nil && info.Size() > 0 {
			return "", fmt.Errorf("%w: %s is empty, and %s remembers a log in it: restore a copy, or remove both to begin another", engine.ErrLogLost, f.path, endsPath(f.path))
		}
		return f.create(ctx, partitions)
	case app != applicationID:
		return "", errors.New("this SQLite file is not a log of firstcome")
	}
	var id, count string
	const q = "SELECT (SELECT value FROM meta WHERE key='topic'), (SELECT value FROM meta WHERE key='partitions')"
	if err := f.conn.QueryRowContext(ctx, q).Scan(&id, &count); err != nil {
		return "", err
	}
	if count != strconv.Itoa(int(partitions)) {
		return "", fmt.Errorf("the log was made with %s partitions and cannot be used with %d: a campaign's partition is fixed for ever", count, partitions)
	}
	return id, nil
}

// create makes the tables and draws the log's id.
func (f *file) create(ctx context.Context, partitions int32) (string, error) {
	var raw [16]byte
	rand.Read(raw[:]) // never fails
	id := hex.EncodeToString(raw[:])
	tx, err := f.conn.BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id=%d; %s", applicationID, schema)); err != nil {
		return "", err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO meta VALUES ('topic', ?), ('partitions', ?)", id, strconv.Itoa(int(partitions))); err != nil {
		return "", err
	}
	if err := tx.Commit(); err != nil {
		return "", err
	}
	return id, syncDir(filepath.Dir(f.path))
}

// syncDir makes new names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// bounds returns a partition's first offset, the offset after its last record
// and that record's time.
func (f *file) bounds(ctx context.Context, partition int32) (start, end, lastAt int64, err error) {
	const first = "SELECT off FROM log WHERE part=? ORDER BY off LIMIT 1"
	const last = "SELECT off, at FROM log WHERE part=? ORDER BY off DESC LIMIT 1"
	err = f.conn.QueryRowContext(ctx, first, partition).Scan(&start)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, 0, nil
	}
	if err == nil {
		err = f.conn.QueryRowContext(ctx, last, partition).Scan(&end, &lastAt)
	}
	if err != nil {
		return 0, 0, 0, fmt.Errorf("find the ends of partition %d: %w", partition, f.explain(err))
	}
	return start, end + 1, lastAt, nil
}

// insert commits a batch in one transaction. After an error it is unknown
// whether the batch is there.
func (f *file) insert(batch []entry) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx := context.Background() // a commit is never cut off half-way
	if _, err := f.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return f.explain(err)
	}
	args := make([]any, 0, 5*insertRows)
	for len(batch) > 0 {
		stmt, n := f.one, 1
		if len(batch) >= insertRows {
			stmt, n = f.all, insertRows
		}
		args = args[:0]
		for _, e := range batch[:n] {
			args = append(args, e.partition, e.rec.Offset, e.rec.At, e.rec.Value, checksum(e.partition, e.rec))
		}
		if _, err := stmt.ExecContext(ctx, args...); err != nil {
			f.conn.ExecContext(ctx, "ROLLBACK")
			return f.explain(err)
		}
		batch = batch[n:]
	}
	_, err := f.conn.ExecContext(ctx, "COMMIT")
	return f.explain(err)
}

// read returns the records from next on, whole, as far as they are good and at
// most to before end; or, when the first is not good, an error that wraps
// ErrLogLost and names it.
func (f *file) read(ctx context.Context, partition int32, next, end int64) ([]engine.LogRecord, error) {
	recs, err := f.scan(ctx, partition, next, end)
	if len(recs) > 0 {
		return recs, nil
	}
	return nil, err
}

// scan returns the good records up to the first that is not, and why it is not.
func (f *file) scan(ctx context.Context, partition int32, next, end int64) ([]engine.LogRecord, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, ErrClosed
	}
	const q = "SELECT off, at, rec, crc FROM log WHERE part=? AND off>=? AND off<? ORDER BY off"
	rows, err := f.conn.QueryContext(ctx, q, partition, next, end)
	if err != nil {
		return nil, f.unreadable(ctx, partition, next, err)
	}
	defer rows.Close()
	recs := make([]engine.LogRecord, 0, end-next)
	for rows.Next() {
		var rec engine.LogRecord
		var crc uint32
		if err := rows.Scan(&rec.Offset, &rec.At, &rec.Value, &crc); err != nil {
			return recs, f.unreadable(ctx, partition, next, err)
		}
		if rec.Offset != next {
			return recs, lostf(f.path, partition, "offset %d is missing, the next record is %d", next, rec.Offset)
		}
		if checksum(partition, rec) != crc {
			return recs, lostf(f.path, partition, "the record at offset %d is damaged (checksum)", next)
		}
		recs = append(recs, rec)
		next++
	}
	if err := rows.Err(); err != nil {
		return recs, f.unreadable(ctx, partition, next, err)
	}
	if next != end {
		return recs, lostf(f.path, partition, "offsets %d to %d are missing", next, end-1)
	}
	return recs, nil
}

// unreadable says where a read stopped. Whatever the reason, the records are
// committed and cannot be had: the partition is lost, except when ctx ended.
func (f *file) unreadable(ctx context.Context, partition int32, offset int64, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return lostf(f.path, partition, "offset %d cannot be read: %v", offset, err)
}

// checksum covers a record's place, time and bytes, so that a record that was
// moved is as wrong as one that was changed.
func checksum(partition int32, rec engine.LogRecord) uint32 {
	var head [20]byte
	binary.BigEndian.PutUint32(head[0:], uint32(partition))
	binary.BigEndian.PutUint64(head[4:], uint64(rec.Offset))
	binary.BigEndian.PutUint64(head[12:], uint64(rec.At))
	return crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, rec.Value)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// explain says in this package's words what SQLite's codes mean here.
func (f *file) explain(err error) error {
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return err
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%s is in use by another process; one process at a time may use it: %w", f.path, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %s is damaged: %w", engine.ErrLogLost, f.path, err)
	}
	return err
}

// close releases the lock. SQLite moves the write-ahead log into the file.
func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	var errs []error
	for _, s := range []*sql.Stmt{f.one, f.all} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	if f.conn != nil {
		errs = append(errs, f.conn.Close())
	}
	return errors.Join(append(errs, f.db.Close())...)
}
