package engine

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config of an engine. Zero values mean the defaults named here.
type Config struct {
	Secret        [32]byte      // required: pseudonyms, sealed answers, the cluster's id
	Partitions    int32         // of the log, required
	ClaimDeadline time.Duration // then a claim is answered Deciding; 3 s
	Roles         Roles
	Logger        *slog.Logger // required
	Metrics       prometheus.Registerer
}

// Roles of this node as its health tells them: "api", "stream", "ledger", "scheduler".
type Roles []string

// Ports are what an engine stands on. Log and Gate are required.
type Ports struct {
	Log       Log
	Gate      Gate
	Locker    Locker       // nil: no locks; nothing is wrong, some work is done twice
	Counter   Counter      // nil: tallies stay in this process
	Snapshots Snapshots    // nil: every fold starts at the log's start
	Booked    Booked       // nil: nothing is ever known to be booked
	Register  Register     // nil: archived campaigns and lists are ErrUnavailable
	Times     []TimeSource // other machines' clocks, to agree on the time
}

// Engine decides. All its methods may be called at once.
type Engine struct{}

// New joins an engine to its ports. It starts nothing.
func New(cfg Config, ports Ports) (*Engine, error) { return &Engine{}, nil }

// Run follows the log, flushes leases and tallies and keeps the time until ctx
// ends; then it gives back its leases, flushes once more (5 s at most) and
// returns when all that it started has ended. An error means that this log
// must not be used (another cluster's, another number of partitions).
func (e *Engine) Run(ctx context.Context) error { return nil }

// Schedule opens and closes campaigns by agreed time until ctx ends: the work
// of the role "scheduler".
func (e *Engine) Schedule(ctx context.Context) error { return nil }

// Drain waits until no claim is under way, or ctx ends.
func (e *Engine) Drain(ctx context.Context) {}

// ClaimCall is one request of a member for a place.
type ClaimCall struct {
	Campaign string
	Member   Member
	Answers  map[string]json.RawMessage // nil: none given
	Waitlist bool                       // take a place in the waiting list when full
	After    LogOffset                  // answer from a state that includes this record
	Exact    bool                       // answer from a state not older than the call (Cache-Control: no-cache)
	// Costly is asked once, before the claim goes beyond memory (not for a
	// repeat, a join, or a refusal from memory). Its error is returned as it
	// is. nil: no limit.
	Costly func() error
}

// Read says how new a state a read wants.
type Read struct {
	After LogOffset // includes this record
	Exact bool      // not older than the call
}

// Claim decides.
func (e *Engine) Claim(ctx context.Context, call ClaimCall) (Decision, error) {
	return Decision{}, ErrUnavailable
}

// Mine returns the member's claim; State is "none" when there never was one.
// ErrNotFound when the campaign does not exist or is a draft.
func (e *Engine) Mine(ctx context.Context, campaign string, m Member, read Read) (Claim, error) {
	return Claim{}, ErrUnavailable
}

// Cancel ends the member's place and returns the ended claim; the same on a
// repeat. ErrNoPlace, ErrCancellationClosed, ErrNotFound, ErrUndecided.
func (e *Engine) Cancel(ctx context.Context, campaign string, m Member, read Read) (Claim, error) {
	return Claim{}, ErrUnavailable
}

// Answer merges answers into those of the member's active place. InvalidError,
// ErrNoPlace, ErrState when closed.
func (e *Engine) Answer(ctx context.Context, campaign string, m Member, answers map[string]json.RawMessage, read Read) (Claim, error) {
	return Claim{}, ErrUnavailable
}

// History returns the member's newest claim of every campaign, newest first.
func (e *Engine) History(ctx context.Context, m Member, read Read) ([]Claim, error) {
	return nil, ErrUnavailable
}

// Campaign returns any campaign, drafts too; ErrNotFound.
func (e *Engine) Campaign(id string) (Campaign, error) { return Campaign{}, ErrNotFound }

// Campaigns returns all campaigns, newest first.
func (e *Engine) Campaigns() []Campaign { return nil }

// Sync waits until this node's fold is as new as the read asks.
func (e *Engine) Sync(ctx context.Context, campaign string, read Read) error { return nil }

// Now returns the agreed time (protocol 8).
func (e *Engine) Now() time.Time { return time.Now() }

// Create makes a draft. A repeat with the same content returns it with created
// false; ErrExists with other content. An empty ID is generated. InvalidError.
// A dry run validates and answers what would be.
func (e *Engine) Create(ctx context.Context, c Campaign, by Actor, dryRun bool) (_ Campaign, created bool, _ error) {
	return c, false, ErrUnavailable
}

// Edit replaces the definition of the campaign c.ID when its version still is
// version; ErrVersion, ErrState for what the status does not allow to change,
// InvalidError.
func (e *Engine) Edit(ctx context.Context, c Campaign, version int64, by Actor, dryRun bool) (Campaign, error) {
	return c, ErrUnavailable
}

// Verb moves a campaign from one status to the next.
type Verb uint8

// The verbs.
const (
	Publish Verb = iota + 1 // draft -> scheduled
	Open                    // draft, scheduled -> open
	Pause                   // open -> paused
	Resume                  // paused -> open
	Close                   // scheduled, open, paused -> closed
	Archive                 // draft, closed -> archived
)

// Move carries out a verb. version 0 means any version; done already is no
// error; ErrState when the status does not allow it.
func (e *Engine) Move(ctx context.Context, id string, verb Verb, version int64, by Actor, dryRun bool) (Campaign, error) {
	return Campaign{}, ErrUnavailable
}

// CapChange says what a change of the cap does.
type CapChange struct {
	From, To         *int64 // nil: no cap
	Granted, Waiting int64  // before
	Promoted         int64  // how many leave the waiting list with a grant
	OverBy           int64  // how many grants there are beyond the new cap: none is taken away
	Promotees        []UserRef
}

// UserRef is a pseudonym.
type UserRef = [16]byte

// SetCap changes the cap (nil: none). A dry run changes nothing and tells the
// first 100 promotees.
func (e *Engine) SetCap(ctx context.Context, id string, limit *int64, version int64, by Actor, dryRun bool) (Campaign, CapChange, error) {
	return Campaign{}, CapChange{}, ErrUnavailable
}

// CancelFor ends a member's place in the admin's name, cancellable or not.
func (e *Engine) CancelFor(ctx context.Context, id, subject string, by Actor, dryRun bool) (Claim, error) {
	return Claim{}, ErrUnavailable
}

// Places returns a page of a campaign's list: what is booked, and behind it what
// is decided and not booked yet. ErrNotFound, ErrUnavailable.
func (e *Engine) Places(ctx context.Context, q PlaceQuery) ([]PlaceRow, error) {
	return nil, ErrUnavailable
}

// Deeds returns the audit trail of a campaign after an event number, oldest
// first, once the ledger has come as far as this node (1 s at most).
func (e *Engine) Deeds(ctx context.Context, id string, after int64, limit int) ([]AuditRow, error) {
	return nil, ErrUnavailable
}

// Totals returns a campaign's state in this node's fold. ErrNotFound.
func (e *Engine) Totals(id string) (Totals, error) { return Totals{}, ErrNotFound }

// Rows is the number of ledger rows that this node's folds ask for, per partition.
func (e *Engine) Rows() []int64 { return nil }

// Counts returns a campaign's tallies (attempts, outcomes by name, reactions):
// late numbers from all nodes' flushes. They inform; nothing decides by them.
func (e *Engine) Counts(ctx context.Context, id string) (map[string]int64, error) { return nil, nil }

// Health tells how this node does.
type Health struct {
	Node       string // new at every start
	Ready      bool
	Reason     string // why not ready
	Roles      Roles
	Partitions []PartitionHealth
}

// PartitionHealth tells how one partition does.
type PartitionHealth struct {
	Partition int32         `json:"partition"`
	Next      int64         `json:"next"`
	End       int64         `json:"end"`
	State     string        `json:"state"` // "starting", "following", "behind", "stopped"
	Age       time.Duration `json:"-"`     // since the last answer of the log
	Reason    string        `json:"reason,omitempty"`
}

// Health tells how this node does.
func (e *Engine) Health() Health { return Health{} }
