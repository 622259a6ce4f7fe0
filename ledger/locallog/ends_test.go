package locallog

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"firstcome/ledger/logtest"
)

// A torn write leaves the other slot, which is one commit older.
func TestATornEndsFileFallsBackToTheOtherSlot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ends")
	e, err := openEnds(path, "id", []int64{0, 0}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(3) {
		if err := e.write([]int64{i, 2 * i}); err != nil {
			t.Fatal(err)
		}
	}
	newestSlot := int64(e.turn % 2)
	if _, err := e.f.WriteAt([]byte{0xff}, newestSlot*int64(e.slot(2))+9); err != nil {
		t.Fatal(err)
	}
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if owner, ends, turn := e.newest(data, 2); owner != "id" || turn != e.turn-1 || len(ends) != 2 || ends[0] != 1 || ends[1] != 2 {
		t.Errorf("read %v of turn %d, want [1 2] of turn %d", ends, turn, e.turn-1)
	}
	if _, err := openEnds(path, "id", []int64{1, 1}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a log that lost record 1 of partition 1 was accepted")
	}
}

// FuzzEnds: whatever the file holds, reading it does not fail, and what is
// believed carries a valid checksum.
func FuzzEnds(f *testing.F) {
	e := &endsFile{id: "id"}
	f.Add([]byte{}, uint8(1))
	f.Add(bytes.Repeat([]byte{0}, 100), uint8(4))
	f.Fuzz(func(t *testing.T, data []byte, partitions uint8) {
		owner, ends, _ := e.newest(data, int(partitions))
		if ends != nil && (len(ends) != int(partitions) || !bytes.Contains(data, []byte(owner))) {
			t.Errorf("%v was read of %x", ends, data)
		}
	})
}

func TestTwoLogsMayShareARegistry(t *testing.T) {
	reg := prometheus.NewRegistry()
	for range 2 {
		cfg := testConfig(filepath.Join(t.TempDir(), "log.db"))
		cfg.Metrics = reg
		log, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		a := logtest.NewAnswers()
		if err := a.Append(log, 0, "v"); err != nil {
			t.Fatal(err)
		}
		a.Await(t)
		if err := shut(log); err != nil {
			t.Error(err)
		}
	}
	if n := logtest.Committed(t, reg); n != 2 {
		t.Errorf("%v appends were counted, want 2", n)
	}
}
