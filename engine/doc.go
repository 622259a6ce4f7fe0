// Package engine decides: may this member have this grant, now?
//
// Redis admits, the log decides, Postgres remembers. A claim is admitted at the
// [Gate], appended to the [Log], and answered only after this node has read its
// own record back and the fold of the log (package fold) has said what it is.
// The rank is the fold's counter. So nothing that Redis, a lock, a clock, a
// frozen process or a repeated request does can break a promise; it can only
// cost work.
//
// # What is promised
//
//   - Active grants never exceed the cap, and a member has one at most: the
//     fold guards both in the step that gives the place.
//   - Granted is said only of committed records, and then stays true.
//   - Every claim ends in an answer, or in Deciding: send the same claim again.
//   - An answer from memory is at most [Currency] old, never older than the
//     member's own last answer, and exact on request.
//   - Sold out is never said while a seat is free, as far as that age allows.
//
// # What it rests on
//
// Committed records are kept (three replicas with min.insync 2, or fsync on one
// machine), and every node runs the same rules. Both are checked at run time: a
// partition whose log or fold is not what it should be stops, says so, and
// answers [ErrStopped]; the others go on.
//
// # Where to read
//
// claim.go and flight.go are the life of one claim, top to bottom. node.go and
// partition.go follow the log; barrier.go says how new an answer is;
// admission.go, lease.go and batch.go stand at the gate; manage.go has the
// admin's verbs, schedule.go the clock's, cancel.go the member's other ones.
package engine
