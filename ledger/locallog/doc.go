// Package locallog is the decision log in one SQLite file: what a single node
// uses when no Kafka is given.
//
// It keeps the promises of [firstcome/engine.Log] as follows.
//
//   - Durable: appends that arrive together are written in one transaction
//     (group commit) with the write-ahead log and synchronous=FULL. An append is
//     acknowledged, and shown to followers, only after that commit.
//   - One writer: the file is held with SQLite's exclusive lock for as long as
//     the log is open. A second process is refused and told which file it is.
//   - Fail stop: after a failed commit nobody knows what the disk holds, so
//     nothing more is accepted and every follower is told that the log is lost.
//     A restart reads what is really there.
//   - Never skipped: every record carries a checksum over its place, time and
//     bytes, and offsets are dense. Both are checked as records are read, and
//     what nobody reads is looked at soon after the start (lookback.go); damage
//     stops the partition with its place named.
//   - Never cut short: SQLite treats a damaged write-ahead log as one that ended
//     earlier. A small file beside the log (".ends", see ends.go) remembers how
//     far each partition had come, so that a missing tail is noticed at the start.
//
// Followers read what was just committed from memory and older records from the
// file. Read in this order: log.go, append.go, follow.go, recent.go, file.go,
// ends.go, lookback.go.
package locallog
