package gatetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firstcome/engine"
)

func (r *rig) lockName(member string) string { return "{" + r.campaign + "}:lk:" + member }

func (r *rig) tryLock(name string, expiry time.Duration) engine.Lock {
	r.t.Helper()
	lock, err := r.Locker.TryLock(r.ctx, name, expiry)
	if err != nil {
		r.t.Fatalf("lock: %v", err)
	}
	return lock
}

func testLock(t *testing.T, s Subject) {
	r := newRig(t, s)
	name := r.lockName("m")
	lock := r.tryLock(name, 5*time.Second)
	if left := r.Redis.PTTL(r.ctx, "fc:"+name).Val(); left <= 0 || left > 5*time.Second {
		t.Fatalf("the lock expires in %v", left)
	}
	if _, err := r.Locker.TryLock(r.ctx, name, time.Second); !errors.Is(err, engine.ErrTaken) {
		t.Fatalf("a second lock: %v", err)
	}
	if _, err := r.Locker.TryLock(r.ctx, "fc:"+name, time.Second); !errors.Is(err, engine.ErrTaken) {
		t.Fatalf("the same lock by its full name: %v", err)
	}
	r.tryLock(r.lockName("another"), time.Second)
	r.must(lock.Unlock(r.ctx))
	if err := lock.Unlock(r.ctx); err == nil {
		t.Fatal("a lock that is free was given back without an error")
	}
	r.tryLock(name, time.Second)
	if _, err := r.Locker.TryLock(r.ctx, "", time.Second); err == nil || errors.Is(err, engine.ErrTaken) {
		t.Fatalf("a lock without a name: %v", err)
	}
	if _, err := r.Locker.TryLock(r.ctx, name, 0); err == nil || errors.Is(err, engine.ErrTaken) {
		t.Fatalf("a lock without an expiry: %v", err)
	}
}

func testLockExpires(t *testing.T, s Subject) {
	r := newRig(t, s)
	name := r.lockName("m")
	abandoned := r.tryLock(name, 50*time.Millisecond)
	eventually(t, "the abandoned lock is free", func() bool {
		_, err := r.Locker.TryLock(r.ctx, name, time.Minute)
		return err == nil
	})
	if err := abandoned.Extend(r.ctx); err == nil {
		t.Fatal("a lock that another holds was extended")
	}
	kept := r.tryLock(r.lockName("kept"), 10*time.Second)
	r.must(r.Redis.PExpire(r.ctx, "fc:"+r.lockName("kept"), time.Second).Err())
	r.must(kept.Extend(r.ctx))
	if left := r.Redis.PTTL(r.ctx, "fc:"+r.lockName("kept")).Val(); left < 2*time.Second {
		t.Fatalf("after Extend it expires in %v", left)
	}
}

func testLostLock(t *testing.T, s Subject) {
	r := newRig(t, s)
	name := r.lockName("m")
	mine := r.tryLock(name, 5*time.Second)
	r.must(r.Redis.Del(r.ctx, "fc:"+name).Err()) // as a failover may
	others := r.tryLock(name, 5*time.Second)
	if err := mine.Unlock(r.ctx); err == nil {
		t.Fatal("another's lock was given back without an error")
	}
	if _, err := r.Locker.TryLock(r.ctx, name, time.Second); !errors.Is(err, engine.ErrTaken) {
		t.Fatalf("another's lock is gone: %v", err)
	}
	r.must(others.Unlock(r.ctx))
	r.must(r.Redis.LPush(r.ctx, "fc:"+name, "damage").Err())
	if _, err := r.Locker.TryLock(r.ctx, name, time.Second); !errors.Is(err, engine.ErrTaken) {
		t.Fatalf("a damaged lock: %v", err)
	}
}

// testManyLocks: of many callers for each of many locks exactly one gets it.
func testManyLocks(t *testing.T, s Subject) {
	r := newRig(t, s)
	const locks, callers = 50, 8
	var wins [locks]atomic.Int64
	var group sync.WaitGroup
	for range callers {
		for i := range locks {
			group.Go(func() {
				_, err := r.Locker.TryLock(r.ctx, r.lockName(fmt.Sprint(i)), time.Minute)
				switch {
				case err == nil:
					wins[i].Add(1)
				case !errors.Is(err, engine.ErrTaken):
					t.Errorf("lock %d: %v", i, err)
				}
			})
		}
	}
	group.Wait()
	for i := range wins {
		if n := wins[i].Load(); n != 1 {
			t.Errorf("lock %d was taken %d times", i, n)
		}
	}
}

// eventually waits for what an expiry brings, 5 s at most.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(5 * time.Second); !is(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
