package history

import (
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// Evidence is everything that is known of a run after it has come to rest. What
// is not given is not judged, except answers: they are always held against the
// log.
type Evidence struct {
	Ops    []Op
	Topic  string               // of the log
	Log    [][]engine.LogRecord // by partition, whole, from offset 0
	Users  map[string]fold.User // member's name -> pseudonym
	Folds  []Fold               // what each node's fold came to
	Ledger []fold.Snapshot      // what the ledger holds; partitions that are not given are not judged
	Book   []Entry              // the ledger's lines, of any campaigns, whole for each campaign that has one
	Gate   map[string]GateCount // by campaign, after all leases came home
	Frames []Frame              // what readers of event streams heard, in order for each reader
	Away   []Window             // when the log was away: 503 with Retry-After and 202 are allowed
	Healed bool                 // the world was whole at the end and had time: final answers must be there
	Stale  time.Duration        // how old a state an answer from memory may rest on; 0: 100 ms

	// Start is when the operations' time was 0, by the clock that stamped the
	// log's records, and ClockError how long a record may have been invisible
	// after its stamp, or that clock have been off. Zero when the two clocks do
	// not compare: then all bounds come from calls and answers alone, which is
	// sound, but a history with few answers proves less.
	Start      time.Time
	ClockError time.Duration
}

// GateCount is what the gate counts of a campaign.
type GateCount = engine.GateCount

// Window is a stretch of the operations' time.
type Window struct{ From, To time.Duration }

// Fold is what one node's fold of a partition said.
type Fold struct {
	Node      string
	Partition int32
	Next      int64 // first offset that it had not applied
	Digest    uint64
}

// Entry is one line of the ledger's book.
type Entry struct {
	Campaign     string
	Ev           int64
	Offset       int64
	Change       fold.Change
	User         fold.User // zero when erased since
	Rank, Ticket int64
	At           int64 // Unix ms
	Actor        string
	Points       int64
}

// Frame is one event that one reader of a stream heard. It covers the events
// From to To; a merged count covers many.
type Frame struct {
	Campaign string
	Reader   string // one stream and its resumptions
	From, To int64
	Said     string // the frame's data: equal for everybody
}
