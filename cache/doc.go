// Package cache holds copies: fast answers and live news. Everything in it could be
// thrown away and made again; losing it makes answers slower, never wrong.
//
// What is the same for everybody is answered by a [Reader]: from memory, else from
// Redis, else from its source, which one caller per value and node asks while the others
// wait. Campaigns need no copy: every node has the fold in memory. What belongs to one
// member and is not in the fold, the places in archived campaigns, is a compact record in
// Redis: [History].
//
// What holds, each with the test that holds it:
//
//   - A reader never answers an older value after a newer one, however late messages,
//     Redis or the source are (TestNeverOlder). Values carry versions; Redis keeps the
//     higher one (keep.lua), and memory remembers how new a value is known to be.
//   - A change is on every node as soon as a message is there, and within 5 s when it was
//     lost: no copy lives longer (TestALostMessageIsHealedWithin5s).
//   - 5,000 simultaneous first reads ask the source once a node
//     (TestColdStampedeAsksTheSourceOnce). "There is none" is kept like any value.
//   - A hot value costs Redis at most one call a second and node
//     (TestHotReadsLeaveRedisAlone).
//   - When Redis and the source are away, what was read stays readable for minutes
//     (TestStaleIfError), and a source that hangs holds up one read a second for 100 ms
//     (TestStaleIfSlow); what was not read is refused beyond a bulkhead, so that the ledger
//     never gets the full load (TestColdReadsAreBounded).
//   - A member's history is never older than the folds of the node that tells it
//     (TestHistoryIsNeverOlderThanTheFolds); it costs 16 bytes a grant
//     (TestAGrantIs16Bytes), and the ledger one read for each archiving, whoever asks
//     (TestHistoryIsReadOnceAndAppended).
//   - Whatever is kept is of a kind in keys.go, which says for whom it is, how long it
//     lives and how large it may be; nothing else compiles to a [Key].
//
// [Feed] is the live news of every campaign, for those who watch. It is fed by the fold
// and asks neither Redis nor the ledger.
//
// On a node that follows no log a [Receiver] feeds it: a [Relay] on one of the nodes that
// do tells each campaign's account over a channel of its own, at most once, and keeps it
// beside. Nobody remembers what was told. Every message says behind which event it begins,
// nearly always the first; where something is missing, or a connection is new, or a
// campaign has been silent for 5 s, the kept account heals it. So:
//
//   - Whatever is lost, doubled, late, or gone with a master of Redis, a watcher sees no
//     hole and no overlap, misses no status and no cap, and ends where the log does
//     (TestReceiversHealWhateverIsLost, TestReceiversRideThroughAFailover).
//   - Only what is watched comes to a node (TestANodeIsTold counts the rest: 0), and an
//     open stream costs Redis nothing.
//   - A member is told of changes of its claim that happen while it watches; how the claim
//     stands when it comes, and its position in a waiting list as others leave, nobody
//     tells there: that is asked of a node with the role api. When a relay dies, the
//     claims of up to 3 s are not told at all; the counts of that time come late, not wrong.
//
// The log is the default. It is faster (p50 27 ms instead of 44 from the record to the
// client, merging included), needs no relay and tells claims whole. Redis pays where
// stream nodes are many or small and each shows a few campaigns of many: with 2,000
// watchers of ten campaigns a node took 11.3 s of CPU for a million deliveries instead of
// 20.8, with one of fifty busy campaigns watched it read 2 KiB/s instead of 152 and used
// 1 % of a core instead of 7. The nodes that decide pay with about four commands of Redis
// for each campaign that changes, every 25 ms at most. (2026-11-25, 2 cores shared with
// everything else; go run ./cmd/bench watched --shape cluster --stream-nodes 2
// --stream-source redis --members 300 --rate 200.)
package cache
