package locallog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"

	"firstcome/engine"
)

// endsFile remembers, beside the log, how far each partition had been committed.
//
// It is written after every commit and before anything of it is acknowledged,
// and not forced to the disk: the operating system keeps it when the process is
// killed, and after a power cut it may be older than the log, never newer, since
// the log was forced first. So a log that ends before it has lost records.
// Two slots are written in turn, so that one is always whole.
type endsFile struct {
	f    *os.File
	id   string
	turn uint64
	buf  []byte
}

// endsPath is the name of a log's ends file.
func endsPath(log string) string { return log + ".ends" }

// openEnds compares a log's ends with the remembered ones and goes on from there.
// A missing or unreadable file is replaced: it can only prove a loss, and its own
// loss is none. One of another log proves that this is not the log that was here.
func openEnds(path, id string, ends []int64, log *slog.Logger) (*endsFile, error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the ends file: %w", err)
	}
	e := &endsFile{id: id}
	owner, known, turn := e.newest(data, len(ends))
	if known == nil && len(data) > 0 {
		log.Warn("the file of the log's ends is unreadable, it is replaced", "room", "ledger", "path", path)
	}
	if known != nil && owner != id {
		return nil, fmt.Errorf("%w: %s remembers log %q, and this is log %q", engine.ErrLogLost, path, owner, id)
	}
	for p := range known {
		if ends[p] < known[p] {
			return nil, lostf(path, int32(p), "the log had been committed up to offset %d and ends at %d: records %d to %d are missing", known[p], ends[p], ends[p], known[p]-1)
		}
	}
	e.turn = turn
	if e.f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("open the ends file: %w", err)
	}
	return e, e.write(ends)
}

// slot is the size of one slot: turn, id, ends, checksum.
func (e *endsFile) slot(partitions int) int { return 8 + len(e.id) + 8*partitions + 4 }

// newest returns the newest whole slot and whose it is, or no ends.
func (e *endsFile) newest(data []byte, partitions int) (owner string, ends []int64, turn uint64) {
	size := e.slot(partitions)
	for at := 0; at+size <= len(data); at += size {
		s := data[at : at+size]
		body, sum := s[:size-4], binary.BigEndian.Uint32(s[size-4:])
		n := binary.BigEndian.Uint64(body)
		if crc32.Checksum(body, castagnoli) != sum || (ends != nil && n < turn) {
			continue
		}
		owner, ends, turn = string(body[8:8+len(e.id)]), make([]int64, partitions), n
		for p := range ends {
			ends[p] = int64(binary.BigEndian.Uint64(body[8+len(e.id)+8*p:]))
		}
	}
	return owner, ends, turn
}

// write remembers the ends.
func (e *endsFile) write(ends []int64) error {
	e.turn++
	b := binary.BigEndian.AppendUint64(e.buf[:0], e.turn)
	b = append(b, e.id...)
	for _, end := range ends {
		b = binary.BigEndian.AppendUint64(b, uint64(end))
	}
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	e.buf = b
	if _, err := e.f.WriteAt(b, int64(e.turn%2)*int64(len(b))); err != nil {
		return fmt.Errorf("write the ends file: %w", err)
	}
	return nil
}

func (e *endsFile) close() error { return errors.Join(e.f.Sync(), e.f.Close()) }
