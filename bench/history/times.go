package history

import (
	"math"
	"sort"
	"time"
)

// times is what the history proves about when the records of one partition came
// to be. A record is not there before the request that caused it was sent, nor
// is any later one; and it is there when an answer that rests on it arrives, and
// so is any earlier one. So both bounds rise with the offset, and a search finds
// which states an answer can rest on.
type times struct {
	since  []time.Duration // not there before
	known  []time.Duration // there by then
	asked  []int32         // the operation that since is from, -1: none
	knower []int32         // and known
}

func newTimes(records int) *times {
	t := &times{make([]time.Duration, records), make([]time.Duration, records), make([]int32, records), make([]int32, records)}
	for i := range t.known {
		t.since[i], t.known[i] = math.MinInt64, math.MaxInt64
		t.asked[i], t.knower[i] = -1, -1
	}
	return t
}

// cause notes that a record is not older than an operation's call.
func (t *times) cause(offset int64, call time.Duration, op int32) {
	if call > t.since[offset] {
		t.since[offset], t.asked[offset] = call, op
	}
}

// proof notes that an answer rests on a record.
func (t *times) proof(offset int64, answered time.Duration, op int32) {
	if answered < t.known[offset] {
		t.known[offset], t.knower[offset] = answered, op
	}
}

// spread carries the bounds forwards and backwards over the log.
func (t *times) spread() {
	for i := 1; i < len(t.since); i++ {
		if t.since[i-1] > t.since[i] {
			t.since[i], t.asked[i] = t.since[i-1], t.asked[i-1]
		}
	}
	for i := len(t.known) - 2; i >= 0; i-- {
		if t.known[i+1] < t.known[i] {
			t.known[i], t.knower[i] = t.known[i+1], t.knower[i+1]
		}
	}
}

// newest is the newest record that can have been there at a moment, -1: none.
func (t *times) newest(at time.Duration) int64 {
	return int64(sort.Search(len(t.since), func(i int) bool { return t.since[i] > at })) - 1
}

// oldest is the newest record that everybody could know before a moment: who rests
// on an older state did not know what was known. -1: none.
func (t *times) oldest(at time.Duration) int64 {
	return int64(sort.Search(len(t.known), func(i int) bool { return t.known[i] >= at })) - 1
}
