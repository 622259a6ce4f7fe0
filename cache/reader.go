package cache

import (
	"context"
	"fmt"
	"log/slog"
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
		if ctx.Err() == nil { // a caller who left says nothing of the source
			r.ailing.Store(time.Now().Add(ailingFor).UnixNano())
		}
	}
	r.cfg.Metrics.stale.WithLabelValues(r.kind.name).Inc()
	return old.value
}
