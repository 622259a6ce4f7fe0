package locallog

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firstcome/ledger/logtest"
)

// pageSize is SQLite's: this package does not change it.
const pageSize = 4096

// recordAt finds where a record's bytes are in the file.
func recordAt(t *testing.T, data []byte, p int32, i int) int {
	t.Helper()
	at := bytes.Index(data, []byte(value(p, i)))
	if at < 0 {
		t.Fatalf("record %d of partition %d is not in the file", i, p)
	}
	return at
}

// crcAt finds a record's checksum: SQLite keeps it right behind the record.
func crcAt(t *testing.T, data []byte, p int32, i int) int {
	t.Helper()
	at := recordAt(t, data, p, i) + len(value(p, i))
	if n := len(data[at:]); n < 4 {
		t.Fatal("the file ends behind the record")
	}
	return at + 1
}

func flip(path string, at int) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[at] ^= 0x55
	return os.WriteFile(path, data, 0o600)
}

// One damaged byte at each kind of place, found by who reads it and by who only
// follows the end: the partition or the start stops and names the place.
func TestADamagedByteIsNamed(t *testing.T) {
	const n = 400
	for name, tt := range map[string]struct {
		at     func(t *testing.T, data []byte) int
		named  []string
		before int // records that are still read of partition 1; -1: the start is refused
	}{
		"the file's magic":           {func(*testing.T, []byte) int { return 3 }, []string{"damaged"}, -1},
		"the page size":              {func(*testing.T, []byte) int { return 16 }, []string{"damaged"}, -1},
		"the header of the schema":   {func(*testing.T, []byte) int { return 100 }, []string{"damaged"}, -1},
		"a record":                   {func(t *testing.T, d []byte) int { return recordAt(t, d, 1, 50) + 60 }, []string{"offset 50", "checksum"}, 50},
		"a checksum":                 {func(t *testing.T, d []byte) int { return crcAt(t, d, 1, 77) }, []string{"offset 77", "checksum"}, 77},
		"a page's head in the midst": {func(t *testing.T, d []byte) int { return recordAt(t, d, 1, 200) / pageSize * pageSize }, []string{"cannot be read"}, 199},
	} {
		t.Run(name, func(t *testing.T) {
			path := filled(t, n)
			change(t, path, "VACUUM") // split pages keep stale copies of records
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := flip(path, tt.at(t, data)); err != nil {
				t.Fatal(err)
			}
			log, err := Open(t.Context(), testConfig(path))
			if tt.before < 0 {
				checkLost(t, err, append(tt.named, path)...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer shut(log)
			seen := follow(t, log, 0, 0)
			seen.Await(t, "the loss", func() bool { return seen.LostError(1) != nil })
			checkLost(t, seen.LostError(1), append(tt.named, path, "partition 1")...)
			logtest.CheckDense(t, 0, seen.Records(1))
			if got := len(seen.Records(1)); got > tt.before || got < tt.before-40 { // a page holds about 30
				t.Errorf("%d records came before the damage, want about %d", got, tt.before)
			}
			end := follow(t, log, n, n) // as a node that starts from the ledger
			end.Await(t, "the loss", func() bool { return end.LostError(1) != nil })
			checkLost(t, end.LostError(1), append(tt.named, path, "partition 1")...)
			if end.LostError(0) != nil {
				t.Errorf("partition 0 is lost too: %v", end.LostError(0))
			}
		})
	}
}

// Damage anywhere, the write-ahead log included, is never silent: every record
// comes unchanged, or the start or its partition stops with an error that names
// the file.
func TestADamagedByteAnywhereIsNeverSilent(t *testing.T) {
	const n = 60
	whole := filled(t, n)
	killed := unmerged(t, n)
	for _, c := range []struct {
		file, from string
		step       int
	}{{"", whole, 97}, {"-wal", killed, 997}} {
		info, err := os.Stat(c.from + c.file)
		if err != nil {
			t.Fatal(err)
		}
		stops, offset := 0, rand.IntN(c.step)
		for at := offset; at < int(info.Size()); at += c.step {
			if damagedIsTold(t, c.from, c.file, at, n) {
				stops++
			}
		}
		t.Logf("log.db%s: a byte in every %d of %d damaged from %d on, %d of them stopped something", c.file, c.step, info.Size(), offset, stops)
		if stops == 0 {
			t.Errorf("no damage of log.db%s was ever noticed", c.file)
		}
	}
}

// A young log whose records are all in a damaged write-ahead log looks like an
// empty file: it must not begin anew.
func TestALogWhoseHeadIsDamagedIsNotBegunAnew(t *testing.T) {
	path := unmerged(t, 20)
	if err := flip(path+"-wal", 50); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), testConfig(path))
	checkLost(t, err, path, "is empty")
}

// Another log under the same name is not the log that was there.
func TestALogInPlaceOfAnotherIsRefused(t *testing.T) {
	path, other := filled(t, 20), filled(t, 20)
	data, err := os.ReadFile(other)
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), testConfig(path))
	checkLost(t, err, path, "remembers log")
}

// unmerged is a log whose records are in the write-ahead log still, as a kill
// leaves it: files copied while it is open.
func unmerged(t *testing.T, n int) (path string) {
	t.Helper()
	from := filepath.Join(t.TempDir(), "log.db")
	log := mustOpen(t, from)
	a := logtest.NewAnswers()
	for i := range n {
		for p := range int32(2) {
			if err := a.Append(log, p, value(p, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	a.Await(t)
	path = filepath.Join(t.TempDir(), "log.db")
	copyLog(t, from, path)
	return path
}

func copyLog(t *testing.T, from, to string) {
	t.Helper()
	for _, ext := range []string{"", "-wal", ".ends"} {
		data, err := os.ReadFile(from + ext)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(to+ext, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// damagedIsTold damages a copy at one byte and reads it whole. It reports
// whether anything stopped; what did not must be as it was written.
func damagedIsTold(t *testing.T, from, file string, at, n int) bool {
	t.Helper()
	path := filepath.Join(t.TempDir(), fmt.Sprintf("log-%d.db", at))
	copyLog(t, from, path)
	if err := flip(path+file, at); err != nil {
		t.Fatal(err)
	}
	log, err := Open(t.Context(), testConfig(path))
	if err != nil {
		if !strings.Contains(err.Error(), path) {
			t.Errorf("byte %d: %q does not name the file", at, err)
		}
		return true
	}
	defer shut(log)
	r, told := follow(t, log, 0, 0), false
	for p := range int32(2) {
		r.Await(t, fmt.Sprintf("byte %d: everything or a loss", at), func() bool { return r.LostError(p) != nil || len(r.Records(p)) == n })
		for i, rec := range r.Records(p) {
			if string(rec.Value) != value(p, i) || rec.Offset != int64(i) {
				t.Errorf("byte %d: record %d of partition %d is %q", at, i, p, rec.Value)
			}
		}
		if err := r.LostError(p); err != nil {
			told = true
			checkLost(t, err, path)
		}
	}
	return told
}
