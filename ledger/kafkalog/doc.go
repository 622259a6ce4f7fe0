// Package kafkalog is the decision log on Kafka, by franz-go. It moves bytes
// and knows no record. It needs brokers of version 3.1 or newer (topic ids in
// fetches).
//
// # Writing
//
// One client with an idempotent producer that waits for all replicas in sync.
// Every append goes to the partition that the caller names, with no request's
// context: franz-go fails a whole partition's buffer when its first record is
// cancelled. The number and bytes of appends under way are bounded; beyond the
// bound Append says ErrLogFull. A producer's error says nothing about absence,
// and its success is not needed: reading back decides.
//
// # Reading, and what a follower may believe
//
// A follower must know how old its knowledge is. franz-go's consumer hides
// empty answers, and with them the high watermark, so Follow sends its own
// fetches over a franz-go client: one loop per broker, each fetch naming every
// partition that broker leads. The answer carries, per partition, records and
// the high watermark, and [firstcome/engine.Batch] passes both on: who has
// applied all records before End knows the partition as of At. At is the time
// when the fetch was sent, because the broker looked at its watermark later
// than that. It holds because of four rules:
//
//   - A fetch names the leader epoch it believes in, and the broker refuses
//     another. Epochs never go back, so an answer of an earlier leader is dropped.
//   - A new leader's watermark may at first lie below what its predecessor had
//     acknowledged. Nothing is claimed of an epoch until the leader has answered
//     ListOffsets in it, which Kafka refuses until the watermark has reached the
//     epoch's start (KIP-207).
//   - Whatever is not an answer without error claims nothing: At goes stale.
//   - End and At travel behind the records of the answer that brought them, in
//     the same queue: nothing buffered here counts as known.
//
// One thing Kafka does not give: a leader that was deposed and does not know it
// yet (cut off from the controller, or just woken) may answer with its old
// watermark. Metadata is asked for twice a second, and at once after an answer
// that came late, so such a claim is wrong for about a second at most. It can
// show an older state, never a wrong grant; a barrier (protocol 4.2) is exact.
//
// # Losing
//
// A partition is lost, for good, when what it holds contradicts what was read:
// an offset that is not the next one, a log that starts behind or ends before
// the wanted offset, a history that diverged (the epoch of the last record read
// rides in every fetch), a record that stays unreadable, another topic id. A
// broker that is away is no loss: it is asked again every 50 ms, for ever.
//
// Read in this order: log.go, append.go, topic.go, follow.go, fetch.go, answer.go, tail.go.
package kafkalog
