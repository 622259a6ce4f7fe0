package fault

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// logTruncated stops the broker, cuts the end off one partition's log, as a disk
// that lost it would, and starts the broker again.
func logTruncated(ctx context.Context, s *Strike) error {
	p := partition(s.Script.Campaigns[s.IntN(len(s.Script.Campaigns))].ID)
	b := s.Kafka.Brokers[0]
	b.Kill()
	cut, err := truncate(filepath.Join(b.Data(), fmt.Sprintf("%s-%d", s.Topic, p)))
	if err != nil {
		return err
	}
	s.lose(p)
	s.Mark(fmt.Sprintf("partition %d loses %d records", p, cut))
	if err := b.Start(); err != nil {
		return err
	}
	if err := s.Kafka.Ready(ctx); err != nil {
		return err
	}
	s.Mark("the broker is back")
	return s.Wait(ctx, s.For)
}

// truncate cuts the last third of a partition's batches off and returns how many
// records that were. A batch: offset (8), length (4), leader epoch (4), magic (1),
// crc (4), attributes (2), last offset delta (4), ...
func truncate(dir string) (records int64, err error) {
	const head, deltaAt = 12, 23
	path := filepath.Join(dir, fmt.Sprintf("%020d.log", 0))
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var ends []int // of batches
	var next []int64
	for at := 0; at+head+deltaAt <= len(b); {
		size := int(binary.BigEndian.Uint32(b[at+8:]))
		if size == 0 || at+head+size > len(b) {
			break
		}
		next = append(next, int64(binary.BigEndian.Uint64(b[at:]))+int64(binary.BigEndian.Uint32(b[at+deltaAt:]))+1)
		at += head + size
		ends = append(ends, at)
	}
	keep := len(ends) * 2 / 3
	if keep < 1 || keep == len(ends) {
		return 0, fmt.Errorf("partition %s has %d batches, too few to cut", filepath.Base(dir), len(ends))
	}
	return next[len(next)-1] - next[keep-1], os.Truncate(path, int64(ends[keep-1]))
}

// stopWait is how long nodes may need to see that a log is not what it was.
const stopWait = 3 * time.Second
