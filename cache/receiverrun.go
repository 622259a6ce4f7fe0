package cache

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Run receives until ctx ends.
func (r *Receiver) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { _ = r.cfg.Channels.Run(ctx, r) })
	all.Go(func() { _ = r.feed.Run(ctx) })
	sweep, again := time.NewTicker(time.Second), time.NewTimer(time.Hour)
	defer sweep.Stop()
	defer again.Stop()
	for checked := r.check(ctx); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.wake:
		case <-again.C:
		case <-sweep.C:
			r.sweep()
		}
		if r.feed.elapsed()-checked >= checkEvery {
			checked = r.check(ctx)
		}
		if r.read(ctx) {
			again.Reset(askAgain)
		}
	}
}

// Heard implements Hearer.
func (r *Receiver) Heard(campaign string, message []byte) {
	r.metrics.heard.Inc()
	r.metrics.bytes.Add(float64(len(message)))
	r.mu.Lock()
	w, left := r.wants[campaign], r.left[campaign]
	r.mu.Unlock()
	if w == nil {
		if left == 0 {
			r.metrics.foreign.Inc()
		}
		return
	}
	w.last.Store(int64(r.feed.elapsed()))
	r.take(campaign, message)
}

// Joined implements Hearer.
func (r *Receiver) Joined(campaign string) { r.look(campaign) }

// Relayed implements Hearer.
func (r *Receiver) Relayed() { r.relayed.Store(int64(r.feed.elapsed())) }

// look has a campaign's kept state read soon.
func (r *Receiver) look(campaign string) {
	r.mu.Lock()
	if r.wants[campaign] != nil {
		r.reads[campaign] = struct{}{}
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default: // it is awake already
	}
}

// take learns what a message or a kept state tells.
func (r *Receiver) take(campaign string, message []byte) {
	s, err := parseAccount(message, campaign)
	if err != nil {
		r.metrics.damaged.Inc()
		return
	}
	p := r.part(campaign)
	p.mu.Lock()
	reel := p.reel(r.feed, campaign)
	ok := reel.learn(&s)
	reel.hearOwn(s.own)
	p.mu.Unlock()
	r.feed.rouse()
	if !ok {
		r.metrics.gaps.Inc()
		r.look(campaign)
	}
}

// read reads the kept states that are to be read, and asks relays for those that
// nobody keeps, or that are older than what is known. It reports whether it has to
// be done again.
func (r *Receiver) read(ctx context.Context) (again bool) {
	r.mu.Lock()
	ids := slices.Collect(maps.Keys(r.reads))
	r.mu.Unlock()
	for some := range slices.Chunk(ids, atOnce) {
		within, cancel := context.WithTimeout(ctx, readWithin)
		states, err := r.cfg.Channels.States(within, some)
		if err == nil {
			if missing := r.takeStates(some, states); len(missing) > 0 {
				again = true
				err = r.cfg.Channels.Ask(within, missing)
			}
		}
		cancel()
		if err != nil {
			r.metrics.failed.Inc()
			return true
		}
	}
	return again
}

// takeStates learns kept states, and returns the campaigns that more is to be
// known of than is kept.
func (r *Receiver) takeStates(ids []string, states [][]byte) (missing []string) {
	for i, id := range ids {
		r.metrics.reads.Inc()
		if states[i] != nil {
			r.take(id, states[i])
		}
		ev, _ := accountEnds(states[i])
		known, none := r.known(id)
		if states[i] != nil && ev >= known || none {
			r.mu.Lock()
			delete(r.reads, id)
			r.mu.Unlock()
			continue
		}
		missing = append(missing, id)
	}
	return missing
}

// known is the last event of a campaign that this node knows.
func (r *Receiver) known(campaign string) (ev int64, none bool) {
	p := r.part(campaign)
	p.mu.Lock()
	defer p.mu.Unlock()
	if reel := p.reels[campaign]; reel != nil {
		return reel.now.ev, reel.none
	}
	return 0, false
}

// check holds what is known of campaigns that were silent against what is kept:
// the last message before a silence may have been lost. It returns when it did so,
// or an earlier time so that it is tried again in a second.
func (r *Receiver) check(ctx context.Context) (done time.Duration) {
	var ids []string
	now := r.feed.elapsed()
	r.mu.Lock()
	for id, w := range r.wants {
		if now-time.Duration(w.last.Load()) >= checkEvery/2 {
			ids = append(ids, id)
		}
	}
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	ends, err := r.cfg.Channels.Ends(ctx, ids)
	if err != nil {
		r.metrics.failed.Inc()
		return now - checkEvery + time.Second
	}
	missed := false
	for i, id := range ids {
		known, none := r.known(id)
		if ev, ok := accountEnds(ends[i]); ok && ev != known || !ok && !none {
			missed = missed || ok && ev > known && known > 0
			r.look(id)
		}
	}
	if missed { // its messages may come to a server that is the master no more
		r.metrics.missed.Inc()
		r.cfg.Channels.Renew()
	}
	return now
}

// sweep leaves the campaigns that nobody has watched or asked for lately.
func (r *Receiver) sweep() {
	now := r.feed.elapsed()
	var leave []string
	r.mu.Lock()
	for id, w := range r.wants {
		if r.unused(id, w, now) {
			delete(r.wants, id)
			delete(r.reads, id)
			r.left[id] = now
			leave = append(leave, id)
		}
	}
	for id, at := range r.left {
		if now-at > linger {
			delete(r.left, id)
		}
	}
	if len(leave) > 0 {
		r.cfg.Channels.Part(leave)
	}
	r.mu.Unlock()
}

// unused reports whether nobody needs a campaign any more, and forgets its reel
// then. Called with mu held.
func (r *Receiver) unused(id string, w *want, now time.Duration) bool {
	p := r.part(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	reel := p.reels[id]
	if w.uses.Load() > 0 || reel != nil && (reel.watchers > 0 || reel.dirty) {
		w.idle = now
		return false
	}
	if now-w.idle < linger {
		return false
	}
	delete(p.reels, id)
	return true
}

// receiverMetrics are the receiver's part of this room's metrics.
type receiverMetrics struct {
	heard, bytes, foreign, damaged, gaps, missed, reads, failed prometheus.Counter
}

func newReceiverMetrics(reg prometheus.Registerer, r *Receiver) *receiverMetrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "firstcome_cache_receiver_" + name + "_total", Help: help})
		if reg != nil {
			reg.MustRegister(c)
		}
		return c
	}
	if reg != nil {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "firstcome_cache_receiver_campaigns", Help: "Campaigns whose messages come to this node.",
		}, func() float64 {
			r.mu.Lock()
			defer r.mu.Unlock()
			return float64(len(r.wants))
		}))
	}
	return &receiverMetrics{
		heard:   counter("messages", "Messages from nodes that follow the log."),
		bytes:   counter("bytes", "Bytes of those messages."),
		foreign: counter("foreign", "Messages of campaigns that nobody on this node watches: there should be none."),
		damaged: counter("damaged", "Messages that were not understood."),
		gaps:    counter("gaps", "Messages before which something was missing; the kept state healed it."),
		missed:  counter("missed", "Looks that found a last message lost."),
		reads:   counter("reads", "Kept states that were read."),
		failed:  counter("failures", "Questions that Redis did not answer."),
	}
}
