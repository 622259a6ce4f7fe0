package sqlite

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"firstcome/ledger"
)

// A page that is damaged while the book is open is a broken rule, not an outage:
// the writing stops and says so, instead of trying for ever.
func TestADamagedPageStopsTheBook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	b, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Append(t.Context(), &ledger.Batch{Topic: "t", Next: 5}); err != nil {
		t.Fatal(err)
	}
	var root int64
	if err := b.write.QueryRow(`SELECT rootpage FROM sqlite_schema WHERE name = 'cursor'`).Scan(&root); err != nil {
		t.Fatal(err)
	}
	if _, err := b.write.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{0x55, 0x55, 0x55}, (root-1)*4096); err != nil {
		t.Fatal(err)
	}
	var rule *ledger.RuleError
	if _, _, err := b.Load(t.Context(), 0); !errors.As(err, &rule) {
		t.Errorf("load: %v", err)
	}
	if _, err := b.write.Exec(`PRAGMA shrink_memory`); err != nil {
		t.Fatal(err)
	}
	if err := b.Append(t.Context(), &ledger.Batch{Topic: "t", From: 5, Next: 6}); !errors.As(err, &rule) {
		t.Errorf("append: %v", err)
	}
}
