package cache

import (
	"bytes"
	"fmt"
	"testing"
)

// A reader of a tape gets every byte in order, whichever block it is in; what
// was forgotten it is told of, and never given something else.
func TestATapeGivesWhatWasPutOnIt(t *testing.T) {
	var tp tape
	var all []byte
	first := int64(0) // of what must still be there
	for i := range 2000 {
		frame := fmt.Appendf(nil, "id: e-%d\ndata: %s\n\n", i, bytes.Repeat([]byte{byte('a' + i%26)}, i%100))
		tp.append(frame, fmt.Sprint("e-", i), false)
		all = append(all, frame...)
		first = max(first, int64(len(all))-blockSize)
		for _, pos := range []int64{first, int64(len(all) - len(frame)), int64(len(all))} {
			got, at := []byte(nil), pos
			for {
				data, ok := tp.read(at)
				if !ok {
					t.Fatalf("%d is not there of %d", at, len(all))
				}
				if len(data) == 0 {
					break
				}
				got, at = append(got, data...), at+int64(len(data))
			}
			if !bytes.Equal(got, all[pos:]) {
				t.Fatalf("from %d of %d: %q", pos, len(all), got)
			}
		}
	}
	end, id, _ := tp.tail()
	if end != int64(len(all)) || id != "e-1999" {
		t.Errorf("it ends at %d with %s", end, id)
	}
	for _, pos := range []int64{-1, 0, end + 1} {
		if data, ok := tp.read(pos); ok {
			t.Errorf("%d gives %q", pos, data)
		}
	}
	tp.wipe()
	if end, _, _ := tp.tail(); end != int64(len(all)) {
		t.Errorf("wiped, it ends at %d", end)
	}
}
