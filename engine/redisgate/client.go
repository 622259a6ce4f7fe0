package redisgate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"firstcome/engine"
)

const (
	heartbeat = time.Second
	// gatherLimit bounds the calls that wait for a pipeline. When it is full a call is
	// answered ErrBusy at once; the claim goes on as if the gate were away.
	gatherLimit = 16384
)

var (
	// ErrBusy says that too many calls wait already; this one was not sent.
	ErrBusy = errors.New("too many calls to redis wait already")
	// ErrClosed says that the client was closed; the call was not sent.
	ErrClosed = errors.New("the redis client is closed")
)

// Config of a client. The zero value is useful.
type Config struct {
	Logger  *slog.Logger          // nil: silent
	Metrics prometheus.Registerer // nil: not registered
}

// Client is a connection to one Redis, however it is run. It is the engine's
// TimeSource, and what Gate, Locker and Counter stand on. All methods may be called
// at once.
type Client struct {
	address Address
	driver  redis.UniversalClient
	logger  *slog.Logger
	metrics *metrics
	batcher *batcher
	unlocks *releases
	scripts sync.Map // SHA -> source

	mu     sync.Mutex // held for a few instructions; guards closed, and strays from growing after it
	closed bool
	strays sync.WaitGroup // goroutines in within; some finish a call whose caller has left
}

var _ engine.TimeSource = (*Client)(nil)

// Connect makes a client for the address that the URL names (see ParseURL). It starts
// and dials nothing: the first call does, so a Redis that is away at the start is no
// error. Close it in the end.
func Connect(url string, cfg Config) (*Client, error) {
	address, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	c := &Client{address: address, driver: address.Open(), logger: cfg.Logger, metrics: newMetrics()}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Metrics != nil {
		if err := c.metrics.register(cfg.Metrics); err != nil {
			return nil, errors.Join(fmt.Errorf("register the gate's metrics: %w", err), c.driver.Close())
		}
	}
	c.batcher = &batcher{send: c.send, metrics: c.metrics}
	c.unlocks = &releases{client: c, crowds: make(map[string]*releaseCrowd)}
	for _, s := range []script{leaseScript, flushScript, readScript, unlockScript} {
		c.remember(s)
	}
	return c, nil
}

// Run knocks once a second until ctx ends, and then returns nil. Without traffic a
// driver whose master and sentinel died together would never look for the new ones;
// the knock is that traffic. It also says in the log when Redis goes and comes back.
func (c *Client) Run(ctx context.Context) error {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	up := true
	for {
		err := c.Ping(ctx)
		if ctx.Err() != nil {
			return nil
		}
		switch {
		case err != nil && up:
			c.logger.WarnContext(ctx, "redis is away: claims go on without the gate", "room", "engine", "err", err)
		case err == nil && !up:
			c.logger.InfoContext(ctx, "redis is back", "room", "engine")
		}
		up = err == nil
		c.metrics.setUp(up)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Close refuses the calls that come later and those that still wait for a pipeline, waits
// for those under way, which a Redis that hangs makes a second at most, and closes every
// connection. It may be called again. Run must have ended.
func (c *Client) Close() error {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if closed {
		return nil
	}
	c.batcher.close()
	err := c.driver.Close()
	c.strays.Wait()
	if err != nil {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

// Address says where this client's Redis is.
func (c *Client) Address() Address { return c.address }

// Ping asks for a sign of life: of the master, in a cluster of one node.
func (c *Client) Ping(ctx context.Context) error {
	_, err := within(ctx, c, "ping", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.driver.Ping(ctx).Err()
	})
	return err
}

// Now returns Redis' own time, as it was at some moment during the call.
func (c *Client) Now(ctx context.Context) (time.Time, error) {
	return within(ctx, c, "time", func(ctx context.Context) (time.Time, error) {
		return c.driver.Time(ctx).Result()
	})
}

// within runs a call to the driver and returns its answer, or at ctx' end ctx' error:
// the driver obeys contexts while reading and writing, but not always while it dials
// or asks a sentinel. What was left behind ends by the driver's timeouts.
func within[T any](ctx context.Context, c *Client, name string, call func(context.Context) (T, error)) (T, error) {
	start := time.Now()
	value, err := race(ctx, c, call)
	c.metrics.observe(name, start, err)
	if err != nil {
		return value, fmt.Errorf("redis %s: %w", name, err)
	}
	return value, nil
}

func race[T any](ctx context.Context, c *Client, call func(context.Context) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	answers := make(chan answer, 1)
	started := c.stray(func() {
		value, err := call(ctx)
		answers <- answer{value, err}
	})
	if !started {
		return none, ErrClosed
	}
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// stray starts a goroutine that Close waits for, unless the client is closed.
func (c *Client) stray(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.strays.Go(f)
	return true
}

// send runs calls as one pipeline and leaves each call's answer or error in it. Calls of
// scripts that the server does not know were not carried out: it is given the scripts
// and these calls alone are sent once more.
func (c *Client) send(ctx context.Context, calls []*redis.Cmd) {
	c.exec(ctx, calls)
	var again []*redis.Cmd
	for _, call := range calls {
		if code(call.Err()) == "NOSCRIPT" {
			again = append(again, call)
		}
	}
	if len(again) == 0 {
		return
	}
	if err := c.load(ctx, again); err != nil {
		for _, call := range again {
			call.SetErr(fmt.Errorf("load scripts: %w", err))
		}
		return
	}
	c.exec(ctx, again)
}

func (c *Client) exec(ctx context.Context, calls []*redis.Cmd) {
	pipe := c.driver.Pipeline()
	for _, call := range calls {
		_ = pipe.Process(ctx, once{call}) // only queues; it cannot fail
	}
	_, _ = pipe.Exec(ctx) // each call holds its own error
}
