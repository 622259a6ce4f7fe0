// Package sim plays the product's own engine, scheduler and ledger writer in a
// world of its making, in virtual time (testing/synctest), from one seed.
//
// A [Plan] says everything beforehand: how many nodes and people, which
// campaigns, what people and admins do when, and what breaks. [NewPlan] draws
// one from a seed; a plan may also be written by hand, or be an earlier one with
// steps left out.
//
//	journal.go   the log: delays, lost acknowledgements, late second copies, stamps that go back
//	redis.go     gate, locks, Redis' clock: honest, gone, wiped, failed over, stingy, lying
//	shelf.go     the ledger's tables with their constraints: failed and unanswered commits
//	host.go      the machine of one process: frozen, dead, cut off, slow
//	process.go   one run of one node: nothing of it is simulated
//	people.go    members who tap, tap twice, hang up, cancel, come back, look
//	admin.go     admins and operators
//	break.go     what breaks, and how it heals
//	settle.go    the healing, the last questions, the evidence
//
// [Run] plays a plan: when all steps are done the world is healed, everybody who
// was left in doubt asks again, all nodes and the ledger must come to the log's
// end, units of leases must come home. Then history.Judge holds every answer,
// the log, the folds, the ledger and the gate against the promises.
//
// What is not simulated: HTTP, the drivers and their servers. Those are broken
// for real by bench/fault and by the contract suites.
//
// The package compiles for wasip1, so that bench/hunt can play a plan where not
// even the order of goroutines is left to chance.
package sim
