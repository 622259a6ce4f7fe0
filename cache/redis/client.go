package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/prometheus/client_golang/prometheus"
	driver "github.com/redis/go-redis/v9"

	"firstcome/cache"
)

const (
	callTimeout = 150 * time.Millisecond
	// failuresMost in a row open the breaker, for breakFor; then one call may look.
	failuresMost = 3
	breakFor     = time.Second
)

// ErrAway says that Redis did not answer a moment ago; this call was not sent.
var ErrAway = errors.New("redis is away")

// Config of a client. The zero value is useful.
type Config struct {
	Logger  *slog.Logger          // nil: silent
	Metrics prometheus.Registerer // nil: not registered
}

// Client is a connection to one Redis, however it is run. It is the cache's Store and
// Bus. All methods may be called at once.
type Client struct {
	driver  driver.UniversalClient
	breaker circuitbreaker.CircuitBreaker[any]
	channel string
	logger  *slog.Logger
	metrics *metrics
}

var (
	_ cache.Store = (*Client)(nil)
	_ cache.Bus   = (*Client)(nil)
)

// Connect makes a client. It starts and dials nothing: a Redis that is away at the
// start is no error. Close it in the end.
func Connect(a Address, cfg Config) *Client {
	c := &Client{driver: a.open(), channel: "fc:changes:" + strconv.Itoa(a.DB), logger: cfg.Logger, metrics: newMetrics(cfg.Metrics)}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	c.breaker = circuitbreaker.NewBuilder[any]().WithFailureThreshold(failuresMost).WithDelay(breakFor).WithSuccessThreshold(1).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) { c.changed(e.NewState) }).Build()
	return c
}

func (c *Client) changed(to circuitbreaker.State) {
	switch to {
	case circuitbreaker.OpenState:
		c.metrics.up.Set(0)
		c.logger.Debug("redis is away: copies are read from memory, or from the source", "room", "cache")
	case circuitbreaker.ClosedState:
		c.metrics.up.Set(1)
		c.logger.Debug("redis answers", "room", "cache")
	}
}

// Close ends all connections. Listen must have ended.
func (c *Client) Close() error {
	if err := c.driver.Close(); err != nil {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

// Get returns what is kept; nil when there is nothing.
func (c *Client) Get(ctx context.Context, key cache.Key) (value []byte, err error) {
	err = c.call(ctx, "get", func(ctx context.Context) (err error) {
		value, err = c.driver.Get(ctx, key.String()).Bytes()
		if errors.Is(err, driver.Nil) {
			return nil
		}
		return err
	})
	return value, err
}

// Keep replaces what is kept, unless that has a higher version.
func (c *Client) Keep(ctx context.Context, key cache.Key, value []byte, life time.Duration) error {
	return c.call(ctx, "keep", func(ctx context.Context) error {
		return keepScript.Run(ctx, c.driver, []string{key.String()}, value, life.Milliseconds()).Err()
	})
}

// Append adds to what is kept if that is exactly have bytes long.
func (c *Client) Append(ctx context.Context, key cache.Key, have int, more []byte, life time.Duration) (done bool, err error) {
	err = c.call(ctx, "append", func(ctx context.Context) error {
		n, err := appendScript.Run(ctx, c.driver, []string{key.String()}, have, more, life.Milliseconds()).Int()
		done = n == 1
		return err
	})
	return done, err
}

// Tell sends a message to all who listen.
func (c *Client) Tell(ctx context.Context, message []byte) error {
	return c.call(ctx, "tell", func(ctx context.Context) error { return c.driver.Publish(ctx, c.channel, message).Err() })
}

// call runs one call within its time, unless the breaker is open. A caller that has
// gone does not cut it short: what Redis is worth is learned from whole calls.
func (c *Client) call(ctx context.Context, name string, f func(context.Context) error) error {
	if !c.breaker.TryAcquirePermit() {
		c.metrics.calls.WithLabelValues(name, "refused").Inc()
		return ErrAway
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	start := time.Now()
	err := f(ctx)
	c.metrics.took.WithLabelValues(name).Observe(time.Since(start).Seconds())
	if err != nil {
		c.breaker.RecordFailure()
		c.metrics.calls.WithLabelValues(name, "failed").Inc()
		return fmt.Errorf("redis %s: %w", name, err)
	}
	c.breaker.RecordSuccess()
	c.metrics.calls.WithLabelValues(name, "ok").Inc()
	return nil
}
