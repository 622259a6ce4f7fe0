package history

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"firstcome/engine/fold"
)

// fileVersion is of the form of a saved evidence: gzipped lines of JSON, one
// object with one field each, the first an "evidence", the last an "end".
const fileVersion = 1

// line is one line of a file; one field is set.
type line struct {
	Evidence *head      `json:"evidence,omitempty"`
	Op       *Op        `json:"op,omitempty"`
	Record   *record    `json:"record,omitempty"`
	User     *named     `json:"user,omitempty"`
	Fold     *Fold      `json:"fold,omitempty"`
	Ledger   *ledger    `json:"ledger,omitempty"`
	Campaign *campaign  `json:"campaign,omitempty"` // of the ledger before
	Members  []person   `json:"members,omitempty"`  // of the campaign before
	Entry    *Entry     `json:"entry,omitempty"`
	Gate     *gateCount `json:"gate,omitempty"`
	Frame    *Frame     `json:"frame,omitempty"`
	End      *int       `json:"end,omitempty"` // number of lines before
}

type head struct {
	Version    int
	Topic      string
	Partitions int
	Healed     bool
	Away       []Window
	Stale      time.Duration
	Start      time.Time
	ClockError time.Duration
}

type record struct {
	Partition, Offset, At int64
	Value                 []byte
}

type named struct {
	Name string
	User []byte
}

type ledger struct {
	Partition int32
	Next      int64
	LastAt    int64
	Version   uint8
	Rows      int64
	Genesis   fold.Genesis
	Digest    uint64
}

type campaign struct{ Campaign fold.Campaign }

type person struct {
	User  []byte
	Place fold.Place
}

type gateCount struct {
	Campaign string
	Count    GateCount
}

// membersALine is how many members of the ledger stand in one line.
const membersALine = 200

// Save writes an evidence to a file, gzipped lines of JSON, all or nothing.
func Save(path string, e *Evidence) (err error) {
	f, err := os.Create(path + ".part")
	if err != nil {
		return fmt.Errorf("save evidence: %w", err)
	}
	defer os.Remove(path + ".part") // gone already when all went well
	err = Write(f, e)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(path+".part", path)
	}
	if err != nil {
		return fmt.Errorf("save evidence: %w", err)
	}
	return nil
}

// Write writes an evidence as Save does.
func Write(to io.Writer, e *Evidence) error {
	zip, _ := gzip.NewWriterLevel(to, gzip.BestSpeed) // the level is one
	buffer := bufio.NewWriterSize(zip, 1<<16)
	w := &writer{out: json.NewEncoder(buffer)}
	w.put(line{Evidence: &head{fileVersion, e.Topic, len(e.Log), e.Healed, e.Away, e.Stale, e.Start, e.ClockError}})
	w.run(e)
	w.results(e)
	n := w.n
	w.put(line{End: &n})
	for _, end := range []func() error{buffer.Flush, zip.Close} {
		if err := end(); w.err == nil {
			w.err = err
		}
	}
	return w.err
}

type writer struct {
	out *json.Encoder
	n   int
	err error
}

func (w *writer) put(l line) {
	if w.err == nil {
		w.err = w.out.Encode(&l)
		w.n++
	}
}

// run writes what was asked, and the log.
func (w *writer) run(e *Evidence) {
	for name, u := range e.Users {
		w.put(line{User: &named{name, u[:]}})
	}
	for i := range e.Ops {
		w.put(line{Op: &e.Ops[i]})
	}
	for p, records := range e.Log {
		for _, r := range records {
			w.put(line{Record: &record{int64(p), r.Offset, r.At, r.Value}})
		}
	}
}

// results writes what was found after the run.
func (w *writer) results(e *Evidence) {
	for i := range e.Folds {
		w.put(line{Fold: &e.Folds[i]})
	}
	for i := range e.Ledger {
		s := &e.Ledger[i]
		w.put(line{Ledger: &ledger{s.Partition, s.Next, s.LastAt, s.Version, s.Rows, s.Genesis, s.Digest}})
		for j := range s.Campaigns {
			w.campaign(&s.Campaigns[j])
		}
	}
	for i := range e.Book {
		w.put(line{Entry: &e.Book[i]})
	}
	for id, n := range e.Gate {
		w.put(line{Gate: &gateCount{id, n}})
	}
	for i := range e.Frames {
		w.put(line{Frame: &e.Frames[i]})
	}
}

func (w *writer) campaign(c *fold.CampaignSnapshot) {
	w.put(line{Campaign: &campaign{c.Campaign}})
	var people []person
	for i := range c.Members {
		people = append(people, person{c.Members[i].User[:], c.Members[i].Place})
		if len(people) == membersALine || i+1 == len(c.Members) {
			w.put(line{Members: people})
			people = people[:0]
		}
	}
}
