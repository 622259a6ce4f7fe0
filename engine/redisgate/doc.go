// Package redisgate is the gate in Redis: it fulfils engine.Gate, engine.Locker,
// engine.Counter and engine.TimeSource.
//
// # What is in Redis
//
// All keys of a campaign c share the hash tag {c}, so that a script touches one
// slot of a Redis Cluster. Nothing else may go between the braces: an id that is
// not ^[A-Za-z0-9_-]{1,64}$ is refused before it becomes part of a key.
//
//	fc:{c}:n            the INCR cap: places taken as far as Redis knows
//	fc:{c}:s            hash: what the newest fold reported (topic, off, used, room, open, at)
//	fc:{c}:l            hash: lease -> units
//	fc:{c}:x            sorted set: lease -> deadline in Redis' own time, ms
//	fc:{c}:t            hash: tallies, late numbers
//	fc:{c}:lk:<member>  a member's Redsync lock; other locks are fc:lk:<what>
//
// lease.lua moves the cap by INCRBY; flush.lua writes what a fold knows, absolute,
// and so repairs a flushed, failed over, expired or damaged Redis by itself. Losing
// all of Redis loses nothing: the fold decides.
//
// Keys expire: those of the gate 24 hours after the last flush or lease, tallies
// 90 days after the last addition, locks after seconds. It is safe because a missing
// key is a state that every call answers correctly: a lease without state says
// ErrGateEmpty, the caller goes on as if the gate were away, and the next flush
// writes everything anew. So an archived campaign leaves nothing behind.
//
// # How calls travel
//
// The driver's retries are off: go-redis runs a call again after a lost reply, and
// the caller cannot tell. So each call is sent once; an error may hide that it was
// carried out. Only answers that prove that nothing was carried out (NOSCRIPT, and
// MOVED or ASK in a cluster) are followed by another try.
//
// Leases and locks of many goroutines are brought together: while a round trip is
// under way, the next ones gather and leave as one pipeline (batch.go). Leases of the
// same node and campaign even become one script call for the sum of their wishes,
// which is the same as one after the other. A caller leaves at its context's end, even
// when Redis hangs.
//
// Nothing in here counts metrics in Lua, and no script is built from input: values go
// through KEYS and ARGV only.
package redisgate
