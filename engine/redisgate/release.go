package redisgate

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// releaseSHA is Redsync's release script. Its calls are brought together by releases; if
// a later Redsync has another one, it runs as it is, one call a lock.
const releaseSHA = "e950836ed1e694540c503ef9972b8de518044d3b"

// releases brings the releases of a campaign's locks together: those that meet while a
// round trip is under way become one call of unlock.lua. A script call costs more than
// what it does, on the Redis in the process by far.
type releases struct {
	client *Client

	mu     sync.Mutex               // held for a few instructions; guards gathering
	crowds map[string]*releaseCrowd // by hash tag
}

// releaseCrowd is the order of locks that are given back together.
type releaseCrowd struct {
	home  *releases
	tag   string
	locks []*release // guarded by home.mu until the crowd leaves, then its flight's own
	cmd   *redis.Cmd
}

// release is one lock to be given back.
type release struct {
	key, value string
	answer     chan released // of one
}

type released struct {
	status int64
	err    error
}

// give gives a lock back and returns what unlock.lua says of it.
func (r *releases) give(ctx context.Context, key, value string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	me := &release{key: key, value: value, answer: make(chan released, 1)}
	if err := r.join(me); err != nil {
		return 0, err
	}
	select {
	case a := <-me.answer:
		return a.status, a.err
	case <-ctx.Done():
		return 0, ctx.Err() // it is sent all the same, so that the lock need not expire
	}
}

func (r *releases) join(me *release) error {
	tag := hashTag(me.key)
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.crowds[tag]; c != nil && len(c.locks) < batchLimit {
		c.locks = append(c.locks, me)
		return nil
	}
	c := &releaseCrowd{home: r, tag: tag, locks: []*release{me}}
	if err := r.client.batcher.add(c); err != nil {
		return err
	}
	r.crowds[tag] = c
	return nil
}

// hashTag is what Redis Cluster takes of a key to find its slot; keys with the same tag
// may share a script call.
func hashTag(key string) string {
	if _, behind, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(behind, "}"); ok && tag != "" {
			return tag
		}
	}
	return key
}

// call ends the gathering.
func (c *releaseCrowd) call() *redis.Cmd {
	c.home.mu.Lock()
	if c.home.crowds[c.tag] == c {
		delete(c.home.crowds, c.tag)
	}
	c.home.mu.Unlock()
	args := make([]any, 3, 3+2*len(c.locks))
	args[0], args[1], args[2] = "evalsha", unlockScript.sha, len(c.locks)
	for _, l := range c.locks {
		args = append(args, l.key)
	}
	for _, l := range c.locks {
		args = append(args, l.value)
	}
	c.cmd = redis.NewCmd(context.Background(), args...)
	return c.cmd
}

// done tells every caller about its own lock.
func (c *releaseCrowd) done() {
	statuses, err := c.cmd.Int64Slice()
	if err == nil && len(statuses) != len(c.locks) {
		err = errors.New("unlock.lua did not answer for every lock")
	}
	for i, l := range c.locks {
		if err != nil {
			l.answer <- released{0, err}
			continue
		}
		l.answer <- released{statuses[i], nil}
	}
}
