package fold

import "iter"

// BeaconEvery is the distance in records between two beacons of a partition.
const BeaconEvery = 5000

// State is what one partition's log means so far. One goroutine may change it;
// while nobody does, any number may read.
type State struct{}

// New returns the state of an empty partition.
func New(partition int32) *State { panic("stub") }

// Restore returns the state that a snapshot describes; an error when the
// digest does not match.
func Restore(s Snapshot) (*State, error) { panic("stub") }

// Snapshot copies the whole state, campaigns in order of creation, members by user.
func (s *State) Snapshot() Snapshot { panic("stub") }

// Apply takes the next record. Malformed bytes are Invalid for everybody. An
// error (ErrGap, ErrUnknown, ErrGenesis, ErrOverCap) stops the partition for
// ever and leaves the state as it was.
func (s *State) Apply(offset, at int64, value []byte) (*Step, error) { panic("stub") }

// Next is the first offset that is not applied.
func (s *State) Next() int64 { panic("stub") }

// LastAt is the newest record's time, Unix ms.
func (s *State) LastAt() int64 { panic("stub") }

// Rows is the number of transitions so far.
func (s *State) Rows() int64 { panic("stub") }

// Genesis says whose log this is.
func (s *State) Genesis() Genesis { panic("stub") }

// Digest is a hash of the whole state.
func (s *State) Digest() uint64 { panic("stub") }

// Version of the rules in force.
func (s *State) Version() uint8 { panic("stub") }

// Campaign returns a campaign, to be read only; nil when there is none.
func (s *State) Campaign(id string) *Campaign { panic("stub") }

// Campaigns walks all campaigns in the order of their creation.
func (s *State) Campaigns() iter.Seq[*Campaign] { panic("stub") }

// Place returns a member's newest place; NoPlace when there is none.
func (c *Campaign) Place(u User) Place { panic("stub") }

// Position is the member's live place in the waiting list from 1; 0 when not waiting.
func (c *Campaign) Position(u User) int64 { panic("stub") }

// Digest is the hash of the campaign: its own fields and its members.
func (c *Campaign) Digest() uint64 { panic("stub") }

// CanGrant: a claim would be granted now. CanWait: it could be put on the list now.
func (c *Campaign) CanGrant() bool { panic("stub") }

// CanWait reports whether the campaign is open and its list has room.
func (c *Campaign) CanWait() bool { panic("stub") }

// Used is granted + waiting; Room is max(cap, granted) + waiting list's cap,
// math.MaxInt64 without a cap.
func (c *Campaign) Used() int64 { panic("stub") }

// Room: see Used.
func (c *Campaign) Room() int64 { panic("stub") }

// Preview returns who would be promoted if the cap were changed: how many, and
// the first up to limit of them in order.
func (c *Campaign) Preview(limit int64, most int) (promoted int64, first []User) { panic("stub") }

// Members walks the linked members in no particular order.
func (c *Campaign) Members() iter.Seq2[User, Place] { panic("stub") }

// Partition returns the partition of a campaign id: xxhash64(id) mod partitions.
func Partition(id string, partitions int32) int32 { panic("stub") }

// Encode returns a record's bytes; an error names the field that is too long.
func Encode(r *Record) ([]byte, error) { panic("stub") }

// Decode reads a record. ErrMalformed (Invalid to every fold) or ErrUnknown.
func Decode(b []byte) (Record, error) { panic("stub") }

type waitlist struct{}
