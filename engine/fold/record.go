package fold

import "errors"

// Encoding is the version of a record's bytes, in its first byte. The rules of
// version 2 changed no byte of any record, so every build writes this one.
const Encoding = 1

// Limits of a record. Encode refuses what exceeds them, and to Decode it is
// malformed.
const (
	MaxRecord     = 64 << 10 // bytes of a whole record
	MaxDefinition = 16 << 10 // bytes of an encoded definition in a record, and of each of its texts
	MaxID         = 63       // bytes of a campaign's id: ^[a-z0-9][a-z0-9-]{0,62}$
	MaxActor      = 256      // bytes
	MaxReason     = 2000     // bytes: 500 characters of any script
	MaxSealed     = 8 << 10  // bytes of sealed subject and answers

	// MaxCount is the largest cap, list, number of points and time: 2^53-1, the
	// largest integer that every JSON reader keeps. Sums of two never overflow.
	MaxCount = 1<<53 - 1
)

// ErrMalformed is Decode's answer to bytes of a known version and kind that are
// no record. To every fold they are Invalid alike, so nobody needs to stop.
var ErrMalformed = errors.New("malformed record")

// User is a member's pseudonym: HMAC(tenant key, subject), cut to 16 bytes.
type User [16]byte

// Kind says what a record states.
type Kind uint8

// The kinds of records. The numbers are on disk for ever.
const (
	KindGenesis  Kind = 1  // first of each partition: Cluster, Partitions
	KindCampaign Kind = 2  // a new campaign in draft: Definition
	KindEdit     Kind = 3  // Xv, Definition
	KindPublish  Kind = 4  // Xv: draft -> scheduled
	KindOpen     Kind = 5  // Xv
	KindPause    Kind = 6  // Xv
	KindResume   Kind = 7  // Xv
	KindClose    Kind = 8  // Xv
	KindArchive  Kind = 9  // Xv
	KindCap      Kind = 10 // Xv, Cap
	KindClaim    Kind = 11 // User, Seen, Wait, Sealed
	KindCancel   Kind = 12 // User, Claim (0: a fence for a member without a place)
	KindAnswers  Kind = 13 // User, Claim, Sealed
	KindErase    Kind = 14 // User
	KindBeacon   Kind = 15 // Mark, Digest
	KindNoop     Kind = 16
	KindActivate Kind = 17 // Activate
)

// Record is one statement in the log. Which fields count depends on Kind; the
// others are zero and are not encoded. Text is valid UTF-8 without NUL, because
// a book must be able to keep it.
type Record struct {
	Kind     Kind
	Campaign string // id; empty for Genesis, Beacon, Noop and Activate

	// Node and Nr name the append: Node is new at every start of a process, Nr
	// rises with every append of that process to the partition. They wake the
	// waiter; no rule looks at them.
	Node, Nr uint64

	// Xv is the campaign version that the writer saw. Another version refuses
	// the record.
	Xv     int64
	Actor  string // who asked: an admin's subject, "scheduler", or empty for the member
	Reason string // why, as the admin gave it

	Definition *Definition
	Cap        int64 // -1: no cap

	User   User
	Seen   int64 // first offset that the writer's fold had not applied when the request arrived
	Wait   bool  // wants a place in the waiting list when full
	Claim  int64 // offset of the claim whose place is meant
	Sealed []byte

	Cluster    [16]byte // Genesis: whose log this is
	Partitions int32    // Genesis: how many partitions, for ever

	Mark     int64  // Beacon: an offset that is a multiple of BeaconEvery
	Digest   uint64 // Beacon: the writer's digest when its next offset was Mark
	Activate uint8  // Activate: the version of the rules from here on
}

// Policies of a campaign about a return after a cancel.
const (
	ReclaimAllowed uint8 = 0
	ReclaimRefused uint8 = 1
)

// NoCap is the cap of a campaign without one.
const NoCap int64 = -1

// Definition is what an admin says about a campaign. The fold reads Cap, Soft,
// Points, WaitlistCap, Reclaim and EndPromotion; the rest rides along so that
// every node knows noon without asking Postgres. Times are Unix milliseconds,
// 0 = none.
type Definition struct {
	Title, Description string
	Kind               string // "event", "reward" or "reaction"
	Counting           string // "direct" or "batched"
	Cap                int64  // NoCap or >= 0
	Soft               bool   // the gate's counter decides the cap, not rule 6
	Points             int64  // per grant
	WaitlistCap        int64  // 0: no list
	Reclaim            uint8
	EndPromotion       bool // closing ends promotion from the waiting list
	OpensAt, ClosesAt  int64
	CancellableUntil   int64
	Form, Eligibility  []byte // JSON, opaque here
	Key                []byte // the campaign's data key, wrapped with the tenant's
}
