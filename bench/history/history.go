package history

import (
	"time"

	"firstcome/engine"
)

// Kind says what an operation asked for.
type Kind uint8

// The kinds of operations. Those before Create are a member's own.
const (
	Claim  Kind = iota // POST claims
	Cancel             // DELETE claims/me
	Look               // GET claims/me
	Answer             // PATCH claims/me
	Create             // an admin's, from here on
	Publish
	Open
	Pause
	Resume
	Close
	Archive
	SetCap
	Edit
	CancelFor // Member is whose place
	Erase     // Member is whose data
)

// Op is one request and what came back. Times count from the start of the run,
// on one clock.
type Op struct {
	Kind     Kind   `json:"kind,omitempty"`
	Campaign string `json:"campaign"`
	Member   string `json:"member,omitempty"`
	Node     int    `json:"node,omitempty"` // which process was asked; it never goes back in time

	Call time.Duration `json:"call"`
	// Return is when the answer was there or, without an answer, when the
	// member gave up; 0 then means never.
	Return   time.Duration    `json:"return,omitempty"`
	Exact    bool             `json:"exact,omitempty"`    // asked with no-cache
	Waitlist bool             `json:"waitlist,omitempty"` // of a claim: takes a place in the list when full
	After    engine.LogOffset `json:"after,omitzero"`     // sent along: answer from no older state
	Cap      int64            `json:"cap,omitempty"`      // of SetCap, -1: none

	Status   int              `json:"status,omitempty"`   // 0: no answer. It may have happened, or may yet, or never
	Code     string           `json:"code,omitempty"`     // of a problem: "sold-out", ...
	State    string           `json:"state,omitempty"`    // of a claim: "granted", "waitlisted", "cancelled", "deciding", "none"
	Claim    string           `json:"claim,omitempty"`    // grant id of the place in the answer
	Rank     int64            `json:"rank,omitempty"`     // 0: none
	Position int64            `json:"position,omitempty"` // in the waiting list; 0: none
	Log      engine.LogOffset `json:"log,omitzero"`
	Replayed bool             `json:"replayed,omitempty"`
	// RetryAfter says that a refusal told when to come again.
	RetryAfter bool `json:"retry_after,omitempty"`
}

func (o *Op) granted() bool {
	return (o.Status == 200 || o.Status == 201) && o.State == "granted"
}

// final reports whether the answer ends the matter for its member.
func (o *Op) final() bool {
	return o.Status == 200 || o.Status == 201 || (o.Status >= 400 && o.Status < 500 && o.Status != 429)
}

// Place is one line of a campaign's list after the run.
type Place struct {
	Member string
	State  string // "granted", "waitlisted", "cancelled"
	Rank   int64
}

// Campaign is what is known of a campaign after the run.
type Campaign struct {
	ID     string
	Cap    int64 // -1: none
	Places []Place
}

// Violation is one broken promise.
type Violation struct {
	Rule     string `json:"rule"` // of Check: as in the package's page; of Judge: the invariant, as "I3 durability"
	Campaign string `json:"campaign"`
	Detail   string `json:"detail"`
}

// mostPerRule bounds the violations that are listed of one rule and campaign.
// One is enough to condemn a run; the rest is counted in the last one's detail.
const mostPerRule = 5
