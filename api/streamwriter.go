package api

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// roundOf is in how many ticks every stream is looked after once.
	roundOf = 20
	// endTick is how often streams are ended when the node ends.
	endTick = 10 * time.Millisecond
)

// writer writes to its share of the streams.
type writer struct {
	hub  *streams
	wake chan struct{} // one place

	mu    sync.Mutex // held for a few instructions; guards both
	inbox []*stream  // new ones; at most as many as are open
	notes []*stream  // whose member has something new; at most as many as are open

	// Owned by run.
	rooms   map[Reel]*room
	all     []*stream
	waiting map[*stream]struct{} // for what this node does not know yet, or for a reader
	turn    int
	probe   *probe
	now     time.Time
	frames  int64
	bytes   int64
}

// room is a writer's streams of one campaign.
type room struct {
	reel    Reel
	streams []*stream
	end     int64 // of the tape, when all were served last

	// What was read last, since nearly all read the same.
	pos    int64
	data   []byte
	frames int64
	ok     bool
}

func newWriter(h *streams) *writer {
	return &writer{hub: h, wake: make(chan struct{}, 1), rooms: map[Reel]*room{}, waiting: map[*stream]struct{}{}, probe: newProbe()}
}

func (w *writer) rouse() {
	select {
	case w.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (w *writer) take(s *stream) {
	w.mu.Lock()
	w.inbox = append(w.inbox, s)
	w.mu.Unlock()
	w.rouse()
}

func (w *writer) note(s *stream) {
	w.mu.Lock()
	w.notes = append(w.notes, s)
	w.mu.Unlock()
	w.rouse()
}

// run serves until ctx ends and nobody is left.
func (w *writer) run(ctx context.Context) {
	tick := time.NewTicker(w.hub.pace.tick)
	defer tick.Stop()
	ending, over := w.hub.ending, ctx.Done()
	share := 0 // of streams, when the end began
	for {
		select {
		case <-w.wake:
			w.serve()
		case <-tick.C:
			w.serve()
			w.lookAfter()
		case <-ending:
			ending = nil
			tick.Reset(endTick)
			share = max(len(w.all), 1)
			rand.Shuffle(len(w.all), func(i, k int) {
				w.all[i], w.all[k] = w.all[k], w.all[i]
				w.all[i].at, w.all[k].at = i, k
			})
		case <-over:
			over = nil
		}
		if ending == nil {
			w.seeOff(share)
		}
		w.settle()
		if over == nil && ending == nil && len(w.all) == 0 && w.hub.empty() {
			return
		}
	}
}

// settle adds up what was written.
func (w *writer) settle() {
	w.hub.metrics.frames.Add(float64(w.frames))
	w.hub.metrics.bytes.Add(float64(w.bytes))
	w.frames, w.bytes = 0, 0
}

// serve takes what is new and writes what has come.
func (w *writer) serve() {
	w.now = time.Now()
	w.mu.Lock()
	inbox, notes := w.inbox, w.notes
	w.inbox, w.notes = nil, nil
	w.mu.Unlock()
	for _, s := range inbox {
		w.place(s)
		w.pump(s)
	}
	grown := false
	for _, r := range w.rooms {
		if end, _, _ := r.reel.Tail(); end != r.end {
			r.end, grown = end, true
			for i := len(r.streams) - 1; i >= 0; i-- { // pump may take one out
				w.pump(r.streams[i])
			}
		}
	}
	if grown {
		w.hub.metrics.fanout.Observe(time.Since(time.Unix(0, w.hub.grownAt.Load())).Seconds())
	}
	for _, s := range notes {
		if s.room != nil {
			w.pump(s)
		}
	}
	for s := range w.waiting {
		w.pump(s)
	}
}

// place gives a stream its place in a room.
func (w *writer) place(s *stream) {
	r := w.rooms[s.reel]
	if r == nil {
		r = &room{reel: s.reel, pos: -1}
		r.end, _, _ = s.reel.Tail()
		w.rooms[s.reel] = r
	}
	s.room, s.at, s.spot = r, len(w.all), len(r.streams)
	w.all = append(w.all, s)
	r.streams = append(r.streams, s)
}

// drop ends a stream for good.
func (w *writer) drop(s *stream, why reason) {
	r := s.room
	if r == nil {
		return // dropped already
	}
	last := w.all[len(w.all)-1]
	w.all[s.at], last.at = last, s.at
	w.all[len(w.all)-1] = nil
	w.all = w.all[:len(w.all)-1]
	last = r.streams[len(r.streams)-1]
	r.streams[s.spot], last.spot = last, s.spot
	r.streams[len(r.streams)-1] = nil
	if r.streams = r.streams[:len(r.streams)-1]; len(r.streams) == 0 {
		delete(w.rooms, s.reel)
	}
	delete(w.waiting, s)
	s.room = nil
	w.probe.of(s.sock.Load(), false) // what the reader sent would have the system drop what is on its way
	s.end(w.hub)
	w.hub.metrics.closed[why].Inc()
}

// lookAfter looks after a share of the streams: who has left, who does not read,
// who has heard nothing for long.
func (w *writer) lookAfter() {
	for n := (len(w.all) + roundOf - 1) / roundOf; n > 0 && len(w.all) > 0; n-- {
		if w.turn >= len(w.all) {
			w.turn = 0
		}
		s := w.all[w.turn]
		w.turn++
		w.check(s)
	}
}

// seeOff ends as many streams as it is time for, each with its own time to come
// back.
func (w *writer) seeOff(share int) {
	h := w.hub
	due := int(float64(share) * float64(time.Since(h.began)) / float64(h.limits.Spread))
	for left := max(share-due, 0); len(w.all) > left; {
		s := w.all[len(w.all)-1]
		s.owe(appendRetry(nil))
		w.pump(s)
		w.drop(s, ended)
	}
}
