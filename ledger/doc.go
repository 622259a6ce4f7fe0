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
//
// Every durable step is tried with two faults, it failed, and it succeeded and
// its reply was lost, on what a cluster and what a single node stands on:
//
//	step                    suite                in a cluster                                embedded
//	log append              logtest.RunFaults    kafkalog TestFaultsOnKafka, ...OnTheFake    locallog TestFaults
//	ledger commit           booktest.RunFaults   postgres TestFaults/commit                  sqlite TestFaults/commit
//	any request of a batch  booktest.RunFaults   postgres TestFaults/any_request...          sqlite TestFaults/any_request...
//	snapshot load           booktest.RunFaults   postgres TestFaults/snapshot_load           sqlite TestFaults/snapshot_load
//	migration               booktest.RunFaults   postgres TestFaults/migration               sqlite TestFaults/migration
//	gate lease, flush,      gatetest.RunFaults   redisgate TestFaultsRealRedis               redisgate TestFaultsInProcess
//	lock, extend, unlock
package ledger
