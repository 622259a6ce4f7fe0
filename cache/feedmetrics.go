package cache

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// feedMetrics are the feed's part of this room's metrics.
type feedMetrics struct {
	frames prometheus.Counter
	waited prometheus.Histogram
}

func newFeedMetrics(reg prometheus.Registerer, f *Feed) *feedMetrics {
	m := &feedMetrics{
		frames: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "firstcome_cache_feed_frames_total", Help: "Frames put on tapes, each once for all who watch.",
		}),
		waited: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "firstcome_cache_feed_wait_seconds", Help: "From the first change that a frame tells until the frame is on its tape.",
			Buckets: []float64{.0001, .001, .005, .01, .025, .05, .1, .2, .5, 1},
		}),
	}
	if reg != nil {
		reg.MustRegister(m.frames, m.waited, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "firstcome_cache_feed_watched_campaigns", Help: "Campaigns that somebody on this node watches.",
		}, func() float64 { return float64(f.watched()) }))
	}
	return m
}

func (m *feedMetrics) cut(frames int, waited time.Duration) {
	m.frames.Add(float64(frames))
	m.waited.Observe(waited.Seconds())
}

// watched counts the campaigns that somebody watches.
func (f *Feed) watched() (n int) {
	for _, p := range f.parts {
		p.mu.Lock()
		for _, r := range p.reels {
			if r.watchers > 0 {
				n++
			}
		}
		p.mu.Unlock()
	}
	return n
}
