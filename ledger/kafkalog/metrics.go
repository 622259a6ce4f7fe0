package kafkalog

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the log. Two logs that share a registry share their metrics.
type metrics struct {
	appends   *prometheus.CounterVec // by result
	committed prometheus.Counter
	unknown   prometheus.Counter
	full      prometheus.Counter
	depth     prometheus.Gauge
	latency   prometheus.Histogram
	fetch     prometheus.Histogram
	records   prometheus.Counter
	failures  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	fast := prometheus.ExponentialBuckets(100e-6, 2, 17) // 0.1 ms to 6.5 s
	m := &metrics{
		appends: register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "firstcome_ledger_log_appends_total", Help: "Appends by result: committed, unknown (an error; reading back decides), full (refused).",
		}, []string{"result"})),
		depth: register(reg, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "firstcome_ledger_log_queue_depth", Help: "Appends under way.",
		})),
		latency: register(reg, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "firstcome_ledger_log_append_seconds", Help: "Time from an append to the brokers' answer.", Buckets: fast,
		})),
		fetch: register(reg, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "firstcome_ledger_log_fetch_seconds", Help: "Time of a fetch, waiting for records included.", Buckets: fast,
		})),
		records: register(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "firstcome_ledger_log_fetched_records_total", Help: "Records fetched, by all followers of this process.",
		})),
		failures: register(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "firstcome_ledger_log_fetch_failures_total", Help: "Fetches without an answer, and partitions that were refused.",
		})),
	}
	m.committed = m.appends.WithLabelValues("committed")
	m.unknown = m.appends.WithLabelValues("unknown")
	m.full = m.appends.WithLabelValues("full")
	return m
}

// appended books an answered append.
func (m *metrics) appended(took time.Duration, err error) {
	m.latency.Observe(took.Seconds())
	if err != nil {
		m.unknown.Inc()
		return
	}
	m.committed.Inc()
}

// register adds a collector, or returns the one that is there already.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	if reg == nil {
		return c
	}
	var there prometheus.AlreadyRegisteredError
	if err := reg.Register(c); errors.As(err, &there) {
		if old, ok := there.ExistingCollector.(C); ok {
			return old
		}
	}
	return c
}
