package kafkalog

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Trim deletes the records of a partition before an offset, for good: who has
// no snapshot from there on cannot follow it any more.
func (l *Log) Trim(ctx context.Context, partition int32, before int64) error {
	var offsets kadm.Offsets
	offsets.AddOffset(l.cfg.Topic, partition, before, -1)
	all, err := kadm.NewClient(l.producer).DeleteRecords(ctx, offsets)
	if err == nil {
		err = all.Error()
	}
	if err != nil {
		return fmt.Errorf("trim partition %d of %s before %d: %w", partition, l.cfg.Topic, before, err)
	}
	return nil
}
