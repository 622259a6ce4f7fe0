package engine

import (
	"context"
	"errors"
	"time"

	"firstcome/engine/fold"
)

const (
	scheduleTick  = 5 * time.Millisecond
	scheduleAgain = 200 * time.Millisecond // until the status is right
	scheduleLock  = 5 * time.Second
)

// scheduler opens and closes campaigns by agreed time. Every node does it and
// repeats until the status is right; the fold takes the first record, since
// each names the version that its writer saw. A lock spares the others' records.
type scheduler struct {
	engine *Engine
	due    []due
	built  []uint64 // the partitions' changes that due was built from
	tried  map[string]time.Time
}

type due struct {
	p  *partition
	id string
	at time.Time
	xv int64
	to Verb
}

func (s *scheduler) run(ctx context.Context) {
	tick := time.NewTicker(scheduleTick)
	defer tick.Stop()
	s.built = make([]uint64, len(s.engine.node.parts))
	for {
		select {
		case <-tick.C:
			s.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (s *scheduler) look(ctx context.Context) {
	if !s.engine.clock.trusted.Load() {
		return // a node that starts with a wrong clock opens nothing
	}
	if s.stale() {
		s.build()
	}
	now := s.engine.clock.now()
	for _, d := range s.due {
		if now.Before(d.at) || d.p.usable() != nil {
			continue
		}
		last, again := s.tried[d.id]
		if again && time.Since(last) < scheduleAgain {
			continue
		}
		s.tried[d.id] = time.Now()
		go s.do(ctx, d, again) // ends within the claim deadline
	}
}

// stale reports whether some campaign's times or status changed since build.
func (s *scheduler) stale() bool {
	changed := false
	for i, p := range s.engine.node.parts {
		if n := p.changed.Load(); n != s.built[i] {
			s.built[i], changed = n, true
		}
	}
	return changed
}

func (s *scheduler) build() {
	s.due = s.due[:0]
	clear(s.tried)
	for _, p := range s.engine.node.parts {
		p.mu.RLock()
		for id, d := range p.desks {
			c, i := p.state.Campaign(id), d.info.Load()
			switch {
			case c.Status == fold.Scheduled && !i.opensAt.IsZero() && (i.closesAt.IsZero() || i.opensAt.Before(i.closesAt)):
				s.due = append(s.due, due{p, id, i.opensAt, c.Xv, Open})
			case (c.Status == fold.Open || c.Status == fold.Paused || c.Status == fold.Scheduled) && !i.closesAt.IsZero():
				s.due = append(s.due, due{p, id, i.closesAt, c.Xv, Close})
			}
		}
		p.mu.RUnlock()
	}
}

// do appends the record. The first try asks for the lock; when somebody else
// has it, or nobody can tell, the next try goes without.
func (s *scheduler) do(ctx context.Context, d due, again bool) {
	if l := s.engine.ports.Locker; l != nil && !again {
		lockCtx, cancel := context.WithTimeout(ctx, gateBudget/2)
		_, err := l.TryLock(lockCtx, "{"+d.id+"}:lk:scheduler", scheduleLock)
		cancel()
		if errors.Is(err, ErrTaken) {
			return
		}
	}
	kind := fold.KindOpen
	if d.to == Close {
		kind = fold.KindClose
	}
	_, err := d.p.submit(ctx, &fold.Record{Kind: kind, Campaign: d.id, Xv: d.xv, Actor: "scheduler"})
	if err != nil && ctx.Err() == nil {
		s.engine.cfg.Logger.Warn("the scheduler's record is not decided; trying again", "campaign", d.id, "err", err)
	}
}
