package engine

import (
	"context"
	"errors"
	"sync"
	"time"
)

// memLog is a log in memory whose faults a test commands.
type memLog struct {
	mu      sync.Mutex
	records [][]LogRecord
	news    chan struct{} // closed at each append and each change of the faults
	cut     bool          // followers hear nothing
	lose    bool          // appends are neither kept nor answered
	fail    bool          // appends are not kept, and the producer is told
	full    bool
	hold    bool // appends are queued, not committed
	held    []func()
}

func newMemLog(partitions int) *memLog {
	return &memLog{records: make([][]LogRecord, partitions), news: make(chan struct{})}
}

func (l *memLog) tell() {
	close(l.news)
	l.news = make(chan struct{})
}

func (l *memLog) set(f func(l *memLog)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l)
	if !l.hold {
		for _, commit := range l.held {
			commit()
		}
		l.held = nil
	}
	l.tell()
}

func (l *memLog) Describe(context.Context) (Topic, []int64, []int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ends := make([]int64, len(l.records))
	for i := range ends {
		ends[i] = int64(len(l.records[i]))
	}
	return Topic{ID: "t", Partitions: int32(len(l.records))}, make([]int64, len(l.records)), ends, nil
}

func (l *memLog) Append(p int32, _ string, value []byte, done func(error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return ErrLogFull
	}
	if l.lose {
		return nil
	}
	if l.fail {
		go done(errDown)
		return nil
	}
	commit := func() {
		l.records[p] = append(l.records[p], LogRecord{Offset: int64(len(l.records[p])), At: time.Now().UnixMilli(), Value: value})
	}
	if l.hold {
		l.held = append(l.held, commit)
		return nil
	}
	commit()
	l.tell()
	go done(nil)
	return nil
}

func (l *memLog) Follow(ctx context.Context, from []int64, sink Sink) error {
	var wg sync.WaitGroup
	for i, next := range from {
		if next >= 0 {
			wg.Go(func() { l.follow(ctx, int32(i), next, sink) })
		}
	}
	wg.Wait()
	return ctx.Err()
}

func (l *memLog) follow(ctx context.Context, p int32, next int64, sink Sink) {
	for ctx.Err() == nil {
		l.mu.Lock()
		news, cut := l.news, l.cut
		var recs []LogRecord
		if !cut {
			recs = append(recs, l.records[p][next:]...)
		}
		b := Batch{Partition: p, Records: recs, End: next + int64(len(recs)), At: time.Now()}
		l.mu.Unlock()
		if !cut {
			if sink.Deliver(b) != nil {
				return
			}
			next += int64(len(recs))
		}
		select {
		case <-news:
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// memGate counts as a gate should, or lies as a test commands.
type memGate struct {
	mu     sync.Mutex
	used   map[string]int64
	room   map[string]int64
	leases map[string]map[string]int64
	given  int64
	down   bool
	always int64 // > 0: give that much whatever is asked; < 0: never give
}

func newMemGate() *memGate {
	return &memGate{used: map[string]int64{}, room: map[string]int64{}, leases: map[string]map[string]int64{}}
}

var errDown = errors.New("down")

func (g *memGate) Lease(_ context.Context, ask Ask) (int64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.down:
		return 0, errDown
	case g.always > 0:
		return ask.Want, nil
	case g.always < 0:
		return 0, nil
	}
	room, known := g.room[ask.Campaign]
	if !known {
		return 0, ErrGateEmpty
	}
	give := ask.Want
	if room < 1<<60 {
		give = max(0, min(ask.Want, room+ask.Slack-g.count(ask.Campaign)))
	}
	g.leases[ask.Campaign][ask.Lease] += give
	g.given += give
	return give, nil
}

func (g *memGate) count(campaign string) int64 {
	n := g.used[campaign]
	for _, held := range g.leases[campaign] {
		n += held
	}
	return n
}

func (g *memGate) Flush(_ context.Context, reports []Report) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		return errDown
	}
	for _, r := range reports {
		if g.leases[r.Campaign] == nil {
			g.leases[r.Campaign] = map[string]int64{}
		}
		g.used[r.Campaign], g.room[r.Campaign] = r.Used, r.Room
		g.leases[r.Campaign][r.Lease] = r.Held
	}
	return nil
}

func (g *memGate) Read(_ context.Context, campaign string) (GateCount, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		return GateCount{}, errDown
	}
	n := g.count(campaign)
	return GateCount{Count: n, Used: g.used[campaign], Leased: n - g.used[campaign], Known: true}, nil
}

// memLocker is a lock that works, or is always taken, or away.
type memLocker struct {
	mu    sync.Mutex
	held  map[string]bool
	taken bool
	down  bool
}

func (l *memLocker) TryLock(_ context.Context, name string, _ time.Duration) (Lock, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.down:
		return nil, errDown
	case l.taken || l.held[name]:
		return nil, ErrTaken
	}
	l.held[name] = true
	return &memLock{l, name}, nil
}

type memLock struct {
	l    *memLocker
	name string
}

func (l *memLock) Extend(context.Context) error { return nil }

func (l *memLock) Unlock(context.Context) error {
	l.l.mu.Lock()
	defer l.l.mu.Unlock()
	delete(l.l.held, l.name)
	return nil
}
