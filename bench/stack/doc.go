// Package stack starts the real services that firstcome runs on - Redis, three
// Sentinels, PostgreSQL, Apache Kafka - as child processes on free loopback
// ports, with their files in temporary folders. Tests and benchmarks use it to
// meet the real thing and to break it.
//
// Each service is started by one function and is a handle afterwards:
//
//	StartRedis      one server, or a replica of another
//	StartSentinels  a master, its replicas, three sentinels, quorum 2
//	StartPostgres   one cluster, fsync on, made by initdb as a user of its own
//	StartKafka      one broker, or three that replicate to one another
//	StartEmbedded   firstcome alone, everything inside
//	StartCluster    firstcome nodes on all of the above
//
// A handle can Stop (politely), Kill (SIGKILL), Pause (SIGSTOP, a frozen host),
// Resume and Restart its processes on the same port and files, and Close ends
// them and removes the files. A start that fails says why with the last lines
// of the process' own log.
//
// # In tests
//
// Redis, Postgres and Kafka hand out a part of a server that is started once
// per test process: a Redis database, a Postgres database, a topic name. They
// skip the test when the programs are missing, and fail it when
// FIRSTCOME_REQUIRE_SERVICES=1. Who breaks a service starts one for itself and
// asks NeedRedis, NeedPostgres or NeedKafka first. A package that uses the
// shared servers ends them in its TestMain:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(stack.Main(m)) }
//
// # What is promised
//
// Nothing outlives the process that started it: children get SIGKILL when
// their parent dies, however it dies, and the folders of dead parents are
// removed by the next one. Only own children are ever signalled. Nothing
// listens beyond 127.0.0.1, and services that the machine runs for itself are
// neither used nor disturbed.
//
// Programs are looked for in PATH and, for PostgreSQL, in
// /usr/lib/postgresql/*/bin; Kafka's jars in $FIRSTCOME_KAFKA_JARS or in the
// user's cache folder under firstcome/kafka-4.4.0. install.sh, called by "make
// test", brings what is missing. Services are started on Linux only.
package stack
