package play

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// queries runs something and returns how many transactions a second the database
// carried meanwhile; 0 when there is none.
func (w *watched) queries(ctx context.Context, do func() error) (perSecond float64, err error) {
	if w.Deployment.Postgres == nil {
		return 0, do()
	}
	before, err := w.transactions(ctx)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := do(); err != nil {
		return 0, err
	}
	after, err := w.transactions(ctx)
	return float64(after-before) / time.Since(start).Seconds(), err
}

// transactions is how many the database has carried so far.
func (w *watched) transactions(ctx context.Context) (n int64, err error) {
	conn, err := pgx.Connect(ctx, w.Deployment.Postgres.DSN("firstcome"))
	if err != nil {
		return 0, fmt.Errorf("ask the database how busy it is: %w", err)
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, `SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()`).Scan(&n)
	return n, err
}
