package locallog

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"firstcome/ledger/logtest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		child(path)
		return
	}
	goleak.VerifyTestMain(m)
}

func TestContract(t *testing.T) {
	logtest.Run(t, func(t *testing.T) logtest.Opener {
		path := filepath.Join(t.TempDir(), "log.db")
		return func(t testing.TB, maxQueued int) logtest.Log {
			log, err := Open(context.Background(), Config{
				Path: path, Partitions: logtest.Partitions, MaxQueued: maxQueued, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			return log
		}
	})
}

func BenchmarkClaim(b *testing.B) {
	logtest.Bench(b, func(b testing.TB) logtest.Log {
		log, err := Open(context.Background(), Config{
			Path: filepath.Join(b.TempDir(), "log.db"), Partitions: logtest.Partitions, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			b.Fatal(err)
		}
		return log
	})
}
