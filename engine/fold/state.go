package fold

import (
	"errors"
	"iter"

	"github.com/cespare/xxhash/v2"
)

// Why a fold stops for ever at a record. The partition must not go on: what
// follows would mean something else to somebody else.
var (
	ErrGap     = errors.New("the record is not the next one of its partition")
	ErrUnknown = errors.New("the record is of a kind or version that this build does not know")
	ErrGenesis = errors.New("the partition belongs to another log")
	ErrOverCap = errors.New("more places are granted than the cap allows")
)

// State is what one partition's log means so far. One goroutine may change it;
// while nobody does, any number may read.
type State struct {
	partition int32
	next      int64 // first offset that is not applied
	lastAt    int64 // newest time; records never go back behind it
	version   uint8
	rows      int64
	genesis   Genesis

	byID  map[string]*Campaign
	order []*Campaign // by creation; every walk takes this, never the map
	sum   uint64      // sum of the campaigns' digests: independent of order
	marks marks
	step  Step // reused by every Apply
}

// New returns the state of an empty partition. Every log begins with the first
// rules, also one that a newer build begins: which rules all nodes know, only an
// operator can see.
func New(partition int32) *State {
	return &State{partition: partition, version: First, byID: make(map[string]*Campaign)}
}

// Next is the first offset that is not applied.
func (s *State) Next() int64 { return s.next }

// LastAt is the newest record's time, Unix ms.
func (s *State) LastAt() int64 { return s.lastAt }

// Rows is the number of transitions so far.
func (s *State) Rows() int64 { return s.rows }

// Genesis says whose log this is.
func (s *State) Genesis() Genesis { return s.genesis }

// Version of the rules in force.
func (s *State) Version() uint8 { return s.version }

// Campaign returns a campaign, to be read only; nil when there is none.
func (s *State) Campaign(id string) *Campaign { return s.byID[id] }

// Campaigns walks all campaigns in the order of their creation.
func (s *State) Campaigns() iter.Seq[*Campaign] {
	return func(yield func(*Campaign) bool) {
		for _, c := range s.order {
			if !yield(c) {
				return
			}
		}
	}
}

// Partition returns the partition of a campaign id: xxhash64(id) mod partitions.
func Partition(id string, partitions int32) int32 {
	return int32(xxhash.Sum64String(id) % uint64(partitions))
}

// Status is where a campaign stands.
type Status uint8

// The life of a campaign, in order; Paused goes back to Open.
const (
	Draft Status = iota + 1
	Scheduled
	Open
	Paused
	Closed
	Archived
)

// PlaceState is what a member has in a campaign.
type PlaceState uint8

// The states of a place. Fenced is a member who cancelled without a place that
// the fold knew: no place, but an end offset that older claims cannot pass.
const (
	NoPlace PlaceState = iota
	Granted
	Waiting
	Ended
	Fenced
)

// Place is what the fold knows of one member in one campaign. It holds no
// pointer, so that a map of millions costs the garbage collector nothing.
type Place struct {
	Claim   int64 // offset of the claim that made it; names the place for ever
	End     int64 // offset that ended it (Ended, Fenced); claims that saw no more than this are superseded
	Last    int64 // offset of the record that last changed it
	Rank    int64 // number of the grant, from 1; 0 while it never was granted
	Ticket  int64 // number in the waiting list (wseq), from 1; 0 when never waiting
	At      int64 // when it was claimed, Unix ms
	EndedAt int64 // when it ended, Unix ms
	State   PlaceState
}

// Active reports whether the member holds a grant or waits for one.
func (p Place) Active() bool { return p.State == Granted || p.State == Waiting }

// Verdict is the fold's answer to one record.
type Verdict uint8

// The verdicts. Everything after Done is about claims.
const (
	Invalid  Verdict = iota // malformed, or about a campaign that is not there
	Refused                 // another version, or the status forbids it
	NoEffect                // nothing to do: already so
	Done                    // applied
	ClaimGranted
	ClaimWaiting
	ClaimDuplicate // the member has a place: see it
	ClaimNotOpen
	ClaimPaused
	ClaimClosed
	ClaimEndedBefore // ended earlier, and the policy forbids a return
	ClaimSuperseded  // an old copy of a claim that was cancelled since
	ClaimStale       // would be accepted now, but its writer saw an older state: ask again
	ClaimFull
	Diverged // a beacon's digest differs from this fold's: one of the two is wrong
)

// Change is what one transition did.
type Change uint8

// The changes. The numbers are in the ledger for ever.
const (
	Created Change = iota + 1
	Edited
	Published
	Opened
	PausedNow
	Resumed
	ClosedNow
	ArchivedNow
	CapChanged
	GrantedNow   // a claim was granted
	Waitlisted   // a claim was put on the waiting list
	Promoted     // the head of the waiting list was granted
	EndedNow     // a place was cancelled
	FencedNow    // a member without a place cancelled
	AnsweredNow  // a member changed the answers of a place
	ErasedMember // a member was unlinked
)

// OfCampaign reports whether it is one of the campaign's own changes, not a member's.
func (c Change) OfCampaign() bool { return c <= CapChanged }

// Status is what the campaign's status is after the change; 0 when the change
// leaves the status as it was.
func (c Change) Status() Status {
	switch c {
	case Created:
		return Draft
	case Published:
		return Scheduled
	case Opened, Resumed:
		return Open
	case PausedNow:
		return Paused
	case ClosedNow:
		return Closed
	case ArchivedNow:
		return Archived
	}
	return 0
}

// Totals is where a campaign stands after one of its changes.
type Totals struct {
	Granted, Waiting int64
	Cap              int64 // NoCap: none
	Status           Status
}

// Transition is one numbered change of one campaign: a line of the book. Every
// change of a campaign comes with one, so who keeps the campaigns of a step's
// transitions keeps everything.
type Transition struct {
	Campaign string
	Ev       int64
	Offset   int64 // of the record that caused it
	At       int64 // Unix ms, never before that of an earlier offset
	Change   Change
	User     User   // of the member concerned, zero for the campaign's own changes
	Before   Place  // the member's place before
	Place    Place  // and after
	Points   int64  // + for a grant, - for the end of one
	Actor    string // as in the record, for promotions that it caused too
	Reason   string
	Xv       int64       // version after the change
	After    Totals      // of the campaign after the change
	From, To *Definition // for Created (To only), Edited and CapChanged
	Sealed   []byte      // for GrantedNow, Waitlisted, AnsweredNow: subject and answers
}

// Step is what one record did. It is reused: valid until the next Apply.
// Sealed bytes point into the value that Apply was given.
type Step struct {
	Offset, At  int64
	Record      Record // zero when it was malformed
	Verdict     Verdict
	Transitions []Transition

	rules uint8 // in force for this record
}
