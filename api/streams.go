package api

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"firstcome/engine/fold"
)

// writersMost bounds the goroutines that write to all streams.
const writersMost = 8

// streams are the open streams of a node. None of them has a goroutine: a few
// writers serve all, and none of them ever waits for a reader.
type streams struct {
	glances Glances
	limits  StreamLimits
	metrics *streamMetrics
	members rule // as refusals tell it
	address rule
	pace    pace
	writers []*writer
	grownAt atomic.Int64 // Unix ns: when tapes grew last
	came    atomic.Int64 // streams ever
	ending  chan struct{}
	ended   sync.Once
	began   time.Time // of the end; set before ending is closed

	probe *probe // guarded by mu

	mu        sync.Mutex // held for a few instructions, longer only to look for a member's lost streams; guards all below
	open      int
	next      int // writer
	leaving   bool
	byMember  map[fold.User][]*stream
	byAddress map[string]int
}

func newStreams(feed Feed, glances Glances, limits StreamLimits, m *streamMetrics) *streams {
	h := &streams{glances: glances, limits: limits.withDefaults(), metrics: m, pace: usualPace, ending: make(chan struct{}), probe: newProbe(),
		byMember: map[fold.User][]*stream{}, byAddress: map[string]int{}}
	h.members = rule{name: "streams", policy: `"streams";q=` + strconv.Itoa(h.limits.PerMember) + `;w=1`}
	h.address = rule{name: "streams-address", policy: `"streams-address";q=` + strconv.Itoa(h.limits.PerAddress) + `;w=1`}
	for range min(runtime.GOMAXPROCS(0), writersMost) {
		h.writers = append(h.writers, newWriter(h))
	}
	feed.Listen(h.grown, h.told)
	return h
}

// hand gives a stream that has its head to a writer.
func (h *streams) hand(s *stream) {
	h.mu.Lock()
	h.next++
	s.writer = h.writers[h.next%len(h.writers)]
	h.mu.Unlock()
	s.writer.take(s)
}

// grown wakes the writers.
func (h *streams) grown() {
	h.grownAt.Store(time.Now().UnixNano())
	for _, w := range h.writers {
		w.rouse()
	}
}

// told passes on that a member's claim has changed, to that member's streams.
func (h *streams) told(campaign string, user fold.User) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.byMember[user] {
		if s.campaign == campaign && !s.news.Swap(true) && s.writer != nil {
			s.writer.note(s)
		}
	}
}

// errLeaving: this node ends.
var errLeaving = errors.New("this node ends")

// run writes until ctx ends and every stream has been seen off.
func (h *streams) run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, w := range h.writers {
		all.Go(func() { w.run(ctx) })
	}
	h.tidy(ctx)
	h.end()
	all.Wait()
	return ctx.Err()
}

const (
	// crowdOf is how many new streams are a crowd, and calm how long nobody more
	// must have come.
	crowdOf = 1000
	calm    = time.Second
)

// tidy gives memory back to the system once a crowd has come in, until ctx ends:
// each arrival leaves ten times behind what a stream holds, and nothing that
// happens to open streams makes enough garbage for that to be collected soon.
func (h *streams) tidy(ctx context.Context) {
	look := time.NewTicker(calm)
	defer look.Stop()
	for before, tidied := int64(0), int64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		came := h.came.Load()
		if came == before && came-tidied >= crowdOf {
			debug.FreeOSMemory()
			tidied = came
		}
		before = came
	}
}

// end begins to see the streams off, each at its own moment.
func (h *streams) end() {
	h.ended.Do(func() {
		h.mu.Lock()
		h.leaving = true
		h.began = time.Now()
		h.mu.Unlock()
		close(h.ending)
	})
}

// empty reports whether every stream is counted out.
func (h *streams) empty() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open == 0
}
