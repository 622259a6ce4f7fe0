package engine

import (
	"encoding/json"
	"time"

	"firstcome/engine/fold"
)

// Campaign is a campaign as people see it. It is a copy: its owner may change it.
type Campaign struct {
	ID               string
	Title            string    // <= 200 characters
	Description      string    // <= 10,000 characters
	Kind             string    // "event", "reward", "reaction"
	Cap              *int64    // nil: none
	CapMode          string    // "hard", "soft"
	Counting         string    // "direct", "batched"
	Points           int64     // per grant, 0..1,000,000,000
	WaitlistCap      int64     // 0: no list
	Reclaim          string    // "allowed", "refused"
	EndPromotion     bool      // closing ends promotion from the waiting list
	OpensAt          time.Time // zero: none
	ClosesAt         time.Time
	CancellableUntil time.Time
	Form             []Question
	Eligibility      []Rule

	Status    fold.Status
	Granted   int64
	Waiting   int64
	Version   int64 // of the definition and the status
	Ev        int64 // last event number
	CreatedAt time.Time
	Partition int32
	Next      int64  // first offset of the partition that this view does not include
	Epoch     string // of the log
}

// Remaining is how many grants are left, -1 without a cap.
func (c *Campaign) Remaining() int64 {
	if c.Cap == nil {
		return -1
	}
	return max(0, *c.Cap-c.Granted)
}

// SoldOut reports whether a claim without the waiting list would be refused as full.
func (c *Campaign) SoldOut() bool {
	return c.Cap != nil && (c.Granted >= *c.Cap || c.Waiting > 0)
}

// List is the state of the waiting list.
func (c *Campaign) List() ListState {
	switch {
	case c.WaitlistCap == 0:
		return NoList
	case c.Waiting < c.WaitlistCap:
		return ListOpen
	}
	return ListFull
}

// Question is one question of a campaign's form.
type Question struct {
	ID        string   `json:"id"` // ^[a-z0-9][a-z0-9_-]{0,62}$
	Label     string   `json:"label"`
	Type      string   `json:"type"` // text, long_text, email, phone, number, boolean, choice, multi_choice
	Required  bool     `json:"required,omitempty"`
	MaxLength int      `json:"max_length,omitempty"` // in characters; texts only
	Min       *float64 `json:"min,omitempty"`        // numbers only
	Max       *float64 `json:"max,omitempty"`
	Choices   []string `json:"choices,omitempty"`
}

// Rule says which values of a token's claim are eligible. All rules must hold.
type Rule struct {
	Claim string   `json:"claim"`
	In    []string `json:"in"`
}

// Claim is one member's place in one campaign as the member sees it.
type Claim struct {
	Campaign  string
	State     string // "none", "deciding", "granted", "waitlisted", "cancelled"
	Rank      int64  // 0: none
	Position  int64  // 1 = next in the waiting list; 0: not waiting
	Ticket    int64  // number in the waiting list, never changes; 0: never waited
	GrantID   string
	ClaimedAt time.Time
	EndedAt   time.Time
	Booked    bool // in the ledger
	Points    int64
	Answers   json.RawMessage // nil: none, or not known here
	Offset    LogOffset
}

// Member is who asks. Subject comes from a verified token, never from a body.
type Member struct {
	Subject string         // <= 128 bytes
	Claims  map[string]any // of the token, for eligibility
}

// Actor is the admin who asks, and why.
type Actor struct {
	Subject string
	Reason  string // <= 500 characters
}
