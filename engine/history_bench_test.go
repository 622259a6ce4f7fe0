package engine

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"firstcome/engine/fold"
)

// BenchmarkHistory reads one member's history where there are 10,000 campaigns, of
// which none, or all but a hundred, are archived.
func BenchmarkHistory(b *testing.B) {
	for _, live := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("live=%d", live), func(b *testing.B) {
			const campaigns, partitions = 10_000, 16
			sealer, err := NewSealer([32]byte{1})
			if err != nil {
				b.Fatal(err)
			}
			n := &Node{sealer: sealer, log: slog.New(slog.DiscardHandler), booked: make([]atomic.Int64, partitions)}
			user, other := sealer.User("m"), sealer.User("o")
			for id := range int32(partitions) {
				p := newPartition(n, id)
				n.parts = append(n.parts, p)
				s, offset := fold.New(id), int64(0)
				add := func(r fold.Record) {
					value, err := fold.Encode(&r)
					if err == nil {
						_, err = s.Apply(offset, 1_772_420_400_000+offset, value)
					}
					if err != nil {
						b.Fatal(err)
					}
					offset++
				}
				add(fold.Record{Kind: fold.KindGenesis, Partitions: partitions})
				for i := int(id); i < campaigns; i += partitions {
					c := fmt.Sprintf("campaign-%d", i)
					add(fold.Record{Kind: fold.KindCampaign, Campaign: c, Actor: "a", Definition: &fold.Definition{Title: c, Kind: "event", Counting: "direct", Cap: 10}})
					add(fold.Record{Kind: fold.KindOpen, Campaign: c, Xv: 1, Actor: "a"})
					who := other
					if i%100 == 0 {
						who = user
					}
					add(fold.Record{Kind: fold.KindClaim, Campaign: c, User: who, Seen: offset})
					if i >= live {
						add(fold.Record{Kind: fold.KindClose, Campaign: c, Xv: 2, Actor: "a"})
						add(fold.Record{Kind: fold.KindArchive, Campaign: c, Xv: 3, Actor: "a"})
					}
				}
				p.install(s)
			}
			for b.Loop() {
				var out []Claim
				for _, p := range n.parts {
					out, _ = p.historyOf(out, user)
				}
				if want := live / 100; len(out) != want {
					b.Fatalf("%d claims of %d", len(out), want)
				}
			}
		})
	}
}
