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
//     (TestStaleIfError); what was not is refused beyond a bulkhead, so that the ledger
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
package cache
