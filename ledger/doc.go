// Package ledger remembers: every grant, once, in order, for good.
//
// The log decides; this room follows it at the rate that the database can bear
// and writes down what was decided. [Writer] reads the log with a fold of its
// own, reduces each batch to final rows ([Batch]), waits for its turn
// ([Throttle]) and gives the batch to a [Book], which writes rows and cursor in
// one transaction: exactly once, whatever crashes, because the cursor moves by
// compare-and-set. [Audit] holds log, gate and book against each other.
//
// The book holds the whole state of the fold, so that a node can start from it
// and the tail of the log; digests are compared when it is loaded.
//
// Children: postgres and sqlite are books; kafkalog and locallog are logs;
// booktest and logtest are what every book and every log must pass.
package ledger
