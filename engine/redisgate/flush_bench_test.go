package redisgate_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"firstcome/bench/stack"
	"firstcome/engine"
	"firstcome/engine/redisgate"
)

// BenchmarkFlush is one report of one campaign in a flush of 1 or 100 campaigns.
//
//	go test -run '^$' -bench Flush -cpu 2 ./engine/redisgate
func BenchmarkFlush(b *testing.B) {
	for _, place := range []struct {
		name string
		url  func(testing.TB) string
	}{
		{"real", func(tb testing.TB) string { return stack.Redis(tb).URL() }},
		{"inprocess", embedded},
	} {
		for _, campaigns := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/campaigns=%d", place.name, campaigns), func(b *testing.B) {
				benchFlush(b, redisgate.NewGate(connect(b, place.url(b))), campaigns)
			})
		}
	}
}

func benchFlush(b *testing.B, gate *redisgate.Gate, campaigns int) {
	var reports []engine.Report
	for i := range campaigns {
		reports = append(reports, engine.Report{Campaign: fmt.Sprint("c", i), Lease: "node", Held: 5, TTL: 10 * time.Second,
			Topic: "t", Used: 100, Room: 500, Open: true})
	}
	for i := 0; b.Loop(); i++ {
		if i%campaigns == 0 {
			if err := gate.Flush(context.Background(), reports); err != nil {
				b.Fatal(err)
			}
		}
	}
}
