package engine

import (
	"context"
	"errors"
	"time"

	"firstcome/engine/fold"
)

// What a log can answer besides success.
var (
	// ErrLogFull: too many appends are under way; nothing was appended.
	ErrLogFull = errors.New("the log's buffer is full")
	// ErrLogLost: records that must be there are gone, changed or out of order
	// (data loss, a truncated or recreated topic, a damaged file). The
	// partition must stop; the wrapping error names the place.
	ErrLogLost = errors.New("the log lost or changed committed records")
)

// Topic describes a log.
type Topic struct {
	ID         string // changes when the topic is deleted and created again
	Partitions int32
}

// LogRecord is one committed record.
type LogRecord struct {
	Offset int64
	At     int64 // Unix ms, as the log stamped it
	Value  []byte
}

// Batch is what a follower learned of one partition.
type Batch struct {
	Partition int32
	Records   []LogRecord // committed, dense, in order; may be empty
	// End is the high watermark of the answer that brought the batch, and At
	// when the log was asked (this process' clock): it looked at its watermark
	// some time between then and the answer. Who has applied all records before
	// End knows the whole partition as of At. An empty batch says just that:
	// nothing new, still current. At is zero when unknown.
	End int64
	At  time.Time
}

// Sink takes what a log delivers. Calls for one partition never overlap.
type Sink interface {
	// Deliver takes the next batch. The records are the sink's to keep. It may
	// block: that is how a slow follower slows its log down. An error stops
	// the partition for this follower; the log does not call again for it.
	Deliver(Batch) error
	// Lost says that a partition cannot be followed any more (ErrLogLost).
	Lost(partition int32, err error)
}

// Patient is a sink that need not hear at once: a log may then deliver in
// larger batches, that much apart.
type Patient interface {
	Patience() time.Duration
}

// Log is an ordered, durable sequence of records per partition. It moves bytes
// and knows no record.
type Log interface {
	// Describe returns the topic and, per partition, its first offset and the
	// offset after its last committed record.
	Describe(ctx context.Context) (topic Topic, starts, ends []int64, err error)
	// Append queues a record and returns at once: ErrLogFull when the buffer
	// is full, and then nothing was or will be appended. Records of one
	// process to one partition are appended in the order of the calls. done is
	// called once, from any goroutine, and must not block. Its error does not
	// mean absence: the record may be in the log all the same. Only reading it
	// back decides.
	// key is for people who look at the log with other tools.
	Append(partition int32, key string, value []byte, done func(error)) error
	// Follow delivers every committed record from the given offsets on (one
	// per partition; -1 leaves a partition out), and within 100 ms of silence
	// an empty batch. It returns when ctx ends or every partition is lost.
	Follow(ctx context.Context, from []int64, sink Sink) error
}

// What a gate can answer besides success. After each the caller goes on as if
// the gate were away: the fold decides.
var (
	// ErrGateEmpty: the gate knows nothing of the campaign, or what it holds
	// is damaged. A Flush heals it.
	ErrGateEmpty = errors.New("the gate does not know the campaign")
	// ErrGateShut: the gate believes that the campaign is not open.
	ErrGateShut = errors.New("the gate believes that the campaign is not open")
)

// Ask is a wish for units of a campaign's cap.
type Ask struct {
	Campaign string
	Lease    string        // who asks: one lease a node and campaign
	Want     int64         // units wanted, >= 1
	Slack    int64         // units that may be given beyond the room: they only cost work
	TTL      time.Duration // when units that nobody reports return by themselves
}

// Report is what a node's fold knows of a campaign, absolute, so that it heals
// whatever the gate lost.
type Report struct {
	Campaign string
	Lease    string
	Held     int64 // units leased and not yet decided or given back
	TTL      time.Duration
	Topic    string // id of the log
	Offset   int64  // the fold's next offset
	Used     int64  // granted + waiting
	Room     int64  // max(cap, granted) + waiting list's cap
	Open     bool
}

// GateCount is what the gate knows: Count = Used + Leased when all is well.
type GateCount struct {
	Count, Leased, Used int64
	Known               bool // false: the gate has no state of the campaign
}

// Gate admits: counters and leases in Redis. It informs and saves work; a
// wrong or lost gate costs work, never truth. No call is repeated by itself:
// an error may hide that the call was carried out.
type Gate interface {
	// Lease takes up to ask.Want units, atomically. given may be 0: no room.
	Lease(ctx context.Context, ask Ask) (given int64, err error)
	// Flush reports totals of many campaigns in one round trip. May be repeated.
	Flush(ctx context.Context, reports []Report) error
	// Read returns the counters of a campaign, dead leases included.
	Read(ctx context.Context, campaign string) (GateCount, error)
}

// ErrTaken: somebody else holds the lock.
var ErrTaken = errors.New("the lock is taken")

// Locker hands out Redsync locks. They save work; whatever they guard is
// checked again by the fold, a cursor or a version. Nothing may rely on them.
type Locker interface {
	// TryLock tries once. ErrTaken when somebody holds it, any other error
	// when it cannot be known: the caller goes on without the lock.
	TryLock(ctx context.Context, name string, expiry time.Duration) (Lock, error)
}

// Lock is a lock held until its expiry.
type Lock interface {
	// Extend starts the expiry anew; an error means that it may be lost.
	Extend(ctx context.Context) error
	// Unlock gives it back. An error changes nothing: it expires by itself.
	Unlock(ctx context.Context) error
}

// Counter keeps late numbers: tallies that inform and never decide.
type Counter interface {
	// Add adds to the named counts of a campaign in one round trip for all of
	// them. After an error the counts may or may not have been added.
	Add(ctx context.Context, counts map[string]map[string]int64) error
	// Counts returns a campaign's counts.
	Counts(ctx context.Context, campaign string) (map[string]int64, error)
}

// TimeSource tells the time of another machine.
type TimeSource interface {
	Now(ctx context.Context) (time.Time, error)
}

// ErrNoSnapshot: the ledger has nothing of the partition; fold from its start.
var ErrNoSnapshot = errors.New("no snapshot of the partition")

// Snapshots hands out what the ledger remembers of a partition as a whole
// state, read at one moment.
type Snapshots interface {
	// Load returns the state and the topic id it was folded from.
	Load(ctx context.Context, partition int32) (snapshot fold.Snapshot, topic string, err error)
}

// Register reads what the ledger has booked. Every method may be slow or fail;
// none is on the path of a claim's decision.
type Register interface {
	// Places returns a page of a campaign's list, in the order of the claims.
	Places(ctx context.Context, q PlaceQuery) ([]PlaceRow, error)
	// Place returns one place by the offset of its claim. ErrNoPlace.
	Place(ctx context.Context, campaign string, claim int64) (PlaceRow, error)
	// History returns a member's newest place in each campaign, newest first.
	History(ctx context.Context, user fold.User, limit int) ([]PlaceRow, error)
	// Deeds returns what admins, the scheduler and cancellations for members
	// did to a campaign, in order, events after the given number only.
	Deeds(ctx context.Context, campaign string, after int64, limit int) ([]AuditRow, error)
	// Totals returns the campaign's state as far as the ledger has come. ErrNotFound.
	Totals(ctx context.Context, campaign string) (Totals, error)
}

// Booked tells how far the ledger has come.
type Booked interface {
	// Cursors returns, per partition, the first offset that is not in the
	// ledger, and the number of rows so far. A partition that the ledger does
	// not know has both 0.
	Cursors(ctx context.Context, partitions int32) (next, rows []int64, err error)
}

// Writing tells which partitions this process has stopped writing to the
// ledger for good, and why. Claims go on without it; a person must look.
type Writing interface {
	Stopped() map[int32]error
}

// Roster is where the nodes of a cluster say that they are there. It informs an
// operator; nothing that decides reads it.
type Roster interface {
	// Sign writes what a node says of itself in place of what it said before.
	Sign(ctx context.Context, p Presence) error
	// Present returns every node's last word, in any order. What is older than
	// the newest by RosterKeeps may be forgotten.
	Present(ctx context.Context) ([]Presence, error)
}
