package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
)

// crew runs what lives long in one group and ends it in the order in which it
// was added: who gives work ends before who takes it.
type crew struct {
	log     *slog.Logger
	members []*member
}

// member is one line of the list of what runs.
type member struct {
	name string
	run  func(context.Context) error
	stop context.CancelFunc
	done chan struct{}
}

// add puts something that lives long at the end of the list. run must return
// when its context ends and everything that it started has ended.
func (c *crew) add(name string, run func(context.Context) error) {
	c.members = append(c.members, &member{name: name, run: run, done: make(chan struct{})})
}

// run starts everybody at once. When ctx ends, or somebody returns by himself,
// all end one after the other; the whole end takes patience at most, then
// whoever is left is named and left behind. The error is the first one's.
func (c *crew) run(ctx context.Context, patience time.Duration) error {
	group, ended := errgroup.WithContext(ctx)
	for _, m := range c.members {
		// Cancelling ctx asks for an end in order, so it must not reach them all at once.
		own, stop := context.WithCancel(context.WithoutCancel(ctx))
		m.stop = stop
		group.Go(func() error {
			defer close(m.done)
			err := m.run(own)
			switch {
			case own.Err() != nil && (err == nil || errors.Is(err, context.Canceled)):
				return nil
			case err == nil:
				return fmt.Errorf("%s ended by itself", m.name)
			}
			return fmt.Errorf("%s: %w", m.name, err)
		})
	}
	<-ended.Done()
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	left := c.endInOrder(limit)
	if left != nil {
		return errors.Join(context.Cause(ended), left)
	}
	return group.Wait()
}

// endInOrder stops one after the other, and names the first that does not end.
func (c *crew) endInOrder(limit context.Context) error {
	for _, m := range c.members {
		start := time.Now()
		m.stop()
		select {
		case <-m.done:
			c.log.Debug("ended", "room", "cmd", "what", m.name, "took", time.Since(start))
		case <-limit.Done():
			for _, m := range c.members {
				m.stop()
			}
			return fmt.Errorf("%s did not end in time", m.name)
		}
	}
	return nil
}
