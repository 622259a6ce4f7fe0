package logtest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"firstcome/engine"
)

// Answers books the appends of a test: which were taken, and when which was
// acknowledged. Values must be unique.
type Answers struct {
	mu     sync.Mutex
	taken  map[int32][]string // in the order of the calls
	acked  map[string]time.Time
	calls  map[string]int
	signal chan struct{}
}

// NewAnswers returns an empty book.
func NewAnswers() *Answers {
	return &Answers{taken: map[int32][]string{}, acked: map[string]time.Time{}, calls: map[string]int{}, signal: make(chan struct{}, 1)}
}

// Append appends and books. The order of the book is that of the log only when
// one goroutine appends to the partition.
func (a *Answers) Append(log engine.Log, partition int32, value string) error {
	err := log.Append(partition, "campaign", []byte(value), func(err error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.calls[value]++
		if err == nil {
			a.acked[value] = time.Now()
		}
		select {
		case a.signal <- struct{}{}:
		default:
		}
	})
	if err == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.taken[partition] = append(a.taken[partition], value)
	}
	return err
}

// Await waits until every append that was taken has been answered.
func (a *Answers) Await(t testing.TB) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for !a.complete() {
		select {
		case <-a.signal:
		case <-limit.C:
			t.Fatalf("waited %s in vain for every append to be answered", patience)
		}
	}
}

func (a *Answers) complete() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, values := range a.taken {
		n += len(values)
	}
	return len(a.calls) == n
}

// Taken returns the values of a partition in the order of the calls.
func (a *Answers) Taken(partition int32) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.taken[partition])
}

// CheckOnce fails when an append was answered more than once.
func (a *Answers) CheckOnce(t testing.TB) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for value, n := range a.calls {
		if n != 1 {
			t.Errorf("append %q was answered %d times", value, n)
		}
	}
}

// CheckKept fails when an acknowledged append is not among the records.
func (a *Answers) CheckKept(t testing.TB, records ...[]engine.LogRecord) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	there := map[string]bool{}
	for _, recs := range records {
		for _, r := range recs {
			there[string(r.Value)] = true
		}
	}
	for value := range a.acked {
		if !there[value] {
			t.Errorf("append %q was acknowledged and is not in the log", value)
		}
	}
}

// CheckClaims fails when a claim says that a partition is known as of a moment
// although a record that had been acknowledged by then lies at or behind its end.
func (a *Answers) CheckClaims(t testing.TB, records []engine.LogRecord, claims []Claim) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	type ack struct {
		at     time.Time
		offset int64
	}
	var acks []ack
	for _, r := range records {
		if at, ok := a.acked[string(r.Value)]; ok {
			acks = append(acks, ack{at, r.Offset})
		}
	}
	slices.SortFunc(acks, func(x, y ack) int { return x.at.Compare(y.at) })
	claims = slices.Clone(claims)
	slices.SortFunc(claims, func(x, y Claim) int { return x.At.Compare(y.At) })
	highest, i := int64(-1), 0
	for _, c := range claims {
		for ; i < len(acks) && acks[i].at.Before(c.At); i++ {
			highest = max(highest, acks[i].offset)
		}
		if c.End <= highest {
			t.Errorf("a batch said that the log ended at %d, but offset %d had been acknowledged before", c.End, highest)
			return
		}
	}
}

// CheckDense fails when offsets are not dense from the given one on, or times go back.
func CheckDense(t testing.TB, from int64, records []engine.LogRecord) {
	t.Helper()
	last := int64(0)
	for i, r := range records {
		if r.Offset != from+int64(i) {
			t.Fatalf("record %d has offset %d, want %d", i, r.Offset, from+int64(i))
		}
		if r.At < last {
			t.Fatalf("time goes back at offset %d: %d after %d", r.Offset, r.At, last)
		}
		last = r.At
	}
}

// CheckValues fails when the records' values are not the wanted ones in order.
func CheckValues(t testing.TB, want []string, records []engine.LogRecord) {
	t.Helper()
	if len(records) != len(want) {
		t.Fatalf("got %d records, want %d", len(records), len(want))
	}
	for i, r := range records {
		if string(r.Value) != want[i] {
			t.Fatalf("record %d is %q, want %q", i, r.Value, want[i])
		}
	}
}

// Values makes n values that are unique within a test.
func Values(prefix string, n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("%s-%d", prefix, i)
	}
	return values
}

// Committed returns how many acknowledged appends a registry has counted.
func Committed(t testing.TB, reg prometheus.Gatherer) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "firstcome_ledger_log_appends_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			if m.GetLabel()[0].GetValue() == "committed" {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}
