package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// tables are all that the migrations make, and what they remember of themselves.
var tables = []string{"cursor", "campaigns", "entries", "places", "fences", "people", "settings", "goose_db_version"}

// SetAside moves the whole book into a schema of its own, where a person may
// look at it, and makes an empty one with the same settings: the ledger's writer
// then fills it from the log's start. Nothing is deleted. Writers that are at
// work find their cursor gone and begin anew.
func (b *Book) SetAside(ctx context.Context, log *slog.Logger) (schema string, err error) {
	schema = "firstcome_aside_" + time.Now().UTC().Format("20060102150405")
	name := pgx.Identifier{schema}.Sanitize()
	err = pgx.BeginFunc(ctx, b.write, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+name); err != nil {
			return err
		}
		for _, table := range tables {
			if _, err := tx.Exec(ctx, "ALTER TABLE "+pgx.Identifier{table}.Sanitize()+" SET SCHEMA "+name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("set the book aside: %w", err)
	}
	if err := b.Migrate(ctx, log); err != nil {
		return schema, err
	}
	_, err = b.write.Exec(ctx, "INSERT INTO settings SELECT * FROM "+name+".settings ON CONFLICT DO NOTHING")
	return schema, err
}

// Adopt makes another log the one that every cursor goes on in: the one that
// took the place of a lost log. All cursors or none.
func (b *Book) Adopt(ctx context.Context, topic string) error {
	_, err := b.write.Exec(ctx, "UPDATE cursor SET topic_id = $1 WHERE topic_id <> $1", topic)
	if err != nil {
		return fmt.Errorf("adopt log %s: %w", topic, err)
	}
	return nil
}
