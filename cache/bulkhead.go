package cache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"

	"firstcome/engine"
)

// Bulkhead bounds how many reads of one sort are at the ledger at once, so that
// what the copies cannot answer never becomes the ledger's full load, and so that
// readers of one sort cannot keep the others out.
type Bulkhead struct {
	name    string
	permits bulkhead.Bulkhead[any]
	wait    time.Duration
	metrics *Metrics
}

// NewBulkhead lets most reads in at once. The next ones wait, each for as long as
// wait; then they are refused with engine.ErrOverloaded and cost nothing more.
func NewBulkhead(name string, most uint, wait time.Duration, m *Metrics) *Bulkhead {
	return &Bulkhead{name: name, permits: bulkhead.New[any](most), wait: wait, metrics: m}
}

// Do runs read, or refuses it. A nil bulkhead lets everybody in.
func (b *Bulkhead) Do(ctx context.Context, read func(context.Context) error) error {
	if b == nil {
		return read(ctx)
	}
	if err := b.permits.AcquirePermitWithMaxWait(ctx, b.wait); err != nil {
		if errors.Is(err, bulkhead.ErrFull) {
			b.metrics.refused.WithLabelValues(b.name).Inc()
			return fmt.Errorf("%w: too many reads of the ledger at once (%s)", engine.ErrOverloaded, b.name)
		}
		return fmt.Errorf("wait for the ledger (%s): %w", b.name, context.Cause(ctx))
	}
	defer b.permits.ReleasePermit()
	return read(ctx)
}
