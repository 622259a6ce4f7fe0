package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"time"

	driver "github.com/redis/go-redis/v9"
)

const (
	// silence is how long a connection may say nothing before it is asked for a sign
	// of life, and how long that may take.
	silence = time.Second
	// again is the least time between two connections; it varies from node to node.
	again = 100 * time.Millisecond
)

// Listen calls heard with every message until ctx ends, and then returns nil. After each
// (re)connection it calls heard(nil) first: what came before is lost.
func (c *Client) Listen(ctx context.Context, heard func(message []byte)) error {
	for ctx.Err() == nil {
		if err := c.hear(ctx, heard); err != nil && ctx.Err() == nil {
			c.metrics.reconnects.Inc()
			c.logger.DebugContext(ctx, "the connection that tells of changes ended; copies live shortly until there is another",
				"room", "cache", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(again + rand.N(again)):
		}
	}
	return nil
}

// hear listens on one connection until it breaks.
func (c *Client) hear(ctx context.Context, heard func(message []byte)) error {
	sub := c.driver.Subscribe(ctx) // connects with the first channel
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	if err := sub.Subscribe(ctx, c.channel); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	for asked := false; ; {
		got, err := sub.ReceiveTimeout(ctx, silence)
		switch {
		case err == nil:
			asked = false
		case !isTimeout(err):
			return err
		case asked:
			return errors.New("there is no sign of life")
		default:
			asked = true
			if err := sub.Ping(ctx); err != nil {
				return err
			}
			continue
		}
		switch m := got.(type) {
		case *driver.Subscription:
			heard(nil)
		case *driver.Message:
			heard([]byte(m.Payload))
		}
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}
