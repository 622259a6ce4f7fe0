package kafkalog

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"firstcome/engine"
)

var errLost = engine.ErrLogLost

// maxUnreadable is how often the same records may come damaged before the
// partition is lost: a wire may err, a disk does not heal.
const maxUnreadable = 5

// answer gives each partition its part of a fetch's answer.
func (f *follower) answer(ctx context.Context, broker int32, asked []question, resp *kmsg.FetchResponse, sent time.Time) {
	byPartition := make(map[int32]question, len(asked))
	for _, q := range asked {
		byPartition[q.tail.partition] = q
	}
	late := time.Since(sent) > fetchLate
	for ti := range resp.Topics {
		t := &resp.Topics[ti]
		if resp.Version >= 13 && t.TopicID != f.log.id {
			continue
		}
		for pi := range t.Partitions {
			p := &t.Partitions[pi]
			q, ok := byPartition[p.Partition]
			if !ok {
				continue
			}
			delete(byPartition, p.Partition)
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				f.refused(ctx, broker, q, err)
				continue
			}
			f.accept(q, p, sent, late)
		}
	}
	for _, q := range byPartition { // not answered at all
		q.tail.retry(q)
		poke(f.look)
	}
	if late {
		f.doubt(asked)
	}
}

// refused deals with a partition's error: a loss when it is one, else another
// try after a pause, with the leader looked up.
func (f *follower) refused(ctx context.Context, broker int32, q question, err error) {
	f.log.metrics.failures.Inc()
	switch err {
	case kerr.OffsetOutOfRange:
		if lost := f.outOfRange(ctx, broker, q); lost != nil {
			q.tail.lose(lost)
			return
		}
	case kerr.CorruptMessage:
		q.tail.unreadable(q, err)
	}
	if q.tail.retry(q) {
		f.log.cfg.Logger.Warn("a partition of the log is refused, it is asked again", "room", "ledger", "partition", q.tail.partition, "broker", broker, "err", err)
	}
	poke(f.look)
}

// outOfRange finds out what an offset is out of. Nil when the leader cannot say
// now, or says that the offset is in range.
func (f *follower) outOfRange(ctx context.Context, broker int32, q question) error {
	starts, ends := f.list(ctx, broker, []question{q}, earliest), f.list(ctx, broker, []question{q}, latest)
	if len(starts) != 1 || len(ends) != 1 || starts[0].err != nil || ends[0].err != nil {
		return nil
	}
	start, end := starts[0].offset, ends[0].offset
	if start <= q.next && q.next <= end {
		return nil
	}
	return lostf(f.log.cfg.Topic, q.tail.partition, "offset %d is wanted, the log holds %d to %d", q.next, start, end)
}

// accept checks an answer without error against what was asked, and queues it.
func (f *follower) accept(q question, p *kmsg.FetchResponseTopicPartition, sent time.Time, late bool) {
	topic := f.log.cfg.Topic
	if p.DivergingEpoch.Epoch >= 0 || p.DivergingEpoch.EndOffset >= 0 {
		q.tail.lose(lostf(topic, q.tail.partition, "record %d was read in epoch %d, the leader's history ends at offset %d in epoch %d: records were cut off",
			q.next-1, q.lastEpoch, p.DivergingEpoch.EndOffset, p.DivergingEpoch.Epoch))
		return
	}
	if q.tail.isProven(q) && p.HighWatermark < q.next {
		q.tail.lose(lostf(topic, q.tail.partition, "offset %d is wanted and the log ends at %d: records were cut off", q.next, p.HighWatermark))
		return
	}
	fetched, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		Offset: q.next, Topic: topic, Partition: p.Partition,
	}, p, decompressor, nil)
	recs, epoch, err := convert(topic, q, fetched.Records)
	switch {
	case err != nil:
		q.tail.lose(err)
	case fetched.Err == nil && next != q.next+int64(len(recs)):
		q.tail.lose(lostf(topic, q.tail.partition, "offsets %d to %d hold no records", q.next+int64(len(recs)), next-1))
	case fetched.Err != nil && len(recs) == 0:
		q.tail.unreadable(q, fetched.Err)
	default:
		f.log.metrics.records.Add(float64(len(recs)))
		if q.tail.take(q, recs, epoch, p.HighWatermark, sent, late) {
			f.log.cfg.Logger.Info("a partition of the log answers again", "room", "ledger", "partition", p.Partition)
		}
	}
}

// decompressor is for records that other tools wrote: ours are not compressed.
var decompressor = kgo.DefaultDecompressor()

// convert checks that the records are dense and copies them out of the answer,
// so that whoever keeps one keeps no more than its batch. It returns the epoch
// of the last one too.
func convert(topic string, q question, in []*kgo.Record) ([]engine.LogRecord, int32, error) {
	size := 0
	for _, r := range in {
		size += len(r.Value)
	}
	out := make([]engine.LogRecord, len(in))
	room := make([]byte, 0, size)
	epoch := q.lastEpoch
	for i, r := range in {
		if want := q.next + int64(i); r.Offset != want {
			return nil, 0, lostf(topic, q.tail.partition, "offset %d is missing, the next record is %d", want, r.Offset)
		}
		from := len(room)
		room = append(room, r.Value...)
		out[i] = engine.LogRecord{Offset: r.Offset, At: r.Timestamp.UnixMilli(), Value: room[from:len(room):len(room)]}
		epoch = r.LeaderEpoch
	}
	return out, epoch, nil
}
