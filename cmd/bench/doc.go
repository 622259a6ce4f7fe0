// Command bench plays a crowd against a real firstcome, audits every answer,
// and writes down what it measured; it breaks what firstcome runs on, and plays
// the engines in a simulated world.
//
//	go run ./cmd/bench simulate -seeds 1000
//	go run ./cmd/bench faults -scenario R1 -seed 7
//	go run ./cmd/bench check evidence.jsonl.gz
//	go run ./cmd/bench noon
//	go run ./cmd/bench stampede --shape cluster --nodes 2
//	go run ./cmd/bench like --shape both --brokers 3
//	go run ./cmd/bench streams
//	go run ./cmd/bench watched --shape cluster
//
// It builds ./cmd/firstcome, starts it with everything it runs on as child
// processes, speaks to it by HTTP only, and leaves nothing running. Figures are
// shown and saved only when the audit is clean; otherwise the exit code is 1.
package main
