package logtest

import (
	"sync"
	"testing"
	"time"

	"firstcome/engine"
)

// patience is how long a test waits for something that must happen.
const patience = 90 * time.Second

// Claim is what a batch said of a partition: who has its records knows
// everything before End as of At.
type Claim struct {
	End int64
	At  time.Time
	// Came is when the batch was delivered.
	Came time.Time
}

// Recorder is a sink that keeps everything. OnDeliver, when set, is called
// before a batch is kept and may block or return an error.
type Recorder struct {
	OnDeliver func(engine.Batch) error

	mu      sync.Mutex
	changed chan struct{}
	records map[int32][]engine.LogRecord
	claims  map[int32][]Claim
	lost    map[int32]error
	busy    map[int32]bool
	overlap bool
	after   bool // a call came for a partition that had ended
	ended   map[int32]bool
}

// NewRecorder returns an empty one.
func NewRecorder() *Recorder {
	return &Recorder{
		changed: make(chan struct{}), records: map[int32][]engine.LogRecord{}, claims: map[int32][]Claim{},
		lost: map[int32]error{}, busy: map[int32]bool{}, ended: map[int32]bool{},
	}
}

// Deliver keeps a batch.
func (r *Recorder) Deliver(b engine.Batch) error {
	r.mu.Lock()
	r.overlap = r.overlap || r.busy[b.Partition]
	r.after = r.after || r.ended[b.Partition]
	r.busy[b.Partition] = true
	r.mu.Unlock()
	var err error
	if r.OnDeliver != nil {
		err = r.OnDeliver(b)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy[b.Partition] = false
	if err != nil {
		r.ended[b.Partition] = true
	} else {
		r.records[b.Partition] = append(r.records[b.Partition], b.Records...)
		if !b.At.IsZero() {
			r.claims[b.Partition] = append(r.claims[b.Partition], Claim{End: b.End, At: b.At, Came: time.Now()})
		}
	}
	r.tell()
	return err
}

// Lost keeps the reason.
func (r *Recorder) Lost(partition int32, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after = r.after || r.ended[partition]
	r.ended[partition] = true
	r.lost[partition] = err
	r.tell()
}

// tell wakes who waits. The caller holds mu.
func (r *Recorder) tell() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// Records returns what was delivered of a partition.
func (r *Recorder) Records(partition int32) []engine.LogRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records[partition]
}

// Claims returns what the batches of a partition said.
func (r *Recorder) Claims(partition int32) []Claim {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.claims[partition]
}

// LostError returns why a partition was lost, or nil.
func (r *Recorder) LostError(partition int32) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost[partition]
}

// Ended says that a partition is lost or its sink returned an error.
func (r *Recorder) Ended(partition int32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended[partition]
}

// Await waits until the condition holds. It is looked at after each delivery.
func (r *Recorder) Await(t testing.TB, what string, condition func() bool) {
	t.Helper()
	if !r.reach(condition) {
		t.Fatalf("waited %s in vain for %s", patience, what)
	}
}

// reach waits until the condition holds, or says that it did not.
func (r *Recorder) reach(condition func() bool) bool {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if condition() {
			return true
		}
		select {
		case <-changed:
		case <-limit.C:
			return false
		}
	}
}

// AwaitRecords waits until a partition has n records.
func (r *Recorder) AwaitRecords(t testing.TB, partition int32, n int) {
	t.Helper()
	r.Await(t, "records", func() bool { return len(r.Records(partition)) >= n })
}

// CheckCalls fails when calls of one partition overlapped, or came after its end.
func (r *Recorder) CheckCalls(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.overlap {
		t.Error("two calls for one partition overlapped")
	}
	if r.after {
		t.Error("a partition that had ended was delivered")
	}
}
