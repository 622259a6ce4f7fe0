package api

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"firstcome/engine"
)

// Rate is a token bucket: so many requests a second, and so many at once after
// a rest. The zero Rate is no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Limits of the doors. Zero fields mean the defaults named here; a negative
// PerSecond means no limit, while a lane always has one.
type Limits struct {
	Member  Rate // every request of a member but replays and refusals from memory; 50/s, burst 200
	Costly  Rate // claims beyond memory, cancels and changed answers of a member; 5/s, burst 10
	Address Rate // every request of one client address; none, since a campus is one address
	Claims  int  // claims under way at once; beyond: 503 overloaded; 32,768
	Reads   int  // other member requests under way at once; 8,192
	Admins  int  // admin requests under way at once; 256
}

func (l Limits) withDefaults() Limits {
	l.Member = l.Member.or(Rate{50, 200})
	l.Costly = l.Costly.or(Rate{5, 10})
	for _, n := range []struct {
		at  *int
		def int
	}{{&l.Claims, 32768}, {&l.Reads, 8192}, {&l.Admins, 256}} {
		if *n.at <= 0 {
			*n.at = n.def
		}
	}
	return l
}

func (r Rate) or(def Rate) Rate {
	if r == (Rate{}) {
		return def
	}
	return r
}

// rule is a rate as buckets apply it: the generic cell rate algorithm, which
// needs one number per bucket.
type rule struct {
	name   string
	policy string        // RateLimit-Policy
	every  time.Duration // between requests at the steady rate
	depth  time.Duration // how far ahead of the rate a bucket may run
}

func newRule(name string, r Rate) *rule {
	if r.PerSecond <= 0 {
		return nil
	}
	burst := max(r.Burst, 1)
	every := time.Duration(float64(time.Second) / r.PerSecond)
	window := max(int64(math.Round(float64(burst)/r.PerSecond)), 1)
	return &rule{
		name: name, every: every, depth: every * time.Duration(burst-1),
		policy: fmt.Sprintf(`"%s";q=%d;w=%d`, name, burst, window),
	}
}

// bucket is the time (ns of the server's clock) at which it would be full again.
type bucket struct{ full atomic.Int64 }

// take spends one request, or says how long until it could.
func (b *bucket) take(r *rule, now time.Duration) (wait time.Duration) {
	for {
		old := b.full.Load()
		full := max(time.Duration(old), now)
		if full-now > r.depth {
			return full - now - r.depth
		}
		if b.full.CompareAndSwap(old, int64(full+r.every)) {
			return 0
		}
	}
}

// metersMost bounds how many members' meters are kept. Beyond it the ones used
// least are forgotten, which refills their buckets: it errs for the member.
const metersMost = 1 << 17

// meters count what each member, or each address, asks for.
type meters struct {
	member, costly *rule // nil: no limit
	start          time.Time
	kept           *otter.Cache[string, *meter]
}

// meter is one member's buckets.
type meter struct {
	meters         *meters
	member, costly bucket
}

func newMeters(member, costly *rule) (*meters, error) {
	kept, err := otter.New(&otter.Options[string, *meter]{MaximumSize: metersMost})
	if err != nil {
		return nil, fmt.Errorf("keep meters: %w", err)
	}
	return &meters{member: member, costly: costly, start: time.Now(), kept: kept}, nil
}

func (m *meters) of(who string) *meter {
	if one, ok := m.kept.GetIfPresent(who); ok {
		return one
	}
	one, _ := m.kept.SetIfAbsent(who, &meter{meters: m})
	return one
}

// plain counts a request of the usual kind.
func (m *meter) plain() error { return m.count(&m.member, m.meters.member) }

// spend counts a request that goes beyond memory: by its own, narrower rule
// first, and as any other. It is the engine's ClaimCall.Costly.
func (m *meter) spend() error {
	if err := m.count(&m.costly, m.meters.costly); err != nil {
		return err
	}
	return m.plain()
}

func (m *meter) count(b *bucket, r *rule) error {
	if r == nil {
		return nil
	}
	if wait := b.take(r, time.Since(m.meters.start)); wait > 0 {
		return limited(r, wait)
	}
	return nil
}

// lane bounds how many requests of a kind are under way, so that a crowd at
// one door leaves the others passable. A full lane refuses at once.
type lane struct {
	most  int64
	inUse atomic.Int64
}

func newLane(most int) *lane { return &lane{most: int64(most)} }

func (l *lane) enter() error {
	if l == nil {
		return nil
	}
	if l.inUse.Add(1) > l.most {
		l.inUse.Add(-1)
		return later(overloaded, engine.ErrOverloaded)
	}
	return nil
}

func (l *lane) leave() {
	if l != nil {
		l.inUse.Add(-1)
	}
}
