package engine

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the engine, as firstcome_engine_*. Labels come from closed sets.
type metrics struct {
	claims       [Superseded + 1]prometheus.Counter // by outcome; 0: errors
	claimSeconds prometheus.Histogram
	appends      prometheus.Counter
	appendErrors prometheus.Counter
	applied      prometheus.Counter
	malformed    prometheus.Counter
	barriers     prometheus.Counter
	gateErrors   prometheus.Counter
	halted       prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "firstcome", Subsystem: "engine", Name: name, Help: help})
		reg.MustRegister(c)
		return c
	}
	m := &metrics{
		appends:      counter("appends_total", "Records sent to the log."),
		appendErrors: counter("append_errors_total", "Appends whose producer reported an error; the record may be in the log all the same."),
		applied:      counter("records_applied_total", "Records read back and folded."),
		malformed:    counter("records_malformed_total", "Records of the log that are none of this program's: every node passes over them."),
		barriers:     counter("barriers_total", "Requests that waited for proof that the fold is current."),
		gateErrors:   counter("gate_errors_total", "Calls to the gate that failed or took too long; the log decides without it."),
	}
	m.halted = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "firstcome", Subsystem: "engine", Name: "partitions_stopped", Help: "Partitions that stopped: a person must look."})
	m.claimSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "firstcome", Subsystem: "engine", Name: "claim_seconds",
		Help: "Time from a claim's arrival to its answer.", Buckets: []float64{.0001, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 3}})
	reg.MustRegister(m.halted, m.claimSeconds)
	claims := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "firstcome", Subsystem: "engine", Name: "claims_total",
		Help: "Claims answered, by outcome."}, []string{"outcome"})
	reg.MustRegister(claims)
	for o := range m.claims {
		name := Outcome(o).String()
		if o == 0 {
			name = "error"
		}
		m.claims[o] = claims.WithLabelValues(name)
	}
	return m
}

func (m *metrics) claim(o Outcome, err error, took time.Duration) {
	if err != nil {
		o = 0
	}
	m.claims[o].Inc()
	m.claimSeconds.Observe(took.Seconds())
}

// gauges registers what is read from live state.
func (e *Engine) gauges(reg prometheus.Registerer) error {
	if reg == nil {
		return nil
	}
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "firstcome", Subsystem: "engine", Name: name, Help: help}, f)
	}
	return errors.Join(
		reg.Register(gauge("claims_under_way", "Claims that wait for the gate or the log.", func() float64 { return float64(e.node.underway.Load()) })),
		reg.Register(gauge("log_lag_records", "Records of the log that are not folded yet.", func() float64 {
			lag := int64(0)
			for _, p := range e.node.parts {
				lag += max(0, p.end.Load()-p.next.Load())
			}
			return float64(lag)
		})),
	)
}
