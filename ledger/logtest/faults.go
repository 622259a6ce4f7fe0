package logtest

import (
	"testing"

	"firstcome/engine/wiretest"
)

// Faulty is a log whose next append can be made to go wrong.
type Faulty struct {
	// Open opens the log; again, when it was closed, the same one.
	Open Opener
	// Strike lets the next append fail, or be carried out without an answer.
	Strike func(log Log, fault wiretest.Fault)
	// Struck reports whether that has happened.
	Struck func() bool
	// Stops: a log that does not know what its disk holds takes nothing more
	// until it is opened again.
	Stops bool
}

// RunFaults lets appends go wrong in both ways and holds the log against what it
// promises then: what was acknowledged is there once; what was not is there
// once when it was carried out, never when it failed; everything stays dense
// and in order, and the log goes on, at the latest when it is opened again.
func RunFaults(t *testing.T, fresh func(t *testing.T) Faulty) {
	for _, fault := range wiretest.Faults {
		t.Run("append/"+fault.String(), func(t *testing.T) { testFault(t, fresh(t), fault) })
	}
}

func testFault(t *testing.T, f Faulty, fault wiretest.Fault) {
	log := open(t, f.Open, 0)
	before := fill(t, log, 5)
	f.Strike(log, fault)
	struck := NewAnswers()
	for _, v := range Values("struck", 3) {
		if err := struck.Append(log, 1, v); err != nil {
			t.Fatal(err)
		}
		struck.Await(t)
		if f.Struck() {
			break // what comes after it is another story
		}
	}
	if !f.Struck() {
		t.Fatal("the fault never came")
	}
	if f.Stops {
		if err := log.Append(1, "c", []byte("refused"), func(error) {}); err == nil {
			t.Error("a log that does not know what it holds took an append")
		}
		_ = shut(t, log) // its error is the fault's
		log = open(t, f.Open, 0)
	}
	after := NewAnswers()
	for _, v := range Values("after", 5) {
		if err := after.Append(log, 1, v); err != nil {
			t.Fatal(err)
		}
	}
	after.Await(t)
	readBack(t, log, fault, before, struck, after)
}

// readBack reads partition 1 and holds it against the answers.
func readBack(t *testing.T, log Log, fault wiretest.Fault, before, struck, after *Answers) {
	t.Helper()
	want := before.Taken(1)
	for _, v := range struck.Taken(1) {
		if struck.wasAcked(v) || fault == wiretest.ReplyLost {
			want = append(want, v)
		}
	}
	want = append(want, after.Taken(1)...)
	r := NewRecorder()
	follow(t, log, all(0), r)
	for p := range int32(Partitions) {
		r.AwaitRecords(t, p, len(before.Taken(p)))
	}
	r.AwaitRecords(t, 1, len(want))
	_, _, ends, err := log.Describe(t.Context())
	if err != nil || ends[1] != int64(len(want)) {
		t.Errorf("the log ends at %v (%v), want %d", ends, err, len(want))
	}
	CheckDense(t, 0, r.Records(1))
	CheckValues(t, want, r.Records(1))
	for i, a := range []*Answers{before, struck, after} {
		a.CheckOnce(t)
		a.CheckKept(t, r.Records(0), r.Records(1), r.Records(2), r.Records(3))
		if i != 1 && len(a.acked) != len(a.calls) {
			t.Errorf("%d of %d sound appends were acknowledged", len(a.acked), len(a.calls))
		}
	}
	r.CheckCalls(t)
}

// wasAcked says whether an append was answered with success.
func (a *Answers) wasAcked(value string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.acked[value]
	return ok
}
