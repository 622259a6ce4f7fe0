package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

var (
	errDead = errors.New("the process is dead")
	errCut  = errors.New("the link is cut")
	errLost = errors.New("the reply was lost")
)

// dice is the seed's randomness, shared by everything in one world.
type dice struct {
	mu   sync.Mutex
	rand *rand.Rand
}

func newDice(seed uint64, stream uint64) *dice {
	return &dice{rand: rand.New(rand.NewPCG(seed, stream))}
}

// below returns a number in [0, n).
func (d *dice) below(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rand.IntN(n)
}

// chance is true in p of a thousand cases.
func (d *dice) chance(p int) bool { return p > 0 && d.below(1000) < p }

// between returns a duration in [from, to), to the nanosecond, so that two
// events hardly ever fall together.
func (d *dice) between(from, to time.Duration) time.Duration {
	if to <= from {
		return from
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return from + time.Duration(d.rand.Int64N(int64(to-from)))
}

// host is the machine of one process: alive or dead, running or frozen, with a
// link to each service. Whatever a process does to the world goes through it.
type host struct {
	dice *dice
	mu   sync.Mutex
	// guarded by mu
	dead   bool
	frozen bool
	links  [services]link
	news   chan struct{} // closed at every change
}

type service int

// The services that a link may lead to.
const (
	toLog service = iota
	toGate
	toBook
	services
)

// link is one way of a host.
type link struct {
	cut  bool
	slow time.Duration // the longest delay of one way
	lose int           // replies lost in a thousand
}

const usualDelay = 2 * time.Millisecond

func newHost(d *dice) *host { return &host{dice: d, news: make(chan struct{})} }

// change alters the host's state and tells who waits for it.
func (h *host) change(f func(h *host)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h)
	close(h.news)
	h.news = make(chan struct{})
}

// thawed waits while the process is frozen: no deadline of its own passes for
// it meanwhile. Its errors are errDead and the context's.
func (h *host) thawed(ctx context.Context) error {
	for {
		h.mu.Lock()
		dead, frozen, news := h.dead, h.frozen, h.news
		h.mu.Unlock()
		switch {
		case dead:
			return errDead
		case !frozen:
			return ctx.Err()
		}
		<-news
	}
}

// travel takes one way over the link: a delay, and an error where it is cut or
// the process is dead.
func (h *host) travel(ctx context.Context, to service) error {
	h.mu.Lock()
	l := h.links[to]
	h.mu.Unlock()
	if err := sleep(ctx, h.dice.between(10*time.Microsecond, max(usualDelay, l.slow))); err != nil {
		return err
	}
	if err := h.thawed(ctx); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.links[to].cut {
		return errCut
	}
	return nil
}

// open waits until the link is whole.
func (h *host) open(ctx context.Context, to service) error {
	for {
		h.mu.Lock()
		dead, cut, news := h.dead, h.links[to].cut, h.news
		h.mu.Unlock()
		switch {
		case dead:
			return errDead
		case !cut:
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// loses says whether this reply is lost.
func (h *host) loses(to service) bool {
	h.mu.Lock()
	p := h.links[to].lose
	h.mu.Unlock()
	return h.dice.chance(p)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
