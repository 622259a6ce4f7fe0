package cache

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/maypok86/otter/v2"
)

// forcedEvery is how often a version that a client claims to have seen may send a
// reader to the source although what is here is young: who makes one up gains little.
const forcedEvery = 100 * time.Millisecond

// await waits for flights until one brings the floor, or asked the source after
// this call began: then there is nothing newer.
func (r *Reader[T]) await(ctx context.Context, id string, floor int64) (h *held[T], err error) {
	began := time.Now()
	for {
		if old, ok := r.memory.GetIfPresent(id); ok && old.value.Version < floor {
			if !sleep(ctx, time.Until(old.asked.Add(forcedEvery))) {
				return nil, context.Cause(ctx)
			}
		}
		mine := false
		answer := r.flights.DoChan(id, func() (any, error) { mine = true; return r.fetch(ctx, id, floor) })
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case a := <-answer:
			if !mine {
				r.cfg.Metrics.joined.WithLabelValues(r.kind.name).Inc()
			}
			if a.Err != nil {
				return nil, a.Err
			}
			if h = a.Val.(*held[T]); h.value.Version >= floor || h.asked.After(began) {
				return h, nil
			}
		}
	}
}

// refresh looks for a newer value behind an answer that does not wait for it.
func (r *Reader[T]) refresh(ctx context.Context, id string) {
	r.flights.DoChan(id, func() (any, error) { return r.fetch(ctx, id, r.floors.of(id, time.Now())) })
}

// fetch is one flight: it outlives the caller that began it.
func (r *Reader[T]) fetch(ctx context.Context, id string, floor int64) (*held[T], error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sourceWait)
	defer cancel()
	h, away := r.fromStore(ctx, id, floor)
	if h != nil {
		r.read(fromRedis)
		return r.hold(id, h), nil
	}
	h = &held[T]{from: time.Now(), asked: time.Now()}
	err := r.cfg.Guard.Do(ctx, func(ctx context.Context) (err error) {
		h.from, h.asked = time.Now(), time.Now()
		h.value, err = r.cfg.Origin(ctx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.read(fromSource)
	var raw []byte
	if h.value.Found {
		raw = r.cfg.Encode(nil, h.value.Data)
	}
	h.size = len(raw)
	if !away {
		r.toStore(ctx, id, h, raw)
	}
	return r.hold(id, h), nil
}

// fromStore looks into Redis; nil when there is nothing new enough, or Redis is
// away: then who waits for the answer does not wait for it once more.
func (r *Reader[T]) fromStore(ctx context.Context, id string, floor int64) (h *held[T], away bool) {
	if r.cfg.Store == nil {
		return nil, true
	}
	h = &held[T]{from: time.Now()}
	kept, err := r.cfg.Store.Get(ctx, r.cfg.Kind.Key(id))
	if err != nil || kept == nil {
		return nil, err != nil // Redis' own metrics tell
	}
	version, found, raw, err := unwrap(kept)
	if err == nil && found {
		h.value.Data, err = r.cfg.Decode(raw)
	}
	if err != nil {
		r.cfg.Logger.ErrorContext(ctx, "a copy in redis cannot be read: the source answers", "room", "cache", "kind", r.kind.name, "err", err)
		return nil, false
	}
	if version < floor {
		return nil, false
	}
	h.value.Version, h.value.Found, h.size = version, found, len(raw)
	return h, false
}

// toStore keeps a value in Redis for what is left of its life since it was asked
// for. Failures cost the other nodes a question to the source, nothing more.
func (r *Reader[T]) toStore(ctx context.Context, id string, h *held[T], raw []byte) {
	life := r.vary(r.kind.life) - time.Since(h.asked)
	if life < time.Millisecond || len(raw) > r.kind.most {
		return
	}
	_ = r.cfg.Store.Keep(ctx, r.cfg.Kind.Key(id), r.kind.wrap(h.value.Version, h.value.Found, raw), life)
}

// hold keeps a value in memory unless a newer one is there, and returns what is
// there then. Only when nobody has had the newer one for as long as a stale copy
// may live is the older believed: the source was put back.
func (r *Reader[T]) hold(id string, h *held[T]) *held[T] {
	now := time.Now()
	h.confirmed = now
	kept, _ := r.memory.Compute(id, func(old *held[T], found bool) (*held[T], otter.ComputeOp) {
		if found && old.value.Version > h.value.Version && now.Sub(old.confirmed) < r.kind.stale {
			again := *old
			again.from, again.asked = h.from, h.asked
			again.soft, again.hard = h.from.Add(r.vary(r.kind.soft)), h.from.Add(r.kind.hard)
			return &again, otter.WriteOp
		}
		if found && old.value.Version < h.value.Version && r.floors.of(id, now) < h.value.Version {
			r.cfg.Metrics.messages.WithLabelValues("healed").Inc()
		}
		h.soft, h.hard = h.from.Add(r.vary(r.kind.soft)), h.from.Add(r.kind.hard)
		return h, otter.WriteOp
	})
	r.floors.raise(id, kept.value.Version, now)
	return kept
}

// vary cuts a time by up to the kind's jitter, so that copies do not end together.
func (r *Reader[T]) vary(d time.Duration) time.Duration { return r.kind.vary(d) }

func (k *Kind) vary(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)*int64(k.jitter)/100+1))
}

func (r *Reader[T]) read(from string) { r.cfg.Metrics.reads.WithLabelValues(r.kind.name, from).Inc() }
