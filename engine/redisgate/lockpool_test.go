package redisgate

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"firstcome/engine"
)

// TestTakenLockCostsOneCall: Redsync releases after every miss; a lock that was refused
// for sure has nothing to release, and that call need not travel.
func TestTakenLockCostsOneCall(t *testing.T) {
	for name, test := range map[string]struct {
		answer error
		calls  int
		taken  bool
	}{
		"taken":   {redis.Nil, 1, true},
		"unknown": {errors.New("reset"), 2, false}, // perhaps it is ours: give it back
	} {
		t.Run(name, func(t *testing.T) {
			sent := 0
			c := &Client{metrics: newMetrics()}
			c.unlocks = &releases{client: c, crowds: map[string]*releaseCrowd{}}
			c.batcher = &batcher{metrics: c.metrics, send: func(_ context.Context, calls []*redis.Cmd) {
				for _, call := range calls {
					sent++
					call.SetErr(test.answer)
				}
			}}
			_, err := NewLocker(c).TryLock(t.Context(), "{c}:lk:m", time.Second)
			if errors.Is(err, engine.ErrTaken) != test.taken || err == nil {
				t.Error(err)
			}
			c.batcher.close()
			if sent != test.calls {
				t.Errorf("%d calls, not %d", sent, test.calls)
			}
		})
	}
}
