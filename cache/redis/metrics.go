package redis

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	calls      *prometheus.CounterVec   // by call and result
	took       *prometheus.HistogramVec // by call
	up         prometheus.Gauge
	reconnects prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "firstcome_cache_redis_calls_total", Help: "Calls of the copies to Redis by call and result: ok, failed, refused (not sent: it was away a moment ago).",
		}, []string{"call", "result"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "firstcome_cache_redis_call_seconds", Help: "How long those calls took.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .15, .3},
		}, []string{"call"}),
		up: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "firstcome_cache_redis_up", Help: "1 while Redis answers the copies' calls.",
		}),
		reconnects: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "firstcome_cache_redis_bus_breaks_total", Help: "Connections that told of changes and ended.",
		}),
	}
	m.up.Set(1)
	if reg != nil {
		reg.MustRegister(m.calls, m.took, m.up, m.reconnects)
	}
	return m
}
