package redisgate

import (
	"context"
	"testing"
	"time"

	"github.com/go-redsync/redsync/v4"
	redsyncpool "github.com/go-redsync/redsync/v4/redis"
)

// witness notes the scripts that Redsync runs, and grants everything.
type witness struct {
	*lockConn
	scripts []*redsyncpool.Script
}

func (w *witness) Get(context.Context) (redsyncpool.Conn, error)   { return witnessConn{w}, nil }
func (*witness) SetNX(string, string, time.Duration) (bool, error) { return true, nil }

type witnessConn struct{ *witness }

func (c witnessConn) Get(string) (string, error) { return "", nil }

func (w *witness) Eval(s *redsyncpool.Script, _ ...any) (any, error) {
	w.scripts = append(w.scripts, s)
	return int64(1), nil
}

// TestReleasesAreGathered: unlock.lua stands in for Redsync's release script, and does it
// only as long as that is the script it was written after.
func TestReleasesAreGathered(t *testing.T) {
	w := &witness{}
	mutex := redsync.New(w).NewMutex("m")
	if err := mutex.TryLock(); err != nil {
		t.Fatal(err)
	}
	if _, err := mutex.Unlock(); err != nil {
		t.Fatal(err)
	}
	if len(w.scripts) != 1 || w.scripts[0].Hash != releaseSHA || newScript(w.scripts[0].Src).sha != releaseSHA {
		t.Fatalf("redsync releases by another script now: %+v", w.scripts)
	}
}

func TestHashTagsAreRedisClusters(t *testing.T) {
	for key, tag := range map[string]string{
		"fc:{c}:lk:m": "c", "fc:lk:scheduler": "fc:lk:scheduler", "fc:{}x": "fc:{}x", "{a}{b}": "a", "a{b": "a{b", "{{a}": "{a",
	} {
		if got := hashTag(key); got != tag {
			t.Errorf("the hash tag of %s is %q, not %q", key, got, tag)
		}
	}
}
