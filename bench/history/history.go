package history

import "time"

// Op is one call of a claim and what came back. Times count from the start of
// the run, on one clock.
type Op struct {
	Campaign string
	Member   string
	Node     int
	Call     time.Duration
	Return   time.Duration
	Status   int    // 0: no answer (the member hung up, or the connection broke)
	Code     string // of a problem: "sold-out", ...
	State    string // of a claim: "granted", "waitlisted", "deciding"
	Rank     int64  // 0: none
	Replayed bool
	// RetryAfter says that a refusal told when to come again.
	RetryAfter bool
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
	Rule     string `json:"rule"` // as in the package's page
	Campaign string `json:"campaign"`
	Detail   string `json:"detail"`
}

// mostPerRule bounds the violations that are listed of one rule and campaign.
// One is enough to condemn a run; the rest is counted in the last one's detail.
const mostPerRule = 5
