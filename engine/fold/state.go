package fold

import "errors"

// Why a fold stops for ever at a record. The partition must not go on: what
// follows would mean something else to somebody else.
var (
	ErrGap     = errors.New("the record is not the next one of its partition")
	ErrUnknown = errors.New("the record is of a kind or version that this build does not know")
	ErrGenesis = errors.New("the partition belongs to another log")
	ErrOverCap = errors.New("more places are granted than the cap allows")
)

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

// Campaign is the state of one campaign after a prefix of the log.
type Campaign struct {
	ID         string
	Definition Definition // replaced as a whole, never changed in place
	Status     Status
	Xv         int64 // version of definition and status, from 1
	Granted    int64 // active grants
	Waiting    int64 // active places in the waiting list
	Seq        int64 // last rank given
	Wseq       int64 // last ticket given
	Ev         int64 // last event number given
	Freed      int64 // offset since which the campaign accepts what it refused before
	CreatedAt  int64 // Unix ms
	Created    int64 // offset of the CAMPAIGN record

	members map[User]Place
	list    waitlist
	sum     uint64 // sum of the hashes of members: independent of order
}

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

// Transition is one numbered change of one campaign: a line of the book.
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
	Actor    string // as in the record
	Reason   string
	Xv       int64       // version after the change
	From, To *Definition // for Created, Edited and CapChanged
	Sealed   []byte      // for GrantedNow, Waitlisted, AnsweredNow: subject and answers
}

// Step is what one record did. Transitions are valid until the next Apply.
type Step struct {
	Offset, At  int64
	Record      Record
	Verdict     Verdict
	Transitions []Transition
}
