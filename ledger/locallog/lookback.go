package locallog

import (
	"context"
	"errors"
	"time"
)

// lookBackRecords is how many old records a partition reads again per pulse:
// little enough that no claim notices, and a million are looked at in half a minute.
const lookBackRecords = 64

// lookBack reads old records again that no follower asks for, because a node
// starts from the ledger's snapshot: damage before it is found soon after a
// start, not years later. It does a little, at most once a pulse for all
// followers of a partition; what it finds they are told by read.
func (l *Log) lookBack(ctx context.Context, partition int32) {
	l.mu.Lock()
	part := &l.parts[partition]
	from, upTo := part.looked, min(part.looked+lookBackRecords, part.found)
	if from >= upTo || part.damage != nil || l.closed || time.Since(part.lookedAt) < pulse {
		l.mu.Unlock()
		return
	}
	part.lookedAt, part.looked = time.Now(), upTo
	l.mu.Unlock()

	recs, err := l.file.scan(ctx, partition, from, upTo)
	if err == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	part.looked = min(part.looked, from+int64(len(recs)))
	if ctx.Err() == nil && !errors.Is(err, ErrClosed) {
		part.damage = err
		part.wake()
	}
}
