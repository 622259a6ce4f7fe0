package history

import (
	"fmt"
	"strings"
	"time"

	"firstcome/engine/fold"
)

// The invariants, as a violation names them. What each says is in the
// package's page.
const (
	ruleEvidence  = "evidence"
	ruleCap       = "I1 cap"
	ruleOnce      = "I2 one place"
	ruleDurable   = "I3 durability"
	rulePhantom   = "I4 no phantom"
	ruleRanks     = "I5 ranks"
	ruleRealTime  = "I6 real time"
	ruleEarlyFull = "I7 early full"
	ruleFlip      = "I8 flip"
	ruleEvents    = "I9 events"
	ruleReplicas  = "I10 replicas"
	ruleLedger    = "I11 ledger"
	ruleLiveness  = "I12 liveness"
	ruleErrors    = "I13 errors"
	ruleGate      = "I14 gate"
	ruleGhost     = "I15 ghost"
)

// stale is how old a state an answer from memory may rest on (protocol 4.2).
const stale = 100 * time.Millisecond

// Judge returns every broken promise, nothing for a clean run. It takes time
// and memory in proportion to the evidence, but for a few searches.
func Judge(e *Evidence) []Violation {
	k := newCourt(e)
	k.index()
	k.refold()
	k.prove()
	k.realTime()
	k.hear()
	k.positions()
	k.overCap()
	k.ghosts()
	k.streams()
	k.books()
	k.gate()
	k.ends()
	k.linear()
	return k.verdict()
}

// court is one run before the judge.
type court struct {
	*Evidence
	stale   time.Duration
	dockets map[string]*docket // by campaign
	parties []party
	of      []int32 // party of each operation; none for an admin's
	idx     []int32 // operations by party, each party's by call
	rests   []int64 // the newest record that an answer proves, -1: none
	models  []*model
	times   []*times
	queries []query
	found   []Violation
	counts  map[string]int // by rule and campaign
	last    map[string]int // index in found of the last that is listed
}

// docket is one campaign of the run.
type docket struct {
	id        string
	partition int32
	course    *course // nil: the log does not know it
	names     map[string]int32
	users     map[fold.User]int32
}

// party is one member in one campaign.
type party struct {
	docket *docket
	name   string
	user   fold.User
	m      *member // what the log says; nobody when it says nothing

	from, to int32 // of its operations in idx
	// The first request of each kind: no record that needs one is older.
	claim, cancel, cancelFor, answer int32
	open                             int32 // operations in idx before it cannot have caused a newer place
}

const none = -1

func newCourt(e *Evidence) *court {
	k := &court{Evidence: e, stale: stale, dockets: map[string]*docket{}, counts: map[string]int{}, last: map[string]int{},
		of: make([]int32, len(e.Ops)), rests: make([]int64, len(e.Ops))}
	if e.Stale > 0 {
		k.stale = e.Stale
	}
	return k
}

// report notes a violation; of many alike only the first are listed.
func (k *court) report(rule, campaign, format string, args ...any) {
	key := rule + " " + campaign
	k.counts[key]++
	if k.counts[key] <= mostPerRule {
		k.last[key] = len(k.found)
		k.found = append(k.found, Violation{rule, campaign, fmt.Sprintf(format, args...)})
	}
}

func (k *court) verdict() []Violation {
	for key, n := range k.counts {
		if n > mostPerRule {
			k.found[k.last[key]].Detail += fmt.Sprintf(" (%d of this kind)", n)
		}
	}
	return k.found
}

// docket finds or opens a campaign's.
func (k *court) docket(id string) *docket {
	d := k.dockets[id]
	if d == nil {
		d = &docket{id: id, names: map[string]int32{}, users: map[fold.User]int32{}}
		if len(k.Log) > 0 {
			d.partition = fold.Partition(id, int32(len(k.Log)))
		}
		k.dockets[strings.Clone(id)] = d
	}
	return d
}

func (d *docket) meets(c class, a, b int64) bool {
	if d.course == nil {
		return c == hidden || c == anything
	}
	return d.course.meets(c, a, b)
}

// own reports whether an operation is a member's, or about one.
func (o *Op) own() bool { return o.Kind < Create || o.Kind == CancelFor || o.Kind == Erase }
