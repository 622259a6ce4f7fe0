package watch

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// perAddress is how many of a crowd share one address: the doors let 500 in.
const perAddress = 450

// Crowd is watchers under way together.
type Crowd struct {
	Watchers []*Watcher
	cancel   context.CancelFunc
	all      sync.WaitGroup
}

// gathered counts the crowds, so that no two of the last hundred come from the
// same addresses.
var gathered atomic.Uint32

// Gather makes n watchers, each as make says, from as many loopback addresses of
// their own as the doors' limit asks for. They do nothing yet.
func Gather(n int, make func(i int) *Watcher) *Crowd {
	c, block := &Crowd{}, byte(1+gathered.Add(1)%100)
	for i := range n {
		w := make(i)
		w.From = net.IPv4(127, block, byte(i/perAddress/250), byte(1+i/perAddress%250))
		c.Watchers = append(c.Watchers, w)
	}
	return c
}

// Start lets all of them connect, so many a second; 0: all at once.
func (c *Crowd) Start(ctx context.Context, perSecond int) {
	ctx, c.cancel = context.WithCancel(ctx)
	for i, w := range c.Watchers {
		wait := time.Duration(0)
		if perSecond > 0 {
			wait = time.Duration(i) * time.Second / time.Duration(perSecond)
		}
		c.all.Go(func() {
			select {
			case <-time.After(wait):
				w.Run(ctx)
			case <-ctx.Done():
			}
		})
	}
}

// Stop hangs up for all of them and waits until they have.
func (c *Crowd) Stop() {
	if c.cancel != nil {
		c.cancel()
	}
	c.all.Wait()
}

// Until waits until every watcher fulfils want; the error says how many do not.
func (c *Crowd) Until(ctx context.Context, what string, want func(*Watcher) bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	done := 0
	for {
		for done < len(c.Watchers) && want(c.Watchers[done]) {
			done++
		}
		if done == len(c.Watchers) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			late := 0
			for _, w := range c.Watchers {
				if !want(w) {
					late++
				}
			}
			return fmt.Errorf("%d of %d watchers are not %s: %w", late, len(c.Watchers), what, context.Cause(ctx))
		}
	}
}

// Frames is how many count, status and cap frames have arrived in all.
func (c *Crowd) Frames() (n int64) {
	for _, w := range c.Watchers {
		n += int64(w.Page().Frames)
	}
	return n
}

// Wrong lists what broke the contract, of a few watchers.
func (c *Crowd) Wrong() (all []string) {
	for i, w := range c.Watchers {
		for _, s := range w.Page().Wrong {
			if len(all) < wrongMost {
				all = append(all, fmt.Sprintf("watcher %d of %s: %s", i, w.Campaign, s))
			}
		}
	}
	return all
}
