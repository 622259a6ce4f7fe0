// Command bench plays a crowd against a real firstcome, audits every answer,
// and writes down what it measured.
//
//	go run ./cmd/bench noon
//	go run ./cmd/bench stampede --shape cluster --nodes 2
//	go run ./cmd/bench like --shape both --brokers 3
//
// It builds ./cmd/firstcome, starts it with everything it runs on as child
// processes, speaks to it by HTTP only, and leaves nothing running. Figures are
// shown and saved only when the audit is clean; otherwise the exit code is 1.
package main
