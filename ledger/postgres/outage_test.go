package postgres

import (
	"log/slog"
	"sync"
	"testing"
	"time"

	"firstcome/bench/stack"
	"firstcome/ledger/booktest"
)

// A server that is killed in the middle of commits costs time: each row is there once.
func TestKilledServer(t *testing.T) {
	stack.NeedPostgres(t)
	server, err := stack.StartPostgres(t.Context(), stack.PostgresOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	b, err := Open(server.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Migrate(t.Context(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	turn := 0
	booktest.Outages(t, b, 5, func() {
		<-time.After(time.Duration(turn*13) * time.Millisecond) // another moment of a commit each time
		turn++
		server.Kill()
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// Nodes that start at the same moment bring the schema up once.
func TestManyMigrateAtOnce(t *testing.T) {
	dsn := stack.Postgres(t)
	var wg sync.WaitGroup
	for range 4 {
		b, err := Open(dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		wg.Go(func() {
			if err := b.Migrate(t.Context(), slog.New(slog.DiscardHandler)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
