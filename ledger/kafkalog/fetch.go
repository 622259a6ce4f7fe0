package kafkalog

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// fetchWait is how long a broker holds a fetch that has nothing to say. An
	// idle partition's knowledge is then at most twice as old, plus the way.
	fetchWait = 25 * time.Millisecond
	// fetchLate is when an answer is so late that its broker may have been
	// frozen, and somebody else may lead by now.
	fetchLate = fetchWait + 150*time.Millisecond
	// fetchPace is the least distance of two fetches from a broker, so that
	// records that come close together share one. It delays nobody whose record
	// comes alone: its fetch has been waiting for it.
	fetchPace = time.Millisecond
	// fetchPartition and fetchAll bound an answer, but for one batch that is
	// larger by itself.
	fetchPartition = 4 << 20
	fetchAll       = 32 << 20
)

// question is what a fetch asks of one partition.
type question struct {
	tail      *tail
	next      int64
	epoch     int32
	lastEpoch int32
	proven    bool
}

// fetchFrom fetches from one broker what it leads, until ctx ends. One fetch is
// under way at a time.
func (f *follower) fetchFrom(ctx context.Context, broker int32, wake <-chan struct{}) {
	var out outage
	for ctx.Err() == nil {
		asked := f.questions(broker)
		if len(asked) == 0 {
			select {
			case <-ctx.Done():
			case <-wake:
			case <-time.After(backoff): // a partition's pause may be over
			}
			continue
		}
		f.prove(ctx, broker, asked)
		sent := time.Now()
		resp, err := f.fetch(ctx, broker, asked)
		if err == nil {
			f.log.metrics.fetch.Observe(time.Since(sent).Seconds())
			out.end(f.log.cfg.Logger, "a broker of the log answers again", "broker", broker)
			f.answer(ctx, broker, asked, resp, sent)
			if early := f.pace - time.Since(sent); early > 0 {
				pause(ctx, early)
			}
			continue
		}
		if ctx.Err() != nil {
			return
		}
		f.log.metrics.failures.Inc()
		out.begin(f.log.cfg.Logger, "a broker of the log does not answer", err, "broker", broker)
		f.doubt(asked)
		pause(ctx, backoff)
	}
}

// questions collects the partitions that a broker leads and that have room.
func (f *follower) questions(broker int32) []question {
	var asked []question
	now := time.Now()
	for _, t := range f.tails {
		if q, ok := t.ask(broker, now); ok {
			asked = append(asked, q)
		}
	}
	return asked
}

// doubt makes the partitions claim nothing until somebody has confirmed the
// leader, and asks for that.
func (f *follower) doubt(asked []question) {
	now := time.Now()
	for _, q := range asked {
		q.tail.doubt(q, now)
	}
	poke(f.look)
}

// fetch sends one fetch outside of fetch sessions, so that every partition is
// in the answer.
func (f *follower) fetch(ctx context.Context, broker int32, asked []question) (*kmsg.FetchResponse, error) {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis = int32(fetchWait / time.Millisecond)
	req.MinBytes = 1
	req.MaxBytes = fetchAll
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = f.log.cfg.Topic, f.log.id
	for _, q := range asked {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition = q.tail.partition
		p.CurrentLeaderEpoch = q.epoch
		p.FetchOffset = q.next
		p.LastFetchedEpoch = q.lastEpoch
		p.PartitionMaxBytes = fetchPartition
		topic.Partitions = append(topic.Partitions, p)
	}
	req.Topics = append(req.Topics, topic)
	kresp, err := f.client.Broker(int(broker)).Request(ctx, req)
	if err != nil {
		return nil, err
	}
	resp := kresp.(*kmsg.FetchResponse)
	return resp, kerr.ErrorForCode(resp.ErrorCode)
}

// prove asks the leader for the end of those partitions of which nothing may be
// claimed yet. Kafka answers only when the leader's watermark has reached the
// start of its epoch, and with it all that earlier leaders had acknowledged.
func (f *follower) prove(ctx context.Context, broker int32, asked []question) {
	var open []question
	for _, q := range asked {
		if !q.proven {
			open = append(open, q)
		}
	}
	if len(open) == 0 {
		return
	}
	for _, end := range f.list(ctx, broker, open, latest) {
		if end.err != nil {
			if !isUnsettled(end.err) {
				poke(f.look)
			}
			continue
		}
		if end.offset < end.q.next {
			end.q.tail.lose(lostf(f.log.cfg.Topic, end.q.tail.partition, "offset %d is wanted and the log ends at %d: records were cut off", end.q.next, end.offset))
			continue
		}
		end.q.tail.prove(end.q)
	}
}

// isUnsettled says that a leader is new and does not know its watermark yet.
func isUnsettled(err error) bool {
	return err == kerr.OffsetNotAvailable || err == kerr.LeaderNotAvailable
}

// What ListOffsets is asked for.
const (
	latest   = -1
	earliest = -2
)

// listed is one partition's answer to ListOffsets.
type listed struct {
	q      question
	offset int64
	err    error
}

// list asks a leader for offsets, in the epochs that the questions name.
func (f *follower) list(ctx context.Context, broker int32, asked []question, which int64) []listed {
	req := kmsg.NewPtrListOffsetsRequest()
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = f.log.cfg.Topic
	byPartition := map[int32]question{}
	for _, q := range asked {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.CurrentLeaderEpoch, p.Timestamp = q.tail.partition, q.epoch, which
		topic.Partitions = append(topic.Partitions, p)
		byPartition[p.Partition] = q
	}
	req.Topics = append(req.Topics, topic)
	kresp, err := f.client.Broker(int(broker)).Request(ctx, req)
	if err != nil {
		return nil // the fetch that follows meets the same broker
	}
	var answers []listed
	for _, t := range kresp.(*kmsg.ListOffsetsResponse).Topics {
		for _, p := range t.Partitions {
			if q, ok := byPartition[p.Partition]; ok && t.Topic == f.log.cfg.Topic {
				answers = append(answers, listed{q: q, offset: p.Offset, err: kerr.ErrorForCode(p.ErrorCode)})
			}
		}
	}
	return answers
}

// outage tells the log once that something is away, and once that it is back.
// One goroutine owns it.
type outage struct{ since time.Time }

func (o *outage) begin(log *slog.Logger, msg string, err error, args ...any) {
	if o.since.IsZero() {
		o.since = time.Now()
		log.Warn(msg, append(args, "room", "ledger", "err", err)...)
	}
}

func (o *outage) end(log *slog.Logger, msg string, args ...any) {
	if !o.since.IsZero() {
		log.Info(msg, append(args, "room", "ledger", "after", time.Since(o.since).Round(time.Millisecond).String())...)
		o.since = time.Time{}
	}
}

// lostf makes an ErrLogLost that names the topic and the partition.
func lostf(topic string, partition int32, format string, args ...any) error {
	return fmt.Errorf("%w: topic %s, partition %d: %s", errLost, topic, partition, fmt.Sprintf(format, args...))
}
