package mutant

const inEngine = "./engine"

// engineMutants break rules of the engine: what it does between the fold and
// the members, with a gate, a log and a ledger that fail. The simulation catches those that it
// can meet, tests of the engine the rest: what needs two requests at one moment
// on one node, or a gate that never tells the truth.
var engineMutants = []Mutant{
	{
		Name: "old-memory", What: "a node that is cut off answers from its memory, whatever its age",
		File:   "engine/partition.go",
		Old:    `return known != 0 && p.node.elapsed()-known <= int64(Currency)`,
		New:    `return known|1 != 0`,
		Caught: "I7 I8",
	}, {
		Name: "answer-on-ack", What: "a claim is answered when the log has it, before it is read back and decided",
		File: "engine/append.go",
		Old:  `p.node.ports.Log.Append(p.id, r.Campaign, value, p.appended)`,
		New: `p.node.ports.Log.Append(p.id, r.Campaign, value, func(err error) {
		if p.appended(err); err != nil || r.Kind != fold.KindClaim {
			return
		}
		go func() { // append holds mu
			a.mu.Lock()
			o := a.open[r.Nr]
			delete(a.open, r.Nr)
			a.mu.Unlock()
			if o == nil {
				return
			}
			o.desk.settle(o.unit, true)
			p.mu.RLock()
			next, seq := p.state.Next(), p.state.Campaign(r.Campaign).Seq
			p.mu.RUnlock()
			o.done <- read{verdict: fold.ClaimGranted, offset: next, place: fold.Place{State: fold.Granted, Rank: seq + 1, Claim: next}}
		}()
	})`,
		Caught: "I1 I2 I3",
	}, {
		Name: "late-refusal", What: "an answer also closes requests that came after its record was sent", In: inEngine,
		File:   "engine/claim.go",
		Old:    `case got.nr > 0 && r.joined >= got.nr,`,
		New:    `case false,`,
		Caught: "TestAnAnswerClosesOnlyWhomItConcerns",
	}, {
		Name: "old-answer", What: "an answer also closes requests that saw a newer state than it rests on", In: inEngine,
		File:   "engine/claim.go",
		Old:    `got.next < r.seen:`,
		New:    `false:`,
		Caught: "TestAnAnswerClosesOnlyWhomItConcerns",
	}, {
		Name: "left-behind", What: "a claim is sent although everybody who wanted it has left", In: inEngine,
		File:   "engine/flights.go",
		Old:    `if len(f.requests) == 0 && !f.over {`,
		New:    `if false && !f.over {`,
		Caught: "TestWhoGaveUpIsNotGrantedLater",
	}, {
		Name: "unchecked-send", What: "a record is sent without a look at whether anybody still waits", In: inEngine,
		File:   "engine/flight.go",
		Old:    `if f.over || !slices.ContainsFunc(`,
		New:    `if now.IsZero() && !slices.ContainsFunc(`,
		Caught: "TestNothingIsSentForAFlightThatNobodyWaitsFor",
	}, {
		Name: "unwritten-cancel", What: "a cancel of a place that this node does not know writes nothing",
		File:   "engine/cancel.go",
		Old:    "if before.Active() {\n\t\t\tr.Claim = before.Claim\n\t\t}",
		New:    "if !before.Active() {\n\t\t\treturn Claim{}, ErrNoPlace\n\t\t}\n\t\tr.Claim = before.Claim",
		Caught: "I7",
	}, {
		Name: "gate-decides", What: "what the gate says is full is answered as full",
		File:   "engine/flight.go",
		Old:    `if p == noRoom && f.desk.info.Load().soft {`,
		New:    `if p == noRoom {`,
		Caught: "I7",
	}, {
		Name: "no-room-believed", What: "a gate that never gives keeps a claim out for ever", In: inEngine,
		File:   "engine/flight.go",
		Old:    "case <-late.C:\n\t\treturn false, true",
		New:    "case <-late.C:",
		Caught: "TestStampedeOnTwoNodes/direct/gate_never_gives",
	}, {
		Name: "lease-kept", What: "units that nobody needs are never given back",
		File:   "engine/lease.go",
		Old:    `if d.lease.idle == 0 || now.Sub(d.lease.used) < leaseRest {`,
		New:    `if d.lease.idle >= 0 {`,
		Caught: "I14",
	}, {
		Name: "lease-forgotten", What: "a unit whose claim was refused is never idle again",
		File:   "engine/lease.go",
		Old:    "l.spent--\n\tif !placed {",
		New:    "if placed {\n\t\tl.spent--\n\t}\n\tif false {",
		Caught: "I14",
	}, {
		Name: "inexact", What: "an exact answer comes from memory", In: inEngine,
		File:   "engine/barrier.go",
		Old:    `if read.Exact || !p.current() {`,
		New:    `if !p.current() {`,
		Caught: "TestANewStateIsWaitedFor/exact",
	}, {
		Name: "early-barrier", What: "a barrier is passed by a record that was sent before the request arrived", In: inEngine,
		File:   "engine/append.go",
		Old:    `p.barrier.seal(crossing, a.nr)`,
		New:    `p.barrier.seal(crossing, a.nr-1)`,
		Caught: "TestANewStateIsWaitedFor/exact",
	}, {
		Name: "own-answer-forgotten", What: "a read shows an older state than the member's last answer", In: inEngine,
		File:   "engine/barrier.go",
		Old:    "if p.next.Load() > offset {\n\t\treturn nil\n\t}\n\to :=",
		New:    "if p.next.Load() > 0 {\n\t\treturn nil\n\t}\n\to :=",
		Caught: "TestANewStateIsWaitedFor/after_the_member's_answer",
	}, {
		Name: "one-clock", What: "one clock alone says what time it is", In: inEngine,
		File:   "engine/clock.go",
		Old:    `if i != j && (a.offset-b.offset).Abs() < agreeWithin {`,
		New:    `if i|j >= 0 && (a.offset-b.offset).Abs() < agreeWithin {`,
		Caught: "TestTwoOfThreeClocksAgree",
	}, {
		Name: "another-log", What: "a node goes on with another log than the ledger's", In: inEngine,
		File:   "engine/node.go",
		Old:    `case topic != n.topic.ID:`,
		New:    `case false && topic != n.topic.ID:`,
		Caught: "TestAPartitionThatIsNotAsRememberedStopsAlone",
	}, {
		Name: "cut-log", What: "a node goes on with a log that has lost its end", In: inEngine,
		File:   "engine/node.go",
		Old:    `case end < next:`,
		New:    `case false:`,
		Caught: "TestALogMustHaveWhatFollows",
	}, {
		Name: "trimmed-log", What: "a node goes on with a log that has lost what it has not read", In: inEngine,
		File:   "engine/node.go",
		Old:    `case start > next:`,
		New:    `case false:`,
		Caught: "TestALogMustHaveWhatFollows",
	}, {
		Name: "divergence-ignored", What: "a node whose digest differs from a beacon goes on", In: inEngine,
		File:   "engine/deliver.go",
		Old:    `case step.Verdict == fold.Diverged:`,
		New:    `case false:`,
		Caught: "TestAFoldThatIsWrongStopsAtATrueBeacon",
	},
}
