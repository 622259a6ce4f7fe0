package cache

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"
)

// Value is what a source says of one id.
type Value[T any] struct {
	Version int64 // grows with every change; below 10^16
	Found   bool  // false: there is none, which is an answer like any other
	Data    T
}

// Origin is the source behind the copies: what it returns was true at some moment
// during the call. It is asked by one reader per id and node at a time.
type Origin[T any] func(ctx context.Context, id string) (Value[T], error)

// ReaderConfig of a reader.
type ReaderConfig[T any] struct {
	Kind    Shared
	Origin  Origin[T]                        // required
	Encode  func(b []byte, data T) []byte    // appends; required
	Decode  func(b []byte) (data T, _ error) // must not keep b
	Store   Store                            // nil: there is no second level
	Guard   *Bulkhead                        // before the source; nil: none
	Memory  uint64                           // bytes of copies in this process; beyond it the ones used least go
	Metrics *Metrics
	Logger  *slog.Logger
}

// Reader answers from memory, then from Redis, then from the source, and asks each
// only once for all who wait. A value that it has answered is never followed by an
// older one, however late that arrives.
type Reader[T any] struct {
	cfg     ReaderConfig[T]
	kind    *Kind
	memory  *otter.Cache[string, *held[T]] // W-TinyLFU: what is read often stays
	floors  *floors
	flights singleflight.Group
	doubted atomic.Int64 // Unix ns: copies from before may have missed a change
	ailing  atomic.Int64 // Unix ns: until then old copies answer without waiting for the source
}

// held is a copy in memory. Never changed in place.
type held[T any] struct {
	value     Value[T]
	size      int
	from      time.Time // what it rests on was read not before
	asked     time.Time // the source was asked last; zero: it came from Redis
	soft      time.Time // until then it is used as it is
	hard      time.Time // until then it is used while a flight looks for a newer one
	confirmed time.Time // the source, or Redis, last had this version
}

const (
	// sourceWait bounds one flight: Redis and the source behind it.
	sourceWait = time.Second
	// staleWait is how long a look is waited for while an old copy could answer;
	// ailingFor is how long nobody waits after that was in vain.
	staleWait = 100 * time.Millisecond
	ailingFor = time.Second
)

// heldOverhead is what a copy costs in memory beside its bytes, roughly.
const heldOverhead = 256

// NewReader makes a reader. It starts nothing.
func NewReader[T any](cfg ReaderConfig[T]) (*Reader[T], error) {
	memory, err := otter.New(&otter.Options[string, *held[T]]{
		MaximumWeight: cfg.Memory,
		Weigher:       func(id string, h *held[T]) uint32 { return uint32(min(len(id)+h.size+heldOverhead, 1<<31)) },
	})
	if err != nil {
		return nil, fmt.Errorf("keep %s in memory: %w", cfg.Kind.kind.name, err)
	}
	f, err := newFloors()
	if err != nil {
		return nil, err
	}
	return &Reader[T]{cfg: cfg, kind: cfg.Kind.kind, memory: memory, floors: f}, nil
}

// Get returns the value of an id, not older than any that this reader answered or
// was told of, and not older than seen, a version that the client brings, if there
// is such a version. An error means that neither copy nor source answered.
func (r *Reader[T]) Get(ctx context.Context, id string, seen int64) (Value[T], error) {
	now := time.Now()
	h, ok := r.memory.GetIfPresent(id)
	floor := max(r.floors.of(id, now), seen)
	if ok && h.value.Version >= floor && now.Before(h.hard) && h.from.UnixNano() >= r.doubted.Load() {
		r.read(fromMemory)
		if now.After(h.soft) {
			r.refresh(ctx, id)
		}
		return h.value, nil
	}
	if ok && h.value.Version >= floor && now.Sub(h.confirmed) < r.kind.stale {
		return r.newerOr(ctx, id, floor, h), nil
	}
	fresh, err := r.await(ctx, id, floor)
	if err != nil {
		return Value[T]{}, fmt.Errorf("read %s: %w", r.kind.name, err)
	}
	return fresh.value, nil
}

// newerOr looks for something newer than an old copy, which answers when that
// fails or takes long.
func (r *Reader[T]) newerOr(ctx context.Context, id string, floor int64, old *held[T]) Value[T] {
	if time.Now().UnixNano() < r.ailing.Load() {
		r.refresh(ctx, id)
	} else {
		wait, cancel := context.WithTimeout(ctx, staleWait)
		defer cancel()
		if fresh, err := r.await(wait, id, floor); err == nil {
			return fresh.value
		}
		r.ailing.Store(time.Now().Add(ailingFor).UnixNano())
	}
	r.cfg.Metrics.stale.WithLabelValues(r.kind.name).Inc()
	return old.value
}

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
