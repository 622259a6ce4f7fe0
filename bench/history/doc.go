// Package history judges a run: what members and admins were told, held against
// what is left afterwards. Its own tests show that it catches what it should.
//
// There are two judges.
//
// [Judge] takes an [Evidence]: the history of all requests, the final log, each
// node's fold, the ledger, the gate, the streams. It folds the log anew by a
// model, the rules of protocol.md written a second time, and so would find a
// mistake in the product's own fold too, which it runs beside. From the history
// it derives when each record can have come to be and when it must have been
// there: so it knows, for every answer, at which states of the log it may rest,
// and that the answer must be true at one of them. It takes time and memory in
// proportion to the evidence; a million answers take seconds.
//
//	I1 cap          used <= cap at every prefix of the log, and in what was told
//	I2 one place    a member has one place, a grant one rank, and answers say so
//	I3 durability   what was answered is in the log, and is there first
//	I4 no phantom   every CLAIM and CANCEL is of a member who asked
//	I5 ranks        ranks, tickets and positions without a hole, promotions in order
//	I6 real time    who was answered before another asked comes first in the log
//	I7 early full   no refusal by a state older than 100 ms, than what the member
//	                knows from this node, or than the request with no-cache
//	I8 flip         granted stays granted without a CANCEL
//	I9 events       every reader hears events 1, 2, 3 ..., the same for all
//	I10 replicas    all folds have the same digest at the same offset
//	I11 ledger      the ledger is the fold, line by line, at the log's end
//	I12 liveness    after healing everybody has a final answer, all came to the end
//	I13 errors      no 5xx; 503 with Retry-After and 202 while the log is away
//	I14 gate        at rest the gate counts what is granted and waits, no lease is left
//	I15 ghost       who was told no, or cancelled, and asked for nothing since holds nothing
//
// An operation without an answer may have happened, or may yet, or never. A
// small history goes through porcupine as well.
//
// Read in this order: evidence.go and history.go (what is known), judge.go (the
// table of contents), model.go, course.go and rules.go (the log), times.go,
// prove.go and hear.go (which states an answer may rest on), claims.go and
// deeds.go (what each answer says).
//
// [Check] takes only answers and the lists at the end. It knows nothing of how
// the engine works, so it would catch any engine that breaks a promise. It judges
// runs in which nobody cancels and no cap is changed. Then a campaign that is
// full stays full, and every rule below is exact:
//
//	over-cap       more places granted than the cap
//	member-twice   a member with two places, or a place of a member who never asked
//	rank           ranks of the list are not 1, 2, 3 ... each once
//	lost           a grant that was answered is not in the list
//	moved          a member was told another rank than the list's, or two ranks
//	false-full     "sold out" although a seat was free: somebody who asked only
//	               after that answer got one, or seats are left at the end
//	unfair         a member asked after another had been answered, and ranks before
//	undecided      a member's last answer is no final one
//	error          an answer that no promise allows: 5xx, or a status out of place
package history
