// Package fold holds the rules of firstcome: a pure function from the records
// of one log partition to the state of its campaigns.
//
// [State.Apply] takes the next record and returns what it changed. It reads no
// clock, draws no chance, iterates over no map and does no I/O, so every node,
// the ledger and every later audit that reads the same prefix of the log come
// to the same answer, byte for byte. That is what makes a rank a fact: not a
// lock, not a counter in Redis, but the position of a record in the log.
//
// Read in this order: record.go (what can be said), state.go (what is known),
// apply.go (the rules), waitlist.go, digest.go, snapshot.go.
package fold
