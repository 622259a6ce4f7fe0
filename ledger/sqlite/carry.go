package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// kept are the tables that the log knows nothing of.
var kept = []string{"settings", "notices"}

// Carry makes a new book in place of one that was moved aside, and takes over what
// cannot be written anew from the log: the ledger's rate, and the notices. After an
// error the new book may lack them; the old file is as it was.
func Carry(ctx context.Context, aside, path string, log *slog.Logger) (err error) {
	b, err := Open(ctx, path, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if _, err := b.write.ExecContext(ctx, `ATTACH ?1 AS aside`, aside); err != nil {
		return fmt.Errorf("look into %s: %w", aside, err)
	}
	for _, table := range kept {
		var there int
		if err := b.write.QueryRowContext(ctx, `SELECT count(*) FROM aside.sqlite_master WHERE type = 'table' AND name = ?1`, table).Scan(&there); err != nil {
			return fmt.Errorf("look for %s: %w", table, err)
		}
		if there == 0 {
			continue // an older book
		}
		if _, err := b.write.ExecContext(ctx, `INSERT OR IGNORE INTO main.`+table+` SELECT * FROM aside.`+table); err != nil {
			return fmt.Errorf("take over the %s: %w", table, err)
		}
	}
	return nil
}
