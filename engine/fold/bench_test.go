package fold_test

import (
	"encoding/binary"
	"testing"

	"firstcome/engine/fold"
)

// crowd is an open campaign, and claims of n members who all have seen it.
func crowd(tb testing.TB, n int, d fold.Definition) (*fold.State, [][]byte) {
	s := fold.New(0)
	for i, r := range []fold.Record{
		{Kind: fold.KindGenesis, Partitions: 1},
		{Kind: fold.KindCampaign, Campaign: club, Definition: &d},
		{Kind: fold.KindOpen, Campaign: club, Xv: 1},
	} {
		if _, err := s.Apply(int64(i), 1, encode(tb, r)); err != nil {
			tb.Fatal(err)
		}
	}
	sealed := make([]byte, 80)
	claims := make([][]byte, n)
	for i := range claims {
		r := fold.Record{Kind: fold.KindClaim, Campaign: club, Node: 1 << 60, Nr: uint64(i), Seen: 3, Wait: true, Sealed: sealed}
		binary.LittleEndian.PutUint64(r.User[:], uint64(i)*0x9e3779b97f4a7c15)
		claims[i] = encode(tb, r)
	}
	return s, claims
}

func applyAll(b *testing.B, s *fold.State, claims [][]byte) {
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if _, err := s.Apply(s.Next(), 1, claims[i%len(claims)]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkApplyClaims measures claims of ever new members, the map's growth
// included; a million at most, then repeats.
func BenchmarkApplyClaims(b *testing.B) {
	b.Run("granted", func(b *testing.B) {
		s, claims := crowd(b, min(b.N, 1_000_000), fold.Definition{Cap: fold.NoCap})
		applyAll(b, s, claims)
	})
	b.Run("waiting", func(b *testing.B) {
		s, claims := crowd(b, min(b.N, 1_000_000), fold.Definition{WaitlistCap: 1 << 40})
		applyAll(b, s, claims)
	})
	b.Run("full", func(b *testing.B) {
		s, claims := crowd(b, 10_000, fold.Definition{})
		applyAll(b, s, claims)
	})
	b.Run("duplicate", func(b *testing.B) {
		s, claims := crowd(b, 10_000, fold.Definition{Cap: fold.NoCap})
		for _, claim := range claims {
			s.Apply(s.Next(), 1, claim)
		}
		applyAll(b, s, claims)
	})
}

func BenchmarkEncodeClaim(b *testing.B) {
	r := fold.Record{Kind: fold.KindClaim, Campaign: "summer-festival-2026", Node: 1 << 60, Nr: 1 << 20, Seen: 1 << 30, Sealed: make([]byte, 80)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fold.Encode(&r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDigest(b *testing.B) {
	s, _ := crowd(b, 0, fold.Definition{})
	b.ReportAllocs()
	for b.Loop() {
		s.Digest()
	}
}

// A stampede must not become the garbage collector's: a claim that changes
// nothing allocates nothing.
func TestRefusedAndRepeatedClaimsAllocateNothing(t *testing.T) {
	s, claims := crowd(t, 2, fold.Definition{Cap: 1})
	s.Apply(s.Next(), 1, claims[0])
	for i, want := range []fold.Verdict{fold.ClaimDuplicate, fold.ClaimFull} {
		allocs := testing.AllocsPerRun(100, func() {
			if st, err := s.Apply(s.Next(), 1, claims[i]); err != nil || st.Verdict != want {
				t.Fatal(st, err)
			}
		})
		if allocs > 0 {
			t.Errorf("%v: %v allocations", want, allocs)
		}
	}
}
