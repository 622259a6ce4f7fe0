package sim

import (
	"context"
	"slices"
	"sync"
	"time"

	"firstcome/engine"
)

const (
	buffered  = 64 // appends of one process to one partition; then ErrLogFull
	poll      = 100 * time.Millisecond
	mostAtAll = 40              // records of one batch at most
	copies    = 2 * time.Second // a record that was sent twice comes the second time so much later at most
)

// journal is the log itself: what is committed, for ever.
type journal struct {
	dice  *dice
	mu    sync.Mutex
	topic string
	parts [][]engine.LogRecord // guarded by mu
	news  []chan struct{}      // guarded by mu: closed at each append to the partition
}

func newJournal(d *dice, partitions int) *journal {
	j := &journal{dice: d, topic: "simulated", parts: make([][]engine.LogRecord, partitions), news: make([]chan struct{}, partitions)}
	for i := range j.news {
		j.news[i] = make(chan struct{})
	}
	return j
}

// astray is how far a broker's stamps may be off: they even go back.
const astray = 5 * time.Millisecond

func (j *journal) commit(p int32, value []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := time.Now().Add(-j.dice.between(0, astray)).UnixMilli()
	j.parts[p] = append(j.parts[p], engine.LogRecord{Offset: int64(len(j.parts[p])), At: at, Value: value})
	close(j.news[p])
	j.news[p] = make(chan struct{})
}

func (j *journal) ends() []int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	ends := make([]int64, len(j.parts))
	for i, recs := range j.parts {
		ends[i] = int64(len(recs))
	}
	return ends
}

func (j *journal) whole() [][]engine.LogRecord {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([][]engine.LogRecord, len(j.parts))
	for i, recs := range j.parts {
		out[i] = slices.Clone(recs)
	}
	return out
}

// view is the journal as one process sees it: engine.Log.
type view struct {
	j    *journal
	host *host
	life context.Context // of the process
	// Each partition's appends leave in order, one under way at a time.
	lines []*line
}

type line struct {
	mu    sync.Mutex
	queue []appending // guarded by mu; at most buffered
	busy  bool        // guarded by mu: somebody sends
}

type appending struct {
	value []byte
	done  func(error)
}

func newView(life context.Context, j *journal, h *host) *view {
	v := &view{j: j, host: h, life: life, lines: make([]*line, len(j.parts))}
	for i := range v.lines {
		v.lines[i] = &line{}
	}
	return v
}

func (v *view) Describe(ctx context.Context) (engine.Topic, []int64, []int64, error) {
	if err := v.host.travel(ctx, toLog); err != nil {
		return engine.Topic{}, nil, nil, err
	}
	ends := v.j.ends()
	if err := v.host.travel(ctx, toLog); err != nil {
		return engine.Topic{}, nil, nil, err
	}
	return engine.Topic{ID: v.j.topic, Partitions: int32(len(ends))}, make([]int64, len(ends)), ends, nil
}

func (v *view) Append(p int32, _ string, value []byte, done func(error)) error {
	l := v.lines[p]
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) >= buffered {
		return engine.ErrLogFull
	}
	l.queue = append(l.queue, appending{slices.Clone(value), done})
	if !l.busy {
		l.busy = true
		go v.send(p, l)
	}
	return nil
}

// send empties the line. A dead process' records that have left it may arrive
// all the same.
func (v *view) send(p int32, l *line) {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.busy = false
			l.mu.Unlock()
			return
		}
		next := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		next.done(v.deliver(p, next.value))
	}
}

// deliver brings one record to the journal, or not, and says what the producer
// hears of it.
func (v *view) deliver(p int32, value []byte) error {
	ctx := v.life
	if err := v.host.open(ctx, toLog); err != nil {
		return err
	}
	if err := v.host.travel(ctx, toLog); err != nil {
		if v.host.dice.chance(500) { // it was on the wire
			v.j.commit(p, value)
		}
		return err
	}
	v.j.commit(p, value)
	if v.host.loses(toLog) {
		if v.host.dice.chance(500) { // sent again by somebody who does not know that it is there
			time.AfterFunc(v.host.dice.between(0, copies), func() { v.j.commit(p, value) })
			return nil
		}
		return errLost
	}
	return v.host.travel(ctx, toLog)
}

func (v *view) Follow(ctx context.Context, from []int64, sink engine.Sink) error {
	var all sync.WaitGroup
	for i, next := range from {
		if next >= 0 {
			all.Go(func() { v.follow(ctx, int32(i), next, sink) })
		}
	}
	all.Wait()
	return ctx.Err()
}

func (v *view) follow(ctx context.Context, p int32, next int64, sink engine.Sink) {
	for ctx.Err() == nil {
		if v.host.open(ctx, toLog) != nil {
			return
		}
		b := engine.Batch{Partition: p, At: time.Now()}
		if v.host.travel(ctx, toLog) != nil {
			continue
		}
		b.Records, b.End = v.read(ctx, p, next)
		if v.host.travel(ctx, toLog) != nil {
			continue
		}
		if sink.Deliver(b) != nil {
			return
		}
		next += int64(len(b.Records))
	}
}

// read waits a while for news and returns what is there, not always all of it.
func (v *view) read(ctx context.Context, p int32, next int64) ([]engine.LogRecord, int64) {
	v.j.mu.Lock()
	if news := v.j.news[p]; int64(len(v.j.parts[p])) == next {
		v.j.mu.Unlock()
		t := time.NewTimer(v.host.dice.between(poll/2, poll))
		select {
		case <-news:
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
		v.j.mu.Lock()
	}
	defer v.j.mu.Unlock()
	end := int64(len(v.j.parts[p]))
	upTo := min(end, next+int64(1+v.host.dice.below(mostAtAll)))
	return slices.Clone(v.j.parts[p][next:upTo]), end
}
