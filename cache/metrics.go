package cache

import "github.com/prometheus/client_golang/prometheus"

// Metrics is this room's struct of metrics, but for the feed's.
type Metrics struct {
	reads    *prometheus.CounterVec // by kind and what answered
	joined   *prometheus.CounterVec // by kind
	stale    *prometheus.CounterVec // by kind
	refused  *prometheus.CounterVec // by bulkhead
	messages *prometheus.CounterVec // by what became of them
	appended prometheus.Counter     // bytes of members' records
}

// The answers of reads.
const (
	fromMemory = "memory"
	fromRedis  = "redis"
	fromSource = "source"
)

// NewMetrics makes the metrics; reg may be nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "firstcome_cache_" + name, Help: help}, labels)
	}
	m := &Metrics{
		reads:   vec("reads_total", "Reads, by kind and by what answered: memory, redis, or the source.", "kind", "from"),
		joined:  vec("flights_joined_total", "Reads that waited for another one's answer, by kind.", "kind"),
		stale:   vec("stale_total", "Reads answered by an old copy because nothing newer answered, by kind.", "kind"),
		refused: vec("refused_total", "Reads of the ledger refused by a bulkhead.", "bulkhead"),
		messages: vec("invalidations_total",
			"Changes told to the other nodes: sent, unsent (Redis was away), received, missed (a connection began anew), healed (found without a message).", "what"),
		appended: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "firstcome_cache_past_bytes_total", Help: "Bytes written to members' records.",
		}),
	}
	for _, k := range registry {
		for _, from := range []string{fromMemory, fromRedis, fromSource} {
			m.reads.WithLabelValues(k.name, from)
		}
	}
	for _, what := range []string{"sent", "unsent", "received", "missed", "healed"} {
		m.messages.WithLabelValues(what)
	}
	if reg != nil {
		reg.MustRegister(m.reads, m.joined, m.stale, m.refused, m.messages, m.appended)
	}
	return m
}
