package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Sample is one answered request.
type Sample struct {
	Kind    int           // which call, by the caller's numbers
	Latency time.Duration // from when it was sent, or in an open loop from when it was due
}

// Histogram counts latencies from 1 us to 60 s with 3 significant digits.
// Longer ones count as 60 s.
type Histogram struct{ *hdrhistogram.Histogram }

const longest = int64(60_000_000) // us

// NewHistogram returns an empty histogram.
func NewHistogram() *Histogram {
	return &Histogram{hdrhistogram.New(1, longest, 3)}
}

// Add counts one latency.
func (h *Histogram) Add(d time.Duration) {
	_ = h.RecordValue(min(max(d.Microseconds(), 1), longest)) // always in range
}

// Quantile returns the latency that a share q of all did not exceed.
func (h *Histogram) Quantile(q float64) time.Duration {
	return time.Duration(h.ValueAtQuantile(q*100)) * time.Microsecond
}

// Average returns the mean latency.
func (h *Histogram) Average() time.Duration {
	return time.Duration(h.Mean() * float64(time.Microsecond))
}

// Longest returns the largest latency.
func (h *Histogram) Longest() time.Duration {
	return time.Duration(h.Max()) * time.Microsecond
}
