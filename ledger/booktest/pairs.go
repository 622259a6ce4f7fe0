package booktest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/engine/wiretest"
)

// Faulty is a book whose database can be made to go wrong.
type Faulty struct {
	// Open joins an empty database, the same one each time. It migrates nothing.
	Open func(t testing.TB) Migrating
	// Strike lets a request go wrong: the first that writes the words commit, or
	// the one after so many others.
	Strike func(fault wiretest.Fault, commit bool, after int)
	// Struck reports whether it has happened since, and takes it back if not.
	Struck func() bool
}

// Migrating is a book that has not its schema yet.
type Migrating interface {
	Book
	MigrateFor(ctx context.Context) error
}

// RunFaults lets the database go wrong in both ways, at each request of each
// durable step in turn: writing a batch, loading a snapshot, migrating. However
// it ends, the next try finds a book that is whole, with everything once.
func RunFaults(t *testing.T, fresh func(t *testing.T) Faulty) {
	for _, fault := range wiretest.Faults {
		t.Run("commit/"+fault.String(), func(t *testing.T) { faultsOfWriting(t, fresh(t), fault, true) })
		t.Run("any request of a batch/"+fault.String(), func(t *testing.T) { faultsOfWriting(t, fresh(t), fault, false) })
		t.Run("snapshot load/"+fault.String(), func(t *testing.T) { faultsOfLoading(t, fresh(t), fault) })
		t.Run("migration/"+fault.String(), func(t *testing.T) { faultsOfMigrating(t, fresh, fault) })
	}
	t.Run("snapshot load/it is interrupted", func(t *testing.T) { interruptedLoading(t, fresh(t)) })
}

func migrated(t *testing.T, f Faulty) Migrating {
	t.Helper()
	book := f.Open(t)
	if err := book.MigrateFor(t.Context()); err != nil {
		t.Fatal(err)
	}
	return book
}

// mostRequests bounds the requests of one step that are tried one by one.
const mostRequests = 60

// faultsOfWriting breaks each request of a writer in turn, until none is left
// that could break before everything is written.
func faultsOfWriting(t *testing.T, f Faulty, fault wiretest.Fault, commit bool) {
	book, w := migrated(t, f), newWorld(31)
	_, wr, end := writer(t, w.log, book, 100_000)
	defer end()
	struck := 0
	for n := range 16 {
		f.Strike(fault, commit, n)
		for range 15 {
			w.step()
		}
		drained(t, w.log, book)
		if f.Struck() {
			struck++
		}
		if commit && n == 4 {
			break
		}
	}
	same(t, w.log, book)
	if stopped := wr.Stopped(); len(stopped) != 0 {
		t.Fatal(stopped)
	}
	if struck < 5 {
		t.Errorf("only %d requests went wrong", struck)
	}
}

// faultsOfLoading breaks each request of a load: an error, never a part.
func faultsOfLoading(t *testing.T, f Faulty, fault wiretest.Fault) {
	book, w := written(t, f)
	for n := range mostRequests {
		f.Strike(fault, false, n)
		snapshot, _, err := book.Load(t.Context(), 0)
		if !f.Struck() {
			if n < 3 {
				t.Errorf("a load has %d requests, so few were broken", n)
			}
			if err != nil {
				t.Errorf("unbroken: %v", err)
			}
			return
		}
		whole(t, w, snapshot, err)
		until(t, "it is loaded again", func() bool { _, _, err := book.Load(t.Context(), 0); return err == nil })
		same(t, w.log, book)
	}
	t.Error("a load never ends")
}

// interruptedLoading gives up in the midst, ever later.
func interruptedLoading(t *testing.T, f Faulty) {
	book, w := written(t, f)
	for limit := 50 * time.Microsecond; ; limit += limit / 4 {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		snapshot, _, err := book.Load(ctx, 0)
		cancel()
		whole(t, w, snapshot, err)
		if err == nil {
			break
		}
	}
	same(t, w.log, book)
}

// whole: what a load returns without an error is the fold.
func whole(t *testing.T, w *world, snapshot fold.Snapshot, err error) {
	t.Helper()
	if err == nil {
		_, err = fold.Restore(snapshot)
		if err != nil || snapshot.Next != w.log.Len() {
			t.Errorf("a part was loaded as if it were whole: %v", err)
		}
	} else if errors.Is(err, engine.ErrNoSnapshot) {
		t.Errorf("a load that failed says that there is nothing: %v", err)
	}
}

func written(t *testing.T, f Faulty) (Book, *world) {
	t.Helper()
	book, w := migrated(t, f), newWorld(8)
	_, _, end := writer(t, w.log, book, 100_000)
	for range 200 {
		w.step()
	}
	drained(t, w.log, book)
	end()
	return book, w
}

// faultsOfMigrating breaks a request of a migration, as a kill does between its
// steps: every fourth, another four each run, since each wants an empty database.
func faultsOfMigrating(t *testing.T, fresh func(t *testing.T) Faulty, fault wiretest.Fault) {
	const atOnce, step = 4, 4
	var unbroken atomic.Int64 // 1 + a request that a migration has not
	for from := rand.IntN(step); unbroken.Load() == 0; from += atOnce * step {
		if from > mostRequests {
			t.Fatalf("a migration has more than %d requests", mostRequests)
		}
		t.Run(fmt.Sprintf("requests from %d", from), func(t *testing.T) {
			for n := from; n < from+atOnce*step; n += step {
				t.Run(fmt.Sprint(n), func(t *testing.T) {
					t.Parallel()
					if !breaksMigration(t, fresh(t), fault, n) {
						unbroken.CompareAndSwap(0, int64(n)+1)
					}
				})
			}
		})
	}
	if n := unbroken.Load(); n < 5 {
		t.Errorf("a migration has %d requests, so few were broken", n-1)
	}
}

// breaksMigration breaks request n: the next start brings the schema up to date.
// It reports whether there was such a request.
func breaksMigration(t *testing.T, f Faulty, fault wiretest.Fault, n int) (struck bool) {
	book := f.Open(t)
	f.Strike(fault, false, n)
	err := book.MigrateFor(t.Context())
	if struck = f.Struck(); err != nil && !struck {
		t.Fatal(err)
	}
	if err := book.MigrateFor(t.Context()); err != nil {
		t.Fatalf("the migration after: %v", err)
	}
	usable(t, book, n%5 == 0)
	return struck
}

// usable: every table is there; at times a whole history is written, too.
func usable(t *testing.T, book Book, history bool) {
	t.Helper()
	if _, _, err := book.Load(t.Context(), 0); !errors.Is(err, engine.ErrNoSnapshot) {
		t.Errorf("an empty book: %v", err)
	}
	if err := book.SetRate(t.Context(), 77); err != nil {
		t.Error(err)
	}
	if rate, err := book.Rate(t.Context()); err != nil || rate != 77 {
		t.Errorf("rate %d, %v", rate, err)
	}
	if !history {
		return
	}
	w := newWorld(4)
	_, _, end := writer(t, w.log, book, 100_000)
	for range 20 {
		w.step()
	}
	drained(t, w.log, book)
	end()
	same(t, w.log, book)
}
