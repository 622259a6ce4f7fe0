package fold_test

import (
	"testing"

	"firstcome/engine/fold"
)

// FuzzApply feeds any records at all: nothing panics, every promise holds, and
// a second fold comes to the same.
func FuzzApply(f *testing.F) {
	for _, play := range []func(*tape){playNoon, playGhosts, playAdmin, second(playAdmin), second(playSame(fold.NoEffect)), playActivated} {
		f.Add(flatten(f, play))
	}
	f.Add([]byte{3, 1, 11, 0})
	f.Fuzz(func(t *testing.T, input []byte) {
		values := split(input)
		first := apply(t, values, true)
		if second := apply(t, values, false); first.Digest() != second.Digest() {
			t.Fatalf("%x and %x", first.Digest(), second.Digest())
		}
	})
}

func apply(t *testing.T, values [][]byte, look bool) *fold.State {
	s, a := fold.New(0), newAudit()
	for _, value := range values {
		st, err := s.Apply(s.Next(), s.Next(), value)
		if err != nil {
			return s
		}
		if look {
			if err := a.look(s, st); err != nil {
				t.Fatalf("%x at %d: %v", value, st.Offset, err)
			}
		}
	}
	return s
}

// flatten writes a played log as one input: each record behind its length.
func flatten(f *testing.F, play func(*tape)) (input []byte) {
	l := newTape(f)
	play(l)
	for _, value := range l.values {
		if len(value) > 255 {
			f.Fatal("a seed record is too long for its length byte")
		}
		input = append(append(input, byte(len(value))), value...)
	}
	return input
}

func split(input []byte) (values [][]byte) {
	for len(input) > 0 {
		n := min(int(input[0]), len(input)-1)
		values = append(values, input[1:1+n])
		input = input[1+n:]
	}
	return values
}
