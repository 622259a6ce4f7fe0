package locallog

import (
	"slices"

	"firstcome/engine"
)

// What a partition keeps in memory for its followers: about the last records,
// at most twice as much for a moment. Who is further behind reads the file.
const (
	keepRecords = 2048
	keepBytes   = 1 << 20
)

// recent holds the newest records of a partition, dense, from base on.
type recent struct {
	base  int64
	recs  []engine.LogRecord
	bytes int
}

// add appends the next record and lets old ones go.
func (r *recent) add(rec engine.LogRecord) {
	r.recs = append(r.recs, rec)
	r.bytes += len(rec.Value)
	if len(r.recs) <= 2*keepRecords && r.bytes <= 2*keepBytes {
		return
	}
	cut := max(0, len(r.recs)-keepRecords)
	for _, old := range r.recs[:cut] {
		r.bytes -= len(old.Value)
	}
	for r.bytes > keepBytes && cut < len(r.recs)-1 {
		r.bytes -= len(r.recs[cut].Value)
		cut++
	}
	r.base += int64(cut)
	r.recs = slices.Clone(r.recs[cut:])
}

// from returns a copy of up to limit records from an offset on, and whether
// memory reaches back that far. The values are shared: nobody changes them.
func (r *recent) from(offset int64, limit int) ([]engine.LogRecord, bool) {
	if offset < r.base {
		return nil, false
	}
	i := min(int(offset-r.base), len(r.recs))
	return slices.Clone(r.recs[i:min(len(r.recs), i+limit)]), true
}
