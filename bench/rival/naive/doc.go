// Command naive is firstcome as people build it from articles: Redis decides
// in a Lua script behind a Redsync lock, the answer goes out, a record goes
// through Kafka, and a consumer group writes it to Postgres. It is honest and
// well made within that idea, and without faults it keeps every promise. It is
// here for two reasons: as the rival that a user would pick instead, and as an
// engine that is known to be bad, which the judges of a run must catch.
//
// It stands behind firstcome's own doors, so whatever can talk to the one can
// talk to the other: the same verbs (serve, token), the same FIRSTCOME_LISTEN,
// ADMIN_LISTEN, REDIS, POSTGRES, KAFKA, KAFKA_TOPIC, KAFKA_REPLICATION, SECRET,
// JWT_KEY and LOG_LEVEL. Forms and eligibility are taken and not checked, a definition is
// not validated, there is no audit trail and no X-Log-Offset.
//
// NAIVE_VARIANT chooses how it is wrong; each variant in one way:
//
//	redis-decides   (default) what Redis forgets is given again
//	fence           a master other than the one that was loaded refuses until
//	                the places are loaded from Postgres anew; what is decided
//	                and not in Kafka yet is given again
//	answer-on-ack   redis-decides that answers when Kafka has the record: what
//	                was answered is in the log, in an order that Redis made up
//	conflict        redis-decides whose book has no cursor: ON CONFLICT DO
//	                NOTHING, and counters that a record read twice counts twice
//
// It is built with -tags badengine only: see rival.BuildNaive.
package main
