package locallog

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the log. Two logs that share a registry share their metrics.
type metrics struct {
	appended *prometheus.CounterVec // by result
	full     prometheus.Counter
	depth    prometheus.Gauge
	wait     prometheus.Histogram
	flush    prometheus.Histogram
	batch    prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	fast := prometheus.ExponentialBuckets(50e-6, 2, 16) // 50 us to 1.6 s
	m := &metrics{
		appended: register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "firstcome_ledger_log_appends_total", Help: "Appends by result: committed, unknown (an error; reading back decides), full (refused).",
		}, []string{"result"})),
		depth: register(reg, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "firstcome_ledger_log_queue_depth", Help: "Appends under way.",
		})),
		wait: register(reg, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "firstcome_ledger_log_queue_wait_seconds", Help: "Age of the oldest append when its commit begins.", Buckets: fast,
		})),
		flush: register(reg, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "firstcome_ledger_log_flush_seconds", Help: "Time of one commit.", Buckets: fast,
		})),
		batch: register(reg, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "firstcome_ledger_log_flush_records", Help: "Records of one commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 13),
		})),
	}
	m.full = m.appended.WithLabelValues("full")
	return m
}

// count books n answered appends.
func (m *metrics) count(n int, err error) {
	result := "committed"
	if err != nil {
		result = "unknown"
	}
	m.appended.WithLabelValues(result).Add(float64(n))
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
