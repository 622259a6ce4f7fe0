package postgres

import (
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"firstcome/bench/stack"
	"firstcome/ledger/booktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(stack.Main(m)) }

func open(t *testing.T) *Book {
	b, err := Open(stack.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Migrate(t.Context(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBook(t *testing.T) {
	booktest.Run(t, func(t *testing.T) booktest.Book { return open(t) })
}
