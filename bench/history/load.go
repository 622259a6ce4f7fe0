package history

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// ErrDamaged: a file is no evidence, or not a whole one. Half an evidence would
// be judged wrongly, so nothing of it is returned.
var ErrDamaged = errors.New("not a whole evidence")

// Load reads what Save wrote. ErrDamaged, with the line and what is wrong there.
func Load(path string) (*Evidence, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("load evidence: %w", err)
	}
	defer f.Close()
	e, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("load evidence: %s: %w", path, err)
	}
	return e, nil
}

// Read is Load of what is not a file.
func Read(from io.Reader) (*Evidence, error) {
	zip, err := gzip.NewReader(bufio.NewReaderSize(from, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("%w: it is not gzipped: %w", ErrDamaged, err)
	}
	in := json.NewDecoder(bufio.NewReaderSize(zip, 1<<16))
	in.DisallowUnknownFields()
	r := &reader{e: &Evidence{Users: map[string]fold.User{}, Gate: map[string]GateCount{}}}
	for !r.ended {
		var l line
		if err := in.Decode(&l); err != nil {
			return nil, fmt.Errorf("%w: line %d: %s", ErrDamaged, r.n+1, reason(err))
		}
		if err := r.take(&l); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrDamaged, r.n+1, err)
		}
		r.n++
	}
	// Only the end of the gzip tells that its checksum is right.
	if _, err := in.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: behind its end: %s", ErrDamaged, reason(err))
	}
	return r.e, nil
}

func reason(err error) string {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the file is cut off here"
	case errors.Is(err, gzip.ErrChecksum):
		return "the file's checksum is wrong"
	case err == nil:
		return "there is more"
	}
	return err.Error()
}

type reader struct {
	e     *Evidence
	n     int
	ended bool
}

// take adds one line.
func (r *reader) take(l *line) error {
	e := r.e
	switch {
	case (r.n == 0) != (l.Evidence != nil):
		return errors.New("an evidence begins with its head, and has one")
	case l.Evidence != nil:
		return r.head(l.Evidence)
	case l.Op != nil:
		e.Ops = append(e.Ops, *l.Op)
	case l.Record != nil:
		return r.record(l.Record)
	case l.User != nil:
		return user(l.User.User, func(u fold.User) { e.Users[l.User.Name] = u })
	case l.Fold != nil:
		e.Folds = append(e.Folds, *l.Fold)
	case l.Ledger != nil, l.Campaign != nil, l.Members != nil:
		return r.ledger(l)
	case l.Entry != nil:
		e.Book = append(e.Book, *l.Entry)
	case l.Gate != nil:
		e.Gate[l.Gate.Campaign] = l.Gate.Count
	case l.Frame != nil:
		e.Frames = append(e.Frames, *l.Frame)
	case l.End != nil && *l.End == r.n:
		r.ended = true
	case l.End != nil:
		return fmt.Errorf("it ends after %d lines, and should after %d", r.n, *l.End)
	default:
		return errors.New("it says nothing")
	}
	return nil
}

// mostPartitions is more than any log has; a larger number is damage.
const mostPartitions = 1 << 16

func (r *reader) head(h *head) error {
	switch {
	case h.Version != fileVersion:
		return fmt.Errorf("it is of version %d, this program reads %d", h.Version, fileVersion)
	case h.Partitions < 0 || h.Partitions > mostPartitions:
		return fmt.Errorf("%d partitions", h.Partitions)
	}
	e := r.e
	e.Topic, e.Healed, e.Away, e.Stale, e.Start, e.ClockError = h.Topic, h.Healed, h.Away, h.Stale, h.Start, h.ClockError
	e.Log = make([][]engine.LogRecord, h.Partitions)
	return nil
}

func (r *reader) record(n *record) error {
	if n.Partition < 0 || n.Partition >= int64(len(r.e.Log)) {
		return fmt.Errorf("a record of partition %d", n.Partition)
	}
	r.e.Log[n.Partition] = append(r.e.Log[n.Partition], engine.LogRecord{Offset: n.Offset, At: n.At, Value: n.Value})
	return nil
}

func (r *reader) ledger(l *line) error {
	if n := l.Ledger; n != nil {
		r.e.Ledger = append(r.e.Ledger, fold.Snapshot{Partition: n.Partition, Next: n.Next, LastAt: n.LastAt, Version: n.Version,
			Rows: n.Rows, Genesis: n.Genesis, Digest: n.Digest})
		return nil
	}
	if len(r.e.Ledger) == 0 {
		return errors.New("a part of no ledger")
	}
	s := &r.e.Ledger[len(r.e.Ledger)-1]
	if l.Campaign != nil {
		s.Campaigns = append(s.Campaigns, fold.CampaignSnapshot{Campaign: l.Campaign.Campaign})
		return nil
	}
	if len(s.Campaigns) == 0 {
		return errors.New("members of no campaign")
	}
	c := &s.Campaigns[len(s.Campaigns)-1]
	for _, p := range l.Members {
		if err := user(p.User, func(u fold.User) { c.Members = append(c.Members, fold.Member{User: u, Place: p.Place}) }); err != nil {
			return err
		}
	}
	return nil
}

func user(b []byte, with func(fold.User)) error {
	var u fold.User
	if len(b) != len(u) {
		return fmt.Errorf("a pseudonym of %d bytes", len(b))
	}
	copy(u[:], b)
	with(u)
	return nil
}
