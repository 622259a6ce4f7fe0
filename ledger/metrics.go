package ledger

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the ledger, as firstcome_ledger_*.
type metrics struct {
	rows      prometheus.Counter
	seconds   prometheus.Histogram
	failures  prometheus.Counter
	locksLost prometheus.Counter
	stopped   prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "firstcome", Subsystem: "ledger", Name: name, Help: help}
	}
	m := &metrics{
		rows:      prometheus.NewCounter(opts("rows_total", "Entries written to the book by this process.")),
		failures:  prometheus.NewCounter(opts("append_failures_total", "Batches that the book did not take at once; they are tried again.")),
		locksLost: prometheus.NewCounter(opts("locks_lost_total", "Times the writer's lock could not be extended; the cursor keeps writers apart.")),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "firstcome", Subsystem: "ledger", Name: "append_seconds",
			Help: "Time to write one batch.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}}),
		stopped: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "firstcome", Subsystem: "ledger", Name: "partitions_stopped", Help: "Partitions whose writing has stopped: a person must look."}),
	}
	reg.MustRegister(m.rows, m.failures, m.locksLost, m.seconds, m.stopped)
	return m
}

func (m *metrics) flushed(rows int, took time.Duration) {
	m.rows.Add(float64(rows))
	m.seconds.Observe(took.Seconds())
}
