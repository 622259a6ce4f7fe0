package relayredis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"firstcome/cache"
)

const (
	// silence is how long a connection may say nothing before it is asked for a sign
	// of life, and how long that may take. A relay says something twice a second.
	silence = time.Second
	// again is the least time between two connections; it varies from node to node.
	again = 100 * time.Millisecond
	// joinMost is how many channels one command names.
	joinMost = 500
)

// Run hears the campaigns that are joined, until ctx ends.
func (c *Client) Run(ctx context.Context, hearer cache.Hearer) error {
	return c.listen(ctx, func(ctx context.Context, sub *redis.PubSub) error {
		ordering, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- c.send(ordering, sub) }()
		err := c.hear(ctx, sub, func(m any) { c.pass(hearer, m) })
		stop()
		c.offline()
		return errors.Join(err, <-done)
	}, c.joined)
}

// joined is every channel that a new connection begins with.
func (c *Client) joined() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.online, c.orders, c.renew = true, nil, false
	channels := []string{c.news}
	for id := range c.wanted {
		channels = append(channels, c.news+id)
	}
	return channels
}

func (c *Client) offline() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.online, c.orders = false, nil
}

// pass tells the hearer what came.
func (c *Client) pass(hearer cache.Hearer, m any) {
	switch m := m.(type) {
	case *redis.Subscription:
		if id := strings.TrimPrefix(m.Channel, c.news); id != "" && m.Kind == "subscribe" {
			hearer.Joined(id)
		}
	case *redis.Message:
		if id := strings.TrimPrefix(m.Channel, c.news); id != "" {
			hearer.Heard(id, []byte(m.Payload))
			return
		}
		hearer.Relayed()
	}
}

// Join has the campaigns' messages come.
func (c *Client) Join(campaigns []string) { c.order(campaigns, true) }

// Part has them come no more.
func (c *Client) Part(campaigns []string) { c.order(campaigns, false) }

func (c *Client) order(campaigns []string, join bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range campaigns {
		if join {
			c.wanted[id] = struct{}{}
		} else {
			delete(c.wanted, id)
		}
		if c.online {
			c.orders = append(c.orders, order{id, join})
		}
	}
	c.rouse()
}

// Renew makes the connection anew.
func (c *Client) Renew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renew = true
	c.rouse()
}

func (c *Client) rouse() {
	select {
	case c.work <- struct{}{}:
	default: // it is awake already
	}
}

var errRenew = errors.New("messages were lost on this connection")

// send sends orders as they come, until ctx ends or the connection breaks.
func (c *Client) send(ctx context.Context, sub *redis.PubSub) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.work:
		}
		c.mu.Lock()
		orders, renew := c.orders, c.renew
		c.orders = nil
		c.mu.Unlock()
		err := c.sendAll(ctx, sub, orders)
		if renew {
			err = errRenew
		}
		if err != nil {
			_ = sub.Close() // the hearer notices, and a new connection begins with everything
			return err
		}
	}
}

// sendAll sends orders in their order, those of one kind that follow one another
// as one command.
func (c *Client) sendAll(ctx context.Context, sub *redis.PubSub, orders []order) error {
	for len(orders) > 0 {
		join, channels := orders[0].join, []string(nil)
		for len(orders) > 0 && orders[0].join == join && len(channels) < joinMost {
			channels = append(channels, c.news+orders[0].campaign)
			orders = orders[1:]
		}
		do := sub.Unsubscribe
		if join {
			do = sub.Subscribe
		}
		if err := do(ctx, channels...); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	return nil
}

// Asked hears which campaigns receivers ask for.
func (c *Client) Asked(ctx context.Context, asked func(campaign string), anew func()) error {
	return c.listen(ctx, func(ctx context.Context, sub *redis.PubSub) error {
		return c.hear(ctx, sub, func(m any) {
			switch m := m.(type) {
			case *redis.Subscription:
				anew()
			case *redis.Message:
				asked(m.Payload)
			}
		})
	}, func() []string { return []string{c.asks} })
}

// listen keeps a connection with some channels until ctx ends.
func (c *Client) listen(ctx context.Context, use func(context.Context, *redis.PubSub) error, channels func() []string) error {
	for ctx.Err() == nil {
		if err := c.once(ctx, use, channels()); err != nil && ctx.Err() == nil {
			c.logger.DebugContext(ctx, "a connection that carries news ended; there will be another", "room", "cache", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(again + rand.N(again)):
		}
	}
	return nil
}

func (c *Client) once(ctx context.Context, use func(context.Context, *redis.PubSub) error, channels []string) error {
	sub := c.driver.Subscribe(ctx) // connects with the first channel
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	for some := range slices.Chunk(channels, joinMost) {
		if err := sub.Subscribe(ctx, some...); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	return use(ctx, sub)
}

// hear passes on what comes on one connection until it breaks.
func (c *Client) hear(ctx context.Context, sub *redis.PubSub, pass func(any)) error {
	for asked := false; ; {
		got, err := sub.ReceiveTimeout(ctx, silence)
		switch {
		case err == nil:
			asked = false
			pass(got)
		case !isTimeout(err):
			return err
		case asked:
			return errors.New("there is no sign of life")
		default:
			asked = true
			if err := sub.Ping(ctx); err != nil {
				return err
			}
		}
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}
