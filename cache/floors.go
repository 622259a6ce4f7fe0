package cache

import (
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	// floorsMost bounds how many ids' versions are remembered. When it is reached
	// some are forgotten: then only lifetimes keep an old copy in Redis away.
	floorsMost = 1 << 16
	// floorLife is when a version need not be remembered: by then every copy that
	// was older has ended by itself.
	floorLife = 10 * time.Second
)

// floors remembers how new the value of each id is known to be, whether or not it
// is here.
type floors struct{ byID *otter.Cache[string, floor] }

type floor struct {
	version int64
	at      time.Time
}

func newFloors() (*floors, error) {
	byID, err := otter.New(&otter.Options[string, floor]{MaximumSize: floorsMost})
	if err != nil {
		return nil, fmt.Errorf("keep versions: %w", err)
	}
	return &floors{byID}, nil
}

// of is the lowest version that may be answered for an id.
func (f *floors) of(id string, now time.Time) int64 {
	if one, ok := f.byID.GetIfPresent(id); ok && now.Sub(one.at) < floorLife {
		return one.version
	}
	return 0
}

// raise reports whether the version was news.
func (f *floors) raise(id string, version int64, now time.Time) (news bool) {
	f.byID.Compute(id, func(old floor, found bool) (floor, otter.ComputeOp) {
		if found && old.version > version && now.Sub(old.at) < floorLife {
			return old, otter.CancelOp
		}
		news = !found || old.version < version
		return floor{version, now}, otter.WriteOp
	})
	return news
}
