package api

import "github.com/prometheus/client_golang/prometheus"

// reason is why a stream ended.
type reason uint8

const (
	going    reason = iota // it has not
	left                   // its reader did
	slow                   // its reader took nothing for long
	expired                // what proved who reads did
	finished               // the campaign is archived
	ended                  // the node does
	reasons
)

var reasonNames = [reasons]string{left: "left", slow: "slow", expired: "expired", finished: "finished", ended: "ended"}

// streamMetrics are the streams' part of this room's metrics.
type streamMetrics struct {
	open          prometheus.Gauge
	frames, bytes prometheus.Counter
	fanout        prometheus.Histogram
	closed        [reasons]prometheus.Counter
}

func newStreamMetrics(reg prometheus.Registerer) *streamMetrics {
	m := &streamMetrics{
		open:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "firstcome_api_streams_open", Help: "Open event streams."}),
		frames: prometheus.NewCounter(prometheus.CounterOpts{Name: "firstcome_api_stream_frames_total", Help: "Public frames written, once for each stream."}),
		bytes:  prometheus.NewCounter(prometheus.CounterOpts{Name: "firstcome_api_stream_bytes_total", Help: "Bytes written to streams behind their heads."}),
		fanout: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "firstcome_api_stream_lag_seconds", Help: "From a frame's being on its tape until a writer has written it to all of its readers who take it.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}),
	}
	closed := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "firstcome_api_streams_closed_total", Help: "Streams that ended, by reason.",
	}, []string{"reason"})
	for r, name := range reasonNames {
		if name != "" {
			m.closed[r] = closed.WithLabelValues(name)
		}
	}
	if reg != nil {
		reg.MustRegister(m.open, m.frames, m.bytes, m.fanout, closed)
	}
	return m
}
