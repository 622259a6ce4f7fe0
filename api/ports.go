package api

import (
	"context"
	"encoding/json"
	"time"

	"firstcome/engine"
)

// Ports are what the doors stand on. Claims, Campaigns, Verbs, Register and
// Node are required; an absent one of the others answers 503 "unavailable".
type Ports struct {
	Claims    Claims
	Campaigns Campaigns
	Verbs     Verbs
	Register  Register
	Node      Node
	Cluster   Cluster
	Books     Books
	Throttle  Throttle
	Auditor   Auditor
	Board     Board
	Notices   Notices
	Feed      Feed    // with Glances: streams; without, they are refused
	Glances   Glances // of who watches; tickets need it, too
}

// Claims answers members. *engine.Engine fulfils it and says what each error means.
type Claims interface {
	Claim(ctx context.Context, call engine.ClaimCall) (engine.Decision, error)
	Mine(ctx context.Context, campaign string, m engine.Member, read engine.Read) (engine.Claim, error)
	Cancel(ctx context.Context, campaign string, m engine.Member, read engine.Read) (engine.Claim, error)
	Answer(ctx context.Context, campaign string, m engine.Member, answers map[string]json.RawMessage, read engine.Read) (engine.Claim, error)
	History(ctx context.Context, m engine.Member, read engine.Read) ([]engine.Claim, error)
}

// Campaigns reads campaigns from memory. *engine.Engine fulfils it.
type Campaigns interface {
	// Campaign returns any campaign, drafts too. engine.ErrNotFound.
	Campaign(id string) (engine.Campaign, error)
	// Campaigns returns all of them.
	Campaigns() []engine.Campaign
	// Sync waits until this node is as new as the read asks.
	Sync(ctx context.Context, campaign string, read engine.Read) error
	// Reach waits until this node knows a record, whatever campaign it is about.
	Reach(ctx context.Context, o engine.LogOffset) error
	// Now is the agreed time.
	Now() time.Time
}

// Verbs are what admins do. *engine.Engine fulfils it and says what each error means.
type Verbs interface {
	Create(ctx context.Context, c engine.Campaign, by engine.Actor, dryRun bool) (engine.Campaign, bool, error)
	Edit(ctx context.Context, c engine.Campaign, version int64, by engine.Actor, dryRun bool) (engine.Campaign, error)
	Move(ctx context.Context, id string, verb engine.Verb, version int64, by engine.Actor, dryRun bool) (engine.Campaign, error)
	SetCap(ctx context.Context, id string, limit *int64, version int64, by engine.Actor, dryRun bool) (engine.Campaign, engine.CapChange, error)
	CancelFor(ctx context.Context, id, subject string, by engine.Actor, dryRun bool) (engine.Claim, error)
}

// Register lists what was decided. *engine.Engine fulfils it.
type Register interface {
	// Places returns a page of a campaign's list, in the order of the claims.
	Places(ctx context.Context, q engine.PlaceQuery) ([]engine.PlaceRow, error)
	// Deeds returns a campaign's audit trail after an event number, oldest first.
	Deeds(ctx context.Context, id string, after int64, limit int) ([]engine.AuditRow, error)
}

// Node tells how this node does. *engine.Engine fulfils it.
type Node interface {
	Health() engine.Health
	// Folds returns, per partition, the first offset that this node has not
	// applied and its fold's digest there; 0 and 0 while it is not loaded.
	Folds() (next []int64, digests []uint64)
}

// Cluster knows the other nodes. *engine.Engine fulfils it.
type Cluster interface {
	// Nodes returns what all nodes say of themselves, this one first; with an
	// error only this one.
	Nodes(ctx context.Context) ([]engine.Presence, error)
	// Activate brings a version of the rules into force.
	// *engine.TooOldError, engine.ErrNoRoster, *engine.InvalidError.
	Activate(ctx context.Context, rules uint8, force bool, by engine.Actor, dryRun bool) (engine.Activation, error)
}

// Books compares log, gate and ledger for one campaign. engine.ErrNotFound.
type Books interface {
	Books(ctx context.Context, campaign string) (engine.Books, error)
}

// Throttle is the rate at which the ledger is written, for all nodes.
type Throttle interface {
	Status(ctx context.Context) (engine.Throttle, error)
	// Set changes the rate. *engine.InvalidError when it is out of bounds.
	Set(ctx context.Context, rowsPerSecond int64) error
	// Rate is the rate that this node follows, from memory.
	Rate() int64
}

// Notices are the words to everybody on the pages, and say what each error of
// theirs means. *cache.Bulletin fulfils it.
type Notices interface {
	// Notices returns all notices, newest first, due or not, and a version that
	// every change raises: from copies that are not older than the version seen.
	Notices(ctx context.Context, seen int64) (version int64, all []engine.Notice, err error)
	// Exact returns them as they are now.
	Exact(ctx context.Context) ([]engine.Notice, error)
	// Add adds a notice. engine.ErrExists, with the one that is there;
	// *engine.InvalidError when there are too many.
	Add(ctx context.Context, n engine.Notice) (engine.Notice, error)
	// Change replaces, and Remove removes, a notice of a version; 0 is any.
	// engine.ErrNotFound, engine.ErrVersion.
	Change(ctx context.Context, n engine.Notice, version int64) (engine.Notice, error)
	Remove(ctx context.Context, n engine.Notice, version int64) error
}

// Auditor holds all books against each other and against the promises. It may
// take minutes.
type Auditor interface {
	Audit(ctx context.Context) (AuditReport, error)
}

// AuditReport is the result of a full audit.
type AuditReport struct {
	Campaigns  int64 // that were compared
	Places     int64
	Records    int64 // of the log that were folded again; 0: none were
	Violations []Violation
}

// Violation is one promise that does not hold.
type Violation struct {
	Rule     string // which promise, from a closed set of the auditor's
	Campaign string // empty: not about one campaign
	Detail   string // one sentence with the numbers that differ
}
