package redisgate

import (
	"context"
	"errors"
	"time"

	redsync "github.com/go-redsync/redsync/v4/redis"
	"github.com/redis/go-redis/v9"
)

// lockPool is what one Redsync mutex stands on: its commands leave with the pipelines of
// all other callers, and honour their context to the millisecond.
type lockPool struct {
	client *Client
	// refused: the only SET NX of this mutex was answered "taken". Its value is in no
	// key then, so the release that Redsync sends after every miss can find nothing and
	// need not travel. Used by one goroutine at a time, as Redsync goes step by step.
	refused bool
}

var _ redsync.Pool = (*lockPool)(nil)

// Get returns a connection that is bound to ctx, for Redsync's one call.
func (p *lockPool) Get(ctx context.Context) (redsync.Conn, error) { return &lockConn{ctx, p}, nil }

// lockConn carries a context because Redsync's interface hands it over with the
// connection, and lives as long as one call.
type lockConn struct {
	ctx  context.Context
	pool *lockPool
}

func (c *lockConn) SetNX(name, value string, expiry time.Duration) (bool, error) {
	_, err := c.pool.client.do(c.ctx, "set", name, value, "px", expiry.Milliseconds(), "nx")
	if errors.Is(err, redis.Nil) {
		c.pool.refused = true
		return false, nil
	}
	return err == nil, err
}

// Eval runs Redsync's release and extend scripts; both answer 0 when another holds the lock.
func (c *lockConn) Eval(s *redsync.Script, keysAndArgs ...any) (any, error) {
	if c.pool.refused {
		return int64(0), nil
	}
	client := c.pool.client
	if s.Hash == releaseSHA && len(keysAndArgs) == 2 {
		key, _ := keysAndArgs[0].(string)
		value, _ := keysAndArgs[1].(string)
		return client.unlocks.give(c.ctx, key, value)
	}
	client.remember(script{s.Src, s.Hash})
	args := append([]any{"evalsha", s.Hash, s.KeyCount}, keysAndArgs...)
	return client.do(c.ctx, args...)
}

func (c *lockConn) Get(name string) (string, error) {
	v, err := c.pool.client.do(c.ctx, "get", name)
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	s, _ := v.(string)
	return s, err
}

func (c *lockConn) Set(name, value string) (bool, error) {
	_, err := c.pool.client.do(c.ctx, "set", name, value)
	return err == nil, err
}

func (c *lockConn) PTTL(name string) (time.Duration, error) {
	v, err := c.pool.client.do(c.ctx, "pttl", name)
	ms, _ := v.(int64)
	return time.Duration(ms) * time.Millisecond, err
}

// ScriptLoad only remembers: scripts are loaded where and when one is missing.
func (c *lockConn) ScriptLoad(s *redsync.Script) error {
	c.pool.client.remember(script{s.Src, s.Hash})
	return nil
}

func (c *lockConn) Close() error { return nil }
