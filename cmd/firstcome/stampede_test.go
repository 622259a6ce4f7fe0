package main

import (
	"fmt"
	"sync"
	"testing"
)

// stampede lets members claim twice each at the same moment, on two nodes, and
// holds the answers against the promises and the books.
func stampede(t *testing.T, id string, limit, members int, a, b *running) {
	t.Helper()
	answers := make([]reply, 2*members)
	var gate, all sync.WaitGroup
	gate.Add(1)
	for i := range answers {
		node := a
		if i%2 == 1 {
			node = b
		}
		token := node.token(fmt.Sprintf("m-%04d", i/2), "")
		all.Go(func() {
			gate.Wait()
			var err error
			for range 3 { // a header that comes later than 2 s, on a machine out of breath, ends its connection
				if answers[i], err = ask("POST", node.members+claims(id), token, ""); err == nil {
					return
				}
			}
			t.Errorf("member %d: %v", i/2, err)
		})
	}
	gate.Done()
	all.Wait()
	ranks := map[int64]int{}
	for i := range members {
		one, two := answers[2*i], answers[2*i+1]
		for _, r := range []reply{one, two} {
			if r.status != 200 && r.status != 201 && r.status != 409 {
				t.Fatalf("member %d is answered %d: %s", i, r.status, r.raw)
			}
		}
		won := one.status != 409
		if won != (two.status != 409) || one.number("rank") != two.number("rank") || one.status == 201 && two.status == 201 {
			t.Fatalf("member %d is told two things: %s and %s", i, one.raw, two.raw)
		}
		if won {
			ranks[one.number("rank")]++
		}
	}
	if len(ranks) != limit {
		t.Fatalf("%d grants, want %d", len(ranks), limit)
	}
	for rank := range int64(limit) {
		if ranks[rank+1] != 1 {
			t.Fatalf("rank %d is given %d times", rank+1, ranks[rank+1])
		}
	}
	a.balanced(id, int64(limit))
	b.balanced(id, int64(limit))
}
