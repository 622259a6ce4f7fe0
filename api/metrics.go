package api

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"firstcome/engine"
)

// metrics of this room. Labels come from closed sets: operations, status codes,
// outcomes, problem codes and lanes.
type metrics struct {
	seconds  *prometheus.HistogramVec
	requests *prometheus.CounterVec
	outcomes [int(engine.Superseded) + 1]prometheus.Counter
	problems *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "firstcome_api_request_seconds", Help: "How long requests took.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"operation"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "firstcome_api_requests_total", Help: "Answered requests; code 499: the client left first.",
		}, []string{"operation", "code"}),
		problems: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "firstcome_api_problems_total", Help: "Refusals by problem code.",
		}, []string{"problem"}),
	}
	claims := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "firstcome_api_claims_total", Help: "Answers to claims by outcome.",
	}, []string{"outcome"})
	for o := range m.outcomes {
		if o > 0 {
			m.outcomes[o] = claims.WithLabelValues(engine.Outcome(o).String())
		}
	}
	if reg != nil {
		reg.MustRegister(m.seconds, m.requests, m.problems, claims)
	}
	return m
}

func (m *metrics) outcome(o engine.Outcome) {
	if o > 0 && int(o) < len(m.outcomes) {
		m.outcomes[o].Inc()
	}
}

// lanes shows how full the lanes are.
func (m *metrics) lanes(reg prometheus.Registerer, lanes map[string]*lane) {
	if reg == nil {
		return
	}
	for name, l := range lanes {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "firstcome_api_requests_in_flight", Help: "Requests under way.",
			ConstLabels: prometheus.Labels{"lane": name},
		}, func() float64 { return float64(l.inUse.Load()) }))
	}
}

// observer measures one operation without looking labels up.
type observer struct {
	seconds prometheus.Observer
	codes   *prometheus.CounterVec
	byCode  *[600]atomic.Pointer[prometheus.Counter]
}

func (m *metrics) observer(operation string) observer {
	return observer{
		seconds: m.seconds.WithLabelValues(operation),
		codes:   m.requests.MustCurryWith(prometheus.Labels{"operation": operation}),
		byCode:  new([600]atomic.Pointer[prometheus.Counter]),
	}
}

func (o *observer) observe(status int, took time.Duration) {
	o.seconds.Observe(took.Seconds())
	if status < 0 || status >= len(o.byCode) {
		status = 0
	}
	counter := o.byCode[status].Load()
	if counter == nil {
		c := o.codes.WithLabelValues(strconv.Itoa(status))
		counter = &c
		o.byCode[status].Store(counter)
	}
	(*counter).Inc()
}
