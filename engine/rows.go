package engine

import (
	"encoding/json"
	"time"

	"firstcome/engine/fold"
)

// PlaceRow is one line of a campaign's list as the ledger has it.
type PlaceRow struct {
	Campaign  string
	User      fold.User // zero when erased
	Member    string    // the subject; empty when erased
	State     string    // "granted", "waitlisted", "cancelled"
	Rank      int64     // 0: never granted
	Ticket    int64     // 0: never waited
	Position  int64     // live place in the waiting list, 0: not waiting
	ClaimOff  int64
	ClaimedAt time.Time
	EndedAt   time.Time
	Answers   json.RawMessage
	Points    int64
	Booked    bool // in the ledger as shown here
}

// PlaceQuery selects a page of a campaign's list, in the order of the claims.
type PlaceQuery struct {
	Campaign string
	State    string // empty: all
	Search   string // part of the subject; empty: all
	After    int64  // claim offset of the last row of the page before; -1: from the start
	Limit    int
}

// ArchivedCampaign is what stays the same for ever of an archived campaign.
type ArchivedCampaign struct {
	ID      string
	Offset  int64     // of the record that archived it
	Created int64     // of the record that made it
	Base    time.Time // when it opened by plan, else when it was made
	Points  int64     // per grant
}

// AuditRow is one admin's or scheduler's deed, or a cancellation for a member.
type AuditRow struct {
	Ev      int64
	At      time.Time
	Actor   string
	Action  string // "created", "edited", "published", "opened", "paused", "resumed", "closed", "archived", "cap-changed", "cancelled", "erased"
	Version int64
	Reason  string
	Change  json.RawMessage // {"cap":{"from":100,"to":120}}; nil: nothing to tell
}

// Totals is a campaign's state in one book.
type Totals struct {
	Granted, Waiting, Seq int64
	Offset                int64 // first offset that the totals do not include
	Digest                uint64
}

// Books holds log, gate and ledger against each other.
type Books struct {
	Log         Totals
	Gate        GateCount
	GateReached bool
	Ledger      Totals
	LedgerKnown bool
	Backlog     int64         // rows that the ledger still has to write, all campaigns
	Drain       time.Duration // how long that takes at the current rate
	Differences []string      // empty: the books are equal
}

// Throttle tells how the ledger is written.
type Throttle struct {
	RowsPerSecond int64
	BacklogRows   int64
	Drain         time.Duration
	RowsTotal     int64
}
