package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"firstcome/engine"
	"firstcome/ledger"
)

const (
	selectNotices = `SELECT ` + ledger.NoticeColumns + ` FROM notices ORDER BY created_at DESC, id`
	selectNotice  = `SELECT ` + ledger.NoticeColumns + ` FROM notices WHERE id = ?1`
	selectVersion = `SELECT coalesce((SELECT value FROM settings WHERE name = '` + ledger.NoticesVersion + `'), 0)`
	// raiseVersion comes first in every change: its row is the lock of all notices.
	raiseVersion = `INSERT INTO settings (name, value) VALUES ('` + ledger.NoticesVersion + `', ?1)
		ON CONFLICT (name) DO UPDATE SET value = max(settings.value + 1, ?1) RETURNING value`
	countNotices = `SELECT count(*) FROM notices`
	insertNotice = `INSERT INTO notices (` + ledger.NoticeColumns + `) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`
	updateNotice = `UPDATE notices SET title = ?2, body = ?3, level = ?4, shown_from = ?5, shown_until = ?6, version = ?7, created_at = ?8, changed_at = ?9, changed_by = ?10 WHERE id = ?1`
	deleteNotice = `DELETE FROM notices WHERE id = ?1`
)

// Notices returns all notices, newest first, and their version, at one moment.
func (b *Book) Notices(ctx context.Context) (version int64, all []engine.Notice, err error) {
	conn, err := b.members.Conn(ctx)
	if err != nil {
		return 0, nil, fmt.Errorf("read the notices: %w", err)
	}
	defer leave(ctx, conn)
	if _, err = conn.ExecContext(ctx, `BEGIN DEFERRED`); err == nil {
		err = conn.QueryRowContext(ctx, selectVersion).Scan(&version)
	}
	if err == nil {
		err = each(ctx, conn, selectNotices, nil, func(scan func(...any) error) error {
			n, err := ledger.ScanNotice(scan)
			all = append(all, n)
			return err
		})
	}
	if err != nil {
		return 0, nil, fmt.Errorf("read the notices: %w", err)
	}
	return version, all, nil
}

// AddNotice adds a notice, and returns it and the version of all. engine.ErrExists.
func (b *Book) AddNotice(ctx context.Context, n engine.Notice) (engine.Notice, int64, error) {
	n.Version, n.CreatedAt = 1, n.ChangedAt
	version, err := b.changeNotice(ctx, &n, func(tx *sql.Tx, old *engine.Notice) error {
		if old != nil {
			n = *old
			return engine.ErrExists
		}
		var many int
		if err := tx.QueryRowContext(ctx, countNotices).Scan(&many); err != nil {
			return err
		}
		if many >= engine.NoticesMost {
			return ledger.ErrFull
		}
		_, err := tx.ExecContext(ctx, insertNotice, ledger.NoticeRow(&n)...)
		return err
	})
	return n, version, err
}

// ChangeNotice replaces a notice of a version. engine.ErrNotFound, engine.ErrVersion.
func (b *Book) ChangeNotice(ctx context.Context, n engine.Notice, version int64) (engine.Notice, int64, error) {
	all, err := b.changeNotice(ctx, &n, func(tx *sql.Tx, old *engine.Notice) error {
		if err := ledger.Expect(old, version); err != nil {
			return err
		}
		n.Version, n.CreatedAt = old.Version+1, old.CreatedAt
		_, err := tx.ExecContext(ctx, updateNotice, ledger.NoticeRow(&n)...)
		return err
	})
	return n, all, err
}

// RemoveNotice removes a notice of a version. engine.ErrNotFound, engine.ErrVersion.
func (b *Book) RemoveNotice(ctx context.Context, n engine.Notice, version int64) (int64, error) {
	return b.changeNotice(ctx, &n, func(tx *sql.Tx, old *engine.Notice) error {
		if err := ledger.Expect(old, version); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, deleteNotice, n.ID)
		return err
	})
}

// changeNotice changes one notice, old or absent, and raises the version of all in
// the same transaction, one change after the other.
func (b *Book) changeNotice(ctx context.Context, n *engine.Notice, change func(tx *sql.Tx, old *engine.Notice) error) (version int64, err error) {
	tx, err := b.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("change the notice %s: %w", n.ID, err)
	}
	defer tx.Rollback() // nothing once it is committed
	err = func() error {
		if err := tx.QueryRowContext(ctx, raiseVersion, n.ChangedAt.UnixMilli()).Scan(&version); err != nil {
			return err
		}
		old, err := ledger.ScanNotice(tx.QueryRowContext(ctx, selectNotice, n.ID).Scan)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return change(tx, nil)
		case err != nil:
			return err
		}
		return change(tx, &old)
	}()
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return 0, fmt.Errorf("change the notice %s: %w", n.ID, err)
	}
	return version, nil
}
