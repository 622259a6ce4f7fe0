package redisgate

import (
	"context"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// single is an order of one caller.
type single struct {
	cmd      *redis.Cmd
	left     atomic.Bool // the caller is gone: do not send
	answered chan struct{}
}

func (s *single) call() *redis.Cmd {
	if s.left.Load() {
		return nil
	}
	return s.cmd
}

func (s *single) done() { close(s.answered) }

// do sends a call with the next pipeline and returns its answer. At ctx' end it returns
// ctx' error: the call was not sent, or its outcome is unknown.
func (c *Client) do(ctx context.Context, args ...any) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := &single{cmd: redis.NewCmd(context.Background(), args...), answered: make(chan struct{})}
	if err := c.batcher.add(s); err != nil {
		return nil, err
	}
	select {
	case <-s.answered:
		return s.cmd.Result()
	case <-ctx.Done():
		s.left.Store(true)
		return nil, ctx.Err()
	}
}
