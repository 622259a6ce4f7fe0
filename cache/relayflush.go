package cache

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// foldWithin is how long a telling waits for a fold that has shown what its news
// has yet to hear: microseconds, unless the partition has just stopped.
const foldWithin = 20 * time.Millisecond

// flush tells everything that there is to tell, and returns how long to rest then.
// What did not go out is told again, but for the members' claims.
func (r *Relay) flush(ctx context.Context) (rest time.Duration) {
	pending := r.due()
	if len(pending) == 0 {
		return 0
	}
	start := time.Now()
	ids := slices.Collect(maps.Keys(pending))
	for len(ids) > 0 {
		some := ids[:min(atOnce, len(ids))]
		parcels := make([]Parcel, 0, len(some))
		for _, id := range some {
			if p, ok := r.parcel(ctx, id, pending[id].users); ok {
				parcels = append(parcels, p)
			}
		}
		if err := r.carry(ctx, parcels); err != nil {
			r.trouble(ctx, err)
			r.repeat() // what was told before may be lost, too
			r.again(ids)
			return relayAgain
		}
		ids = ids[len(some):]
	}
	r.metrics.took.Observe(time.Since(start).Seconds())
	return relayBeat
}

// due takes what there is to tell.
func (r *Relay) due() map[string]*changed {
	r.mu.Lock()
	defer r.mu.Unlock()
	pending := r.pending
	for id := range r.asked {
		if pending[id] == nil {
			pending[id] = &changed{}
		}
	}
	r.pending, r.asked = map[string]*changed{}, map[string]struct{}{}
	return pending
}

func (r *Relay) carry(ctx context.Context, parcels []Parcel) error {
	if len(parcels) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, atOnceWithin)
	defer cancel()
	err := r.cfg.Carrier.Carry(ctx, parcels)
	if err == nil {
		r.metrics.told.Add(float64(len(parcels)))
	}
	return err
}

// again puts campaigns back.
func (r *Relay) again(ids []string) {
	r.mu.Lock()
	for _, id := range ids {
		r.mark(id)
	}
	r.mu.Unlock()
}

// parcel encodes a campaign's story. ok is false when there is nothing to tell yet.
func (r *Relay) parcel(ctx context.Context, id string, users map[fold.User]struct{}) (p Parcel, ok bool) {
	p.Campaign = id
	ctx, cancel := context.WithTimeout(ctx, foldWithin)
	defer cancel()
	reel, err := r.cfg.Feed.find(ctx, id)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		none := account{}
		p.Message = none.append(nil)
		return p, true
	case err != nil:
		r.again([]string{id})
		return p, false
	}
	s := reel.story()
	p.State = s.append(nil)
	if len(s.past) > tailMost {
		tail := s.tail(tailMost)
		p.Message = tail.append(nil)
	}
	reel.part.mu.Unlock()
	s.own = r.own(id, users)
	p.Own = s.appendOwn(nil)
	return p, true
}

// own reads what the members concerned are told.
func (r *Relay) own(id string, users map[fold.User]struct{}) (all []ownClaim) {
	for u := range users {
		if c, err := r.cfg.Glances.Glance(id, u); err == nil {
			all = append(all, ownClaim{u, c})
		}
	}
	return all
}

// relayMetrics are the relay's part of this room's metrics.
type relayMetrics struct {
	told, failed, turns prometheus.Counter
	took                prometheus.Histogram
}

func newRelayMetrics(reg prometheus.Registerer) *relayMetrics {
	m := &relayMetrics{
		told: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "firstcome_cache_relay_told_total", Help: "Messages to nodes that follow no log.",
		}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "firstcome_cache_relay_failures_total", Help: "Tellings that Redis did not take; they were repeated.",
		}),
		turns: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "firstcome_cache_relay_turns_total", Help: "How often this node became the one that tells.",
		}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "firstcome_cache_relay_flush_seconds", Help: "Time to tell everything that had changed.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1},
		}),
	}
	if reg != nil {
		reg.MustRegister(m.told, m.failed, m.turns, m.took)
	}
	return m
}
