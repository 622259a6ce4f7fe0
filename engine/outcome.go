package engine

import (
	"errors"
	"fmt"
	"time"
)

// Outcome is the closed set of answers to a claim. A refusal is an answer, not
// an error.
type Outcome uint8

// The outcomes.
const (
	Granted    Outcome = iota + 1 // a new grant
	Waitlisted                    // a new place in the waiting list, as asked
	Repeated                      // the member has a place already: the claim as it stands
	Deciding                      // not decided within the deadline: send the same claim again
	SoldOut                       // may reopen
	Early                         // not open yet
	Paused                        //
	Late                          // closed or archived
	Ineligible                    // see Decision.Rule
	Refused                       // cancelled before, and the campaign allows no return
	Superseded                    // an old copy of a claim that was cancelled meanwhile
)

var outcomeNames = [...]string{"", "granted", "waitlisted", "repeated", "deciding", "sold-out", "early", "paused",
	"late", "ineligible", "refused", "superseded"}

// String returns the outcome's name as in metrics and tallies.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// The errors that a caller can act on.
var (
	ErrNotFound           = errors.New("there is no such campaign")
	ErrNoPlace            = errors.New("the member never had a place in the campaign")
	ErrCancellationClosed = errors.New("the time for cancelling is over")
	ErrExists             = errors.New("a campaign with this id exists already")
	ErrVersion            = errors.New("the campaign has another version by now")
	ErrState              = errors.New("the campaign's state forbids this")
	ErrOverloaded         = errors.New("too much is under way") // safe to repeat
	ErrUnavailable        = errors.New("the log is out of reach")
	ErrStopped            = errors.New("the partition has stopped; a person must look")
	ErrUndecided          = errors.New("not decided within the deadline") // an admin's or a cancel's record; may still happen, safe to repeat
)

// FieldError says what is wrong with one field of the input.
type FieldError struct {
	Pointer string // JSON pointer, as "/answers/name"
	Detail  string
}

// InvalidError is bad input, field by field.
type InvalidError struct {
	Fields  []FieldError
	Answers bool // the answers to the form are meant
}

// Error lists every field.
func (e *InvalidError) Error() string {
	s := "invalid input:"
	for _, f := range e.Fields {
		s += fmt.Sprintf(" %s %s;", f.Pointer, f.Detail)
	}
	return s[:len(s)-1]
}

// LogOffset names a record: what X-Log-Offset carries. The zero value names none.
type LogOffset struct {
	Partition int32
	Offset    int64
	Known     bool
}

// Decision is the answer to a claim.
type Decision struct {
	Outcome    Outcome
	Claim      Claim     // with Granted, Waitlisted, Repeated and Deciding
	Offset     LogOffset // of the record that the answer rests on
	OpensAt    time.Time // with Early
	Rule       string    // with Ineligible: the token's claim that does not fit
	RetryAfter time.Duration
	List       ListState // with SoldOut
}

// ListState is the state of a waiting list.
type ListState string

// The states of a waiting list.
const (
	NoList   ListState = "none"
	ListOpen ListState = "open"
	ListFull ListState = "full"
)
