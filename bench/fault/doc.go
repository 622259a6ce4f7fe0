// Package fault breaks things on purpose. It runs firstcome as real processes on
// real Redis with Sentinels, Kafka and PostgreSQL, lets a crowd claim and cancel,
// kills, freezes, cuts, fills up and lies, mends everything, and has what is left
// judged (bench/history).
//
// A process that is killed on loopback loses nothing: the kernel still delivers
// what it had written. So there is a wire (Link) in front of every service, one
// for each node, and one in front of each Redis for its replicas and sentinels:
// a machine's death is a cut wire first, with what was under way lost, and a kill
// then. What sentinels and brokers say of where servers are is renamed on the
// way, so that a node never leaves its own wires.
//
//	Rig       the services and the wires; lives through many runs
//	Cast      the nodes of one run, with a topic and a database of their own
//	Workload  what members do: a seed draws it, step by step
//	crowd     sends the steps at a constant rate and keeps every answer
//	Scenario  one thing that goes wrong, a table entry and a function
//	Run       one play: lead, fault, mending, rest, evidence, verdict
//	Sheet     what many runs came to, as page, picture and data
//
// One seed decides members, nodes, delays and moments; the processes are real, so
// the same seed repeats the shape of a run and not each step.
package fault
