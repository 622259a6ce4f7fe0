package redisgate

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/go-redsync/redsync/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"firstcome/engine"
)

// metrics of the gate. Labels come from closed sets: call is lease, flush, read, lock,
// extend, unlock, add, counts, time or ping; kind is what errorKind returns.
type metrics struct {
	latency *prometheus.HistogramVec // by call, seconds, as the caller waited
	errors  *prometheus.CounterVec   // by call and kind
	batch   prometheus.Histogram     // calls of a pipeline
	trip    prometheus.Histogram     // seconds of a pipeline
	queue   prometheus.Gauge         // calls that wait for a pipeline
	up      prometheus.Gauge         // 1 when the last knock was answered
}

func newMetrics() *metrics {
	const ns, sub = "firstcome", "engine"
	seconds := prometheus.ExponentialBuckets(0.0001, 2, 14) // 0.1 ms .. 0.8 s
	return &metrics{
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: ns, Subsystem: sub, Name: "redis_call_seconds",
			Help: "How long a call to the gate took, as the caller waited.", Buckets: seconds}, []string{"call"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: ns, Subsystem: sub, Name: "redis_errors_total",
			Help: "Calls to the gate that were not answered with what was asked for."}, []string{"call", "kind"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: ns, Subsystem: sub, Name: "redis_batch_calls",
			Help: "Calls that left in one pipeline.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
		trip: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: ns, Subsystem: sub, Name: "redis_batch_seconds",
			Help: "How long a pipeline was under way.", Buckets: seconds}),
		queue: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: ns, Subsystem: sub, Name: "redis_queue_calls",
			Help: "Calls that wait for a pipeline."}),
		up: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: ns, Subsystem: sub, Name: "redis_up",
			Help: "1 when Redis answered the last knock."}),
	}
}

func (m *metrics) register(r prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{m.latency, m.errors, m.batch, m.trip, m.queue, m.up} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func (m *metrics) observe(call string, start time.Time, err error) {
	m.latency.WithLabelValues(call).Observe(time.Since(start).Seconds())
	if err != nil {
		m.errors.WithLabelValues(call, errorKind(err)).Inc()
	}
}

func (m *metrics) observeBatch(calls int, start time.Time) {
	m.batch.Observe(float64(calls))
	m.trip.Observe(time.Since(start).Seconds())
}

func (m *metrics) setQueue(n int) { m.queue.Set(float64(n)) }

func (m *metrics) setUp(up bool) {
	if up {
		m.up.Set(1)
	} else {
		m.up.Set(0)
	}
}

// errorKind sorts an error into a closed set.
func errorKind(err error) string {
	var network net.Error
	var server redis.Error
	switch {
	case errors.Is(err, engine.ErrTaken):
		return "taken"
	case errors.Is(err, engine.ErrGateEmpty):
		return "empty"
	case errors.Is(err, engine.ErrGateShut):
		return "shut"
	case errors.Is(err, ErrBusy):
		return "busy"
	case errors.Is(err, redsync.ErrLockAlreadyExpired), errors.Is(err, redsync.ErrExtendFailed), errors.Is(err, redsync.ErrFailed):
		return "expired"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.As(err, &network) && network.Timeout():
		return "timeout"
	case errors.As(err, &server):
		return "refused"
	default:
		return "unreachable"
	}
}
