package fold_test

import (
	"errors"
	"testing"

	"firstcome/engine/fold"
)

func encode(t testing.TB, r fold.Record) []byte {
	t.Helper()
	b, err := fold.Encode(&r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// stops expects an error that leaves the state as it was.
func stops(t *testing.T, s *fold.State, offset int64, value []byte, want error) {
	t.Helper()
	next, digest := s.Next(), s.Digest()
	if _, err := s.Apply(offset, 1, value); !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
	if s.Next() != next || s.Digest() != digest {
		t.Fatal("the error changed the state")
	}
}

func TestFirstRecordIsGenesis(t *testing.T) {
	for name, value := range map[string][]byte{
		"noop": encode(t, fold.Record{Kind: fold.KindNoop}), "nothing": nil, "rubbish": {1, 1, 2},
	} {
		t.Run(name, func(t *testing.T) { stops(t, fold.New(0), 0, value, fold.ErrGenesis) })
	}
}

func TestGenesisOfAnotherLogStops(t *testing.T) {
	genesis := fold.Record{Kind: fold.KindGenesis, Cluster: [16]byte{1}, Partitions: 4}
	s := fold.New(3)
	if st, err := s.Apply(0, 5, encode(t, genesis)); err != nil || st.Verdict != fold.Done {
		t.Fatal(st, err)
	}
	if got := s.Genesis(); got != (fold.Genesis{Cluster: [16]byte{1}, Partitions: 4}) {
		t.Fatalf("got %+v", got)
	}
	if st, err := s.Apply(1, 5, encode(t, genesis)); err != nil || st.Verdict != fold.NoEffect {
		t.Fatal(st, err)
	}
	for _, other := range []fold.Record{
		{Kind: fold.KindGenesis, Cluster: [16]byte{2}, Partitions: 4},
		{Kind: fold.KindGenesis, Cluster: [16]byte{1}, Partitions: 5},
	} {
		stops(t, s, 2, encode(t, other), fold.ErrGenesis)
	}
	stops(t, fold.New(4), 0, encode(t, genesis), fold.ErrGenesis)
}

func TestGapStops(t *testing.T) {
	l := newTape(t)
	noop := encode(t, fold.Record{Kind: fold.KindNoop})
	for _, offset := range []int64{-1, 0, 2} {
		stops(t, l.state, offset, noop, fold.ErrGap)
	}
}

func TestUnknownKindOrVersionStops(t *testing.T) {
	l := newTape(t)
	noop := encode(t, fold.Record{Kind: fold.KindNoop})
	for _, change := range []func(b []byte){
		func(b []byte) { b[0] = fold.Encoding + 1 },
		func(b []byte) { b[0] = 255 },
		func(b []byte) { b[1] = byte(fold.KindActivate) + 1 },
		func(b []byte) { b[1] = 0 },
	} {
		value := append([]byte(nil), noop...)
		change(value)
		stops(t, l.state, 1, value, fold.ErrUnknown)
	}
	stops(t, l.state, 1, []byte{fold.Encoding + 1}, fold.ErrUnknown)
	stops(t, l.state, 1, append([]byte{fold.Encoding + 1}, make([]byte, fold.MaxRecord)...), fold.ErrUnknown)
}

func TestMalformedIsInvalidAndTakesItsOffset(t *testing.T) {
	l := newTape(t)
	for i, value := range [][]byte{nil, {}, {0}, {1}, {0, 16}, {1, 16}, make([]byte, 100), append([]byte{1, 16}, make([]byte, fold.MaxRecord)...)} {
		st, err := l.state.Apply(l.state.Next(), 1, value)
		if err != nil || st.Verdict != fold.Invalid || len(st.Transitions) != 0 || st.Record.Kind != 0 {
			t.Fatalf("%d: got %+v, %v", i, st, err)
		}
	}
	if l.state.Next() != 9 || l.state.Rows() != 0 {
		t.Fatal("each takes one offset and nothing else")
	}
}

func TestTimeNeverGoesBack(t *testing.T) {
	l := newTape(t)
	noop := encode(t, fold.Record{Kind: fold.KindNoop})
	for i, at := range []struct{ log, want int64 }{{50, 50}, {20, 50}, {-9, 50}, {51, 51}} {
		st, err := l.state.Apply(int64(i)+1, at.log, noop)
		if err != nil || st.At != at.want || l.state.LastAt() != at.want {
			t.Fatalf("got %+v, %v, want %d", st, err, at.want)
		}
	}
	digest := l.state.Digest()
	l.state.Apply(5, 99, noop)
	if l.state.Digest() == digest {
		t.Fatal("time and offset are in the digest")
	}
}

func TestActivate(t *testing.T) {
	l := newTape(t)
	l.activate(fold.NoEffect, 0)
	l.activate(fold.NoEffect, fold.First)
	l.activate(fold.Done, fold.Version)
	l.activate(fold.NoEffect, fold.Version)
	l.activate(fold.NoEffect, fold.First)
	stops(t, l.state, 6, encode(t, fold.Record{Kind: fold.KindActivate, Activate: fold.Version + 1}), fold.ErrUnknown)
	if l.state.Version() != fold.Version {
		t.Fatal("the version changed")
	}
}

func TestBeacon(t *testing.T) {
	l := newTape(t)
	l.create(fold.Definition{Cap: fold.NoCap})
	own := map[int64]uint64{}
	for l.state.Next() <= 9*fold.BeaconEvery {
		l.append(fold.Record{Kind: fold.KindNoop})
		if next := l.state.Next(); next%fold.BeaconEvery == 0 {
			own[next] = l.state.Digest()
		}
	}
	beacon := func(v fold.Verdict, mark int64, digest uint64) {
		t.Helper()
		l.want(v, fold.Record{Kind: fold.KindBeacon, Mark: mark, Digest: digest})
	}
	for mark := int64(2); mark <= 9; mark++ {
		beacon(fold.NoEffect, mark*fold.BeaconEvery, own[mark*fold.BeaconEvery])
		beacon(fold.Diverged, mark*fold.BeaconEvery, own[mark*fold.BeaconEvery]+1)
	}
	beacon(fold.NoEffect, fold.BeaconEvery, 1) // older than what is remembered
	beacon(fold.NoEffect, 12345, 1)
	beacon(fold.NoEffect, 0, 1)
}

func TestPartitionOfAnID(t *testing.T) {
	// Pinned: a campaign's partition is its own for ever. xxhash64("a") is d24ec4f1a98c6e5b.
	for id, want := range map[string]int32{"club": 12, "a": 11, "summer-festival-2026": 10} {
		if got := fold.Partition(id, 16); got != want {
			t.Errorf("%s: got %d, want %d", id, got, want)
		}
	}
}
