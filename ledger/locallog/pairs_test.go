package locallog

import (
	"path/filepath"
	"testing"

	"modernc.org/sqlite"

	"firstcome/engine/wiretest"
	"firstcome/ledger/logtest"
)

// The commit is refused by SQLite, or done and its end not remembered: the log
// stops either way, and says what is there when it is opened again.
func TestFaults(t *testing.T) {
	logtest.RunFaults(t, func(t *testing.T) logtest.Faulty {
		struck := false
		path := filepath.Join(t.TempDir(), "log.db")
		return logtest.Faulty{
			Stops:  true,
			Struck: func() bool { return struck },
			Open: func(t testing.TB, maxQueued int) logtest.Log {
				cfg := testConfig(path)
				cfg.Partitions, cfg.MaxQueued = logtest.Partitions, maxQueued
				log, err := Open(t.Context(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				return log
			},
			Strike: func(log logtest.Log, fault wiretest.Fault) {
				struck = true
				l := log.(*Log)
				if fault == wiretest.ReplyLost {
					_ = l.ends.f.Close()
					return
				}
				l.file.mu.Lock()
				defer l.file.mu.Unlock()
				err := l.file.conn.Raw(func(c any) error {
					c.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 { return 1 })
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			},
		}
	})
}
