package ledger

import (
	"context"
	"errors"
	"fmt"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// ErrBehind: the cursor is not where the batch begins, another writer is ahead.
// Nothing was written; load and follow anew.
var ErrBehind = errors.New("the cursor is elsewhere: another writer is ahead")

// RuleError is a row that the book refuses: a violated constraint, or data that
// it cannot hold. One of fold and book is wrong, and a repeat would end alike. It
// is never skipped; the partition's writer stops.
type RuleError struct {
	Rule   string // the constraint's name
	Detail string
}

// Error names the constraint.
func (e *RuleError) Error() string {
	return fmt.Sprintf("the book's rule %s is violated: %s", e.Rule, e.Detail)
}

// Book keeps entries, places and the state of the fold. Each method may be
// called at once with any other.
type Book interface {
	engine.Snapshots
	engine.Booked
	// Append writes a batch and moves the cursor from batch.From to batch.Next,
	// all or nothing, durably. ErrBehind when the cursor is elsewhere. A
	// *RuleError must not be repeated. After any other error the batch may have
	// been written all the same: read the cursor, then repeat or go on.
	Append(ctx context.Context, batch *Batch) error
}

// Rates keeps the throttle's rate where every node reads it.
type Rates interface {
	// Rate returns the rate in rows a second that was set, 0 when none was.
	Rate(ctx context.Context) (int64, error)
	// SetRate changes it for all nodes.
	SetRate(ctx context.Context, rowsPerSecond int64) error
}

// Batch is what a run of one partition's records changes in the book.
type Batch struct {
	Partition  int32
	From, Next int64 // the cursor before and after
	Topic      string
	LastAt     int64 // Unix ms
	Version    uint8
	Rows       int64 // of the book after it: the sum of all campaigns' ev
	Genesis    fold.Genesis
	Digest     uint64

	Entries   []Entry         // new, in order
	Changed   []Place         // rows that the book has already, final
	Placed    []Place         // new rows, final
	Fences    []Fence         // new or changed
	Erased    []Member        // whose rows of the campaign lose their member
	Campaigns []fold.Campaign // final headers of those touched; exported fields only
	People    []Person        // who may be new
}

// Entry is one line of the book. Lines are added, never changed, except that
// an erased member's lines lose their member.
type Entry struct {
	Campaign string
	Ev       int64
	Offset   int64
	Change   fold.Change
	User     fold.User // zero: the campaign's own change
	Rank     int64     // 0: none
	Ticket   int64
	At       int64 // Unix ms
	Actor    string
	Reason   string
	Xv       int64
	Points   int64       // + for a grant, - for the end of one
	Diff     []byte      // JSON, what an admin changed; nil: nothing to tell
	After    fold.Totals // of the campaign; zero for the members' lines
}

// Place is one place's row.
type Place struct {
	Campaign string
	User     fold.User
	Erased   bool // the row has lost its member: User does not count
	Place    fold.Place
	Points   int64  // that it holds now
	Patch    []byte // JSON merge patch (RFC 7396) of the answers; nil: unchanged
}

// Fence is a member who cancelled without ever having a place.
type Fence struct {
	Campaign string
	User     fold.User
	Place    fold.Place
}

// Member names a member of a campaign.
type Member struct {
	Campaign string
	User     fold.User
	Offset   int64 // of the record that erased it
	At       int64 // and its time, Unix ms
}

// Person is the only place where a pseudonym meets a subject.
type Person struct {
	User    fold.User
	Subject string
}

// StateName is a place's state as people read it; empty for what is no place.
func StateName(s fold.PlaceState) string {
	switch s {
	case fold.Granted:
		return "granted"
	case fold.Waiting:
		return "waitlisted"
	case fold.Ended:
		return "cancelled"
	}
	return ""
}

// StateOf is the reverse of StateName; NoPlace for any other name.
func StateOf(name string) fold.PlaceState {
	for _, s := range []fold.PlaceState{fold.Granted, fold.Waiting, fold.Ended} {
		if StateName(s) == name {
			return s
		}
	}
	return fold.NoPlace
}
