package redisgate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-redsync/redsync/v4"

	"firstcome/engine"
)

const (
	minExpiry = 10 * time.Millisecond
	maxExpiry = time.Hour
	maxName   = 512
	// attempt bounds one try of Redsync; the caller's context is usually shorter.
	attempt = 250 * time.Millisecond
)

// Locker takes Redsync locks on a client: SET NX PX with a random value, released and
// extended only by who knows the value. There is one pool, Sentinel's master or the
// slot's master, so the quorum is one; a failover may lose a lock and two may hold it.
// Nothing relies on locks (see engine.Locker).
type Locker struct{ client *Client }

var _ engine.Locker = (*Locker)(nil)

// NewLocker returns the locker of a client.
func NewLocker(c *Client) *Locker { return &Locker{c} }

// TryLock tries once to take the lock. The engine builds the name: {campaign}:lk:<member>
// for a member's window (the braces keep it in the campaign's slot), lk:<what> for the
// scheduler, a ledger writer, an admin's edit; a prefix fc: is put before it unless it
// has one. engine.ErrTaken says that somebody holds it for sure; any other error that it
// cannot be known: it may even be held by nobody but us, until it expires.
//
// expiry is 10 ms to an hour; one try takes at most a quarter of it, or 250 ms.
func (l *Locker) TryLock(ctx context.Context, name string, expiry time.Duration) (engine.Lock, error) {
	if name == "" || len(name) > maxName {
		return nil, fmt.Errorf("a lock's name has %d bytes, not 1 to %d", len(name), maxName)
	}
	if expiry < minExpiry || expiry > maxExpiry {
		return nil, fmt.Errorf("lock %s: an expiry of %v, not %v to %v", name, expiry, minExpiry, maxExpiry)
	}
	start := time.Now()
	mutex := redsync.New(&lockPool{client: l.client}).NewMutex(lockKey(name),
		redsync.WithExpiry(expiry),
		redsync.WithTimeoutFactor(min(0.25, float64(attempt)/float64(expiry))))
	err := mutex.TryLockContext(ctx)
	var taken *redsync.ErrTaken
	if errors.As(err, &taken) {
		err = engine.ErrTaken
	}
	l.client.metrics.observe("lock", start, err)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return &lock{l.client, mutex}, nil
}

// lock is a lock that was taken. Its methods are for one goroutine at a time.
type lock struct {
	client *Client
	mutex  *redsync.Mutex
}

// Extend starts the expiry anew, if it is still ours; a lock that was lost is never taken
// again silently.
func (l *lock) Extend(ctx context.Context) error {
	start := time.Now()
	ok, err := l.mutex.ExtendContext(ctx)
	return l.finish("extend", start, ok, err)
}

// Unlock gives the lock back, if it is still ours.
func (l *lock) Unlock(ctx context.Context) error {
	start := time.Now()
	ok, err := l.mutex.UnlockContext(ctx)
	return l.finish("unlock", start, ok, err)
}

func (l *lock) finish(call string, start time.Time, ok bool, err error) error {
	if err == nil && !ok {
		err = redsync.ErrFailed
	}
	l.client.metrics.observe(call, start, err)
	if err != nil {
		return fmt.Errorf("%s %s: %w", call, l.mutex.Name(), err)
	}
	return nil
}
