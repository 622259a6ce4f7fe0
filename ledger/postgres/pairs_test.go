package postgres

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"sync/atomic"
	"testing"

	"firstcome/bench/stack"
	"firstcome/engine/wiretest"
	"firstcome/ledger/booktest"
)

// later is a book that has not its schema yet.
type later struct{ *Book }

func (l later) MigrateFor(ctx context.Context) error {
	return l.Migrate(ctx, slog.New(slog.DiscardHandler))
}

// isCommit tells the simple query COMMIT from every other request.
func isCommit(request []byte) bool {
	return len(request) > 5 && request[0] == 'Q' && bytes.EqualFold(request[5:min(11, len(request))], []byte("commit"))
}

// isQuery leaves out what opens and ends a connection.
func isQuery(request []byte) bool {
	return len(request) > 0 && bytes.IndexByte([]byte("QPBDEF"), request[0]) >= 0
}

// The connection breaks at a request: the server never has it, or commits and
// nobody hears.
func TestFaults(t *testing.T) {
	stack.NeedPostgres(t)
	booktest.RunFaults(t, func(t *testing.T) booktest.Faulty {
		dsn, err := url.Parse(stack.Postgres(t))
		if err != nil {
			t.Fatal(err)
		}
		wire := wiretest.New(t, dsn.Host)
		dsn.Host = wire.Addr()
		before := int64(0)
		return booktest.Faulty{
			Open: func(t testing.TB) booktest.Migrating {
				b, err := Open(dsn.String())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(b.Close)
				return later{b}
			},
			Strike: func(fault wiretest.Fault, commit bool, after int) {
				before = wire.Struck()
				var seen atomic.Int64
				wire.Strike(fault, func(request []byte) bool {
					if commit {
						return isCommit(request)
					}
					return isQuery(request) && seen.Add(1) > int64(after)
				})
			},
			Struck: func() bool { wire.Spare(); return wire.Struck() > before },
		}
	})
}
