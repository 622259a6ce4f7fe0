// Package fold holds the rules of firstcome: a pure function from the records
// of one log partition to the state of its campaigns.
//
// [State.Apply] takes the next record and returns what it changed. It reads no
// clock, draws no chance, heeds no order of a map and does no I/O, so every node,
// the ledger and every later audit that reads the same prefix of the log come
// to the same answer, byte for byte. That is what makes a rank a fact: not a
// lock, not a counter in Redis, but the position of a record in the log.
//
// What holds after every record, and is tested against a second, naive fold:
//
//   - a hard cap is never exceeded by a grant; lowering it takes nothing away;
//   - a member has at most one active place in a campaign;
//   - ranks are 1, 2, 3 ... over all grants ever, tickets and events likewise;
//   - nobody waits while a place is free, unless the campaign is paused, or
//     closed with promotion ended;
//   - nobody who was told "no", or who cancelled, gets a place by a claim that
//     was under way at that time;
//   - every change of a campaign is a numbered [Transition], so that who keeps
//     those keeps the whole state, and [Restore] goes on from it as if it had
//     never stopped.
//
// One goroutine applies; the caller keeps readers out meanwhile.
//
// Read in this order: record.go (what can be said) with codec.go and wire.go
// (its bytes), state.go and campaign.go (what is known), apply.go (one record),
// claim.go and manage.go (the rules, one function each), waitlist.go,
// digest.go, snapshot.go.
//
// The rules have versions (rules.go), each pinned by testdata/*.golden. A log
// begins with the first; another rule is another version, and counts from an
// ACTIVATE record on, never before.
package fold
