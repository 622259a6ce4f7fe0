package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"firstcome/engine"
	"firstcome/ledger/logtest"
)

const patience = 30 * time.Second

// rig is a log on a fake cluster, followed from its start.
type rig struct {
	cluster *kfake.Cluster
	log     *Log
	seen    *logtest.Recorder
	answers *logtest.Answers
	n       int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	g := &rig{cluster: fake(t, 3), answers: logtest.NewAnswers()}
	g.log = mustOpen(t, config(t, g.cluster.ListenAddrs(), 3))
	g.seen = followFrom(t, g.log, make([]int64, logtest.Partitions))
	return g
}

func followFrom(t *testing.T, log *Log, from []int64) *logtest.Recorder {
	t.Helper()
	r := logtest.NewRecorder()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		log.Follow(ctx, from, r)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return r
}

// append appends n records to a partition and returns how many it has by now.
func (g *rig) append(t *testing.T, partition int32, n int) int {
	t.Helper()
	for range n {
		g.n++
		if err := g.answers.Append(g.log, partition, fmt.Sprint("value ", g.n)); err != nil {
			t.Fatal(err)
		}
	}
	return len(g.answers.Taken(partition))
}

// settle waits until everything is answered and delivered, and checks it.
func (g *rig) settle(t *testing.T) {
	t.Helper()
	g.answers.Await(t)
	for p := range int32(logtest.Partitions) {
		want := g.answers.Taken(p)
		g.seen.AwaitRecords(t, p, len(want))
		logtest.CheckValues(t, want, g.seen.Records(p))
		logtest.CheckDense(t, 0, g.seen.Records(p))
		g.answers.CheckClaims(t, g.seen.Records(p), g.seen.Claims(p))
	}
	g.answers.CheckOnce(t)
	g.seen.CheckCalls(t)
}

// news waits until a partition's knowledge is newer than now.
func (g *rig) news(t *testing.T, partition int32) {
	t.Helper()
	now := time.Now()
	g.seen.Await(t, "newer knowledge", func() bool { return newest(g.seen, partition).After(now) })
}

func newest(r *logtest.Recorder, partition int32) time.Time {
	claims := r.Claims(partition)
	if len(claims) == 0 {
		return time.Time{}
	}
	return claims[len(claims)-1].At
}

// Both faults of an append: it failed, and it was carried out without a reply.
func TestAppendsComeOnceWhateverTheBrokerAnswers(t *testing.T) {
	for _, fault := range []*kerr.Error{kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut, kerr.NotLeaderForPartition} {
		t.Run(fault.Message, func(t *testing.T) {
			g := newRig(t)
			g.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: fault, Count: 3})
			for p := range int32(logtest.Partitions) {
				g.append(t, p, 50)
			}
			g.settle(t)
		})
	}
}

func TestALostReplyToAnAppendIsReadBack(t *testing.T) {
	g := newRig(t)
	g.append(t, 0, 1)
	g.settle(t)
	g.cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) { return nil, nil, true })
	g.append(t, 0, 10)
	g.settle(t)
}

func TestSwallowedAnswersClaimNothing(t *testing.T) {
	g := newRig(t)
	g.append(t, 1, 5)
	g.settle(t)
	g.news(t, 1)
	var mute atomic.Bool
	cut := make(chan struct{}, 1000)
	g.cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		g.cluster.KeepControl()
		if mute.Load() {
			cut <- struct{}{}
			return nil, errors.New("cut"), true
		}
		return nil, nil, false
	})
	mute.Store(true)
	began := time.Now()
	g.append(t, 1, 5)
	g.answers.Await(t)
	for range 10 { // each on a new connection
		<-cut
	}
	if at := newest(g.seen, 1); at.After(began.Add(fetchWait)) {
		t.Errorf("partition 1 was said to be known as of %s after the link was cut", at.Sub(began))
	}
	mute.Store(false)
	g.settle(t)
	g.news(t, 1)
}

func TestARefusedPartitionGoesStaleAlone(t *testing.T) {
	g := newRig(t)
	for p := range int32(logtest.Partitions) {
		g.append(t, p, 5)
	}
	g.settle(t)
	fault := g.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Partitions: []int32{1}, Err: kerr.KafkaStorageError, Count: -1})
	fault.Wait(t.Context(), 2)
	stale := newest(g.seen, 1)
	for _, p := range []int32{0, 2, 3} {
		g.news(t, p)
	}
	if at := newest(g.seen, 1); at.After(stale) {
		t.Errorf("partition 1 was refused and is said to be known as of %s later", at.Sub(stale))
	}
	fault.Remove()
	g.news(t, 1)
	g.append(t, 1, 5)
	g.settle(t)
}

func TestLeadersMove(t *testing.T) {
	g := newRig(t)
	for round := range int32(12) {
		for p := range int32(logtest.Partitions) {
			g.append(t, p, 20)
			if err := g.cluster.MoveTopicPartition(g.log.cfg.Topic, p, (round+p)%3); err != nil {
				t.Fatal(err)
			}
			g.append(t, p, 20)
		}
		g.settle(t)
	}
}

// A new leader's watermark may lie below what the old one had acknowledged.
// Until ListOffsets answers in the new epoch nothing is claimed.
func TestANewLeaderIsNotBelievedBeforeItKnowsItsEnd(t *testing.T) {
	g := newRig(t)
	g.append(t, 2, 5)
	g.settle(t)
	fault := g.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Partitions: []int32{2}, Err: kerr.OffsetNotAvailable, Count: -1})
	leader := g.cluster.LeaderFor(g.log.cfg.Topic, 2)
	if err := g.cluster.MoveTopicPartition(g.log.cfg.Topic, 2, (leader+1)%3); err != nil {
		t.Fatal(err)
	}
	moved := time.Now()
	total := g.append(t, 2, 5)
	g.answers.Await(t)
	g.seen.AwaitRecords(t, 2, total) // records are committed whatever the watermark was
	if at := newest(g.seen, 2); at.After(moved) {
		t.Errorf("the new leader was believed %s after the move", at.Sub(moved))
	}
	fault.Remove()
	g.news(t, 2)
	g.settle(t)
}

func TestTheLogIsLost(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*testing.T, *rig)
		from  int64
		named []string
	}{
		{"topic made again", func(t *testing.T, g *rig) {
			topic := g.log.cfg.Topic
			if err := g.cluster.DeleteTopic(topic); err != nil {
				t.Fatal(err)
			}
			if err := g.cluster.CreateTopic(topic, logtest.Partitions, nil); err != nil {
				t.Fatal(err)
			}
		}, 5, []string{"made again"}},
		{"start behind the offset", func(t *testing.T, g *rig) {
			if err := g.cluster.DeleteRecords(g.log.cfg.Topic, 1, 7); err != nil {
				t.Fatal(err)
			}
		}, 5, []string{"offset 5", "7 to 10"}},
		{"end before the offset", func(*testing.T, *rig) {}, 11, []string{"offset 11", "ends at 10"}},
		{"history that diverged", func(t *testing.T, g *rig) {
			answerFetches(g, func(p *kmsg.FetchResponseTopicPartition) {
				p.DivergingEpoch.Epoch, p.DivergingEpoch.EndOffset = 0, 8
			})
		}, 5, []string{"ends at offset 8 in epoch 0"}},
		{"watermark that went back", func(t *testing.T, g *rig) {
			answerFetches(g, func(p *kmsg.FetchResponseTopicPartition) { p.HighWatermark = 4 })
		}, 5, []string{"offset 5", "ends at 4"}},
		{"damaged records", func(t *testing.T, g *rig) {
			answerFetches(g, func(p *kmsg.FetchResponseTopicPartition) {
				p.HighWatermark = 10
				p.RecordBatches = batchAt(5)
				p.RecordBatches[len(p.RecordBatches)-1] ^= 1
			})
		}, 5, []string{"offset 5", "crc"}},
		{"hole", func(t *testing.T, g *rig) {
			answerFetches(g, func(p *kmsg.FetchResponseTopicPartition) {
				p.HighWatermark = 10
				p.RecordBatches = batchAt(7)
			})
		}, 5, []string{"offset 5 is missing", "next record is 7"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newRig(t)
			g.append(t, 1, 10)
			g.settle(t)
			c.spoil(t, g)
			r := followFrom(t, g.log, []int64{-1, c.from, -1, -1})
			r.Await(t, "the loss", func() bool { return r.LostError(1) != nil })
			err := r.LostError(1)
			if !errors.Is(err, engine.ErrLogLost) {
				t.Errorf("lost with %v, want ErrLogLost", err)
			}
			for _, part := range append(c.named, "partition 1", g.log.cfg.Topic) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not name %q", err, part)
				}
			}
			if n := len(r.Records(1)); n != 0 {
				t.Errorf("%d records were delivered of a lost partition", n)
			}
		})
	}
}

func TestATopicMadeAgainEndsARunningFollower(t *testing.T) {
	g := newRig(t)
	g.append(t, 1, 10)
	g.settle(t)
	if err := g.cluster.DeleteTopic(g.log.cfg.Topic); err != nil {
		t.Fatal(err)
	}
	if err := g.cluster.CreateTopic(g.log.cfg.Topic, logtest.Partitions, nil); err != nil {
		t.Fatal(err)
	}
	for p := range int32(logtest.Partitions) {
		g.seen.Await(t, "the loss", func() bool { return errors.Is(g.seen.LostError(p), engine.ErrLogLost) })
	}
	if _, _, _, err := g.log.Describe(t.Context()); !errors.Is(err, engine.ErrLogLost) {
		t.Errorf("describe: %v, want ErrLogLost", err)
	}
}

// answerFetches answers every fetch of partition 1 alone instead of the cluster.
func answerFetches(g *rig, part func(*kmsg.FetchResponseTopicPartition)) {
	g.cluster.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		g.cluster.KeepControl()
		req := kreq.(*kmsg.FetchRequest)
		if len(req.Topics) != 1 || len(req.Topics[0].Partitions) != 1 || req.Topics[0].Partitions[0].Partition != 1 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.TopicID = req.Topics[0].Topic, req.Topics[0].TopicID
		p := kmsg.NewFetchResponseTopicPartition()
		p.Partition = 1
		part(&p)
		topic.Partitions = append(topic.Partitions, p)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
}

// counter counts what is logged, by message.
type counter struct {
	mu   sync.Mutex
	seen map[string]int
}

func (c *counter) Enabled(context.Context, slog.Level) bool { return true }
func (c *counter) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c *counter) WithGroup(string) slog.Handler            { return c }
func (c *counter) Handle(_ context.Context, r slog.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[r.Message]++
	return nil
}

func (c *counter) of(message string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[message]
}

func TestAnOutageIsToldOnce(t *testing.T) {
	c := fake(t, 1)
	told := &counter{seen: map[string]int{}}
	cfg := config(t, c.ListenAddrs(), 1)
	cfg.Logger = slog.New(told)
	log := mustOpen(t, cfg)
	r := followFrom(t, log, make([]int64, logtest.Partitions))
	r.Await(t, "knowledge", func() bool { return !newest(r, 0).IsZero() })
	cut := make(chan struct{}, 1000)
	c.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		cut <- struct{}{}
		if len(cut) == 5 {
			c.DropControl()
		} else {
			c.KeepControl()
		}
		return nil, errors.New("cut"), true
	})
	for range 5 {
		<-cut
	}
	back := time.Now()
	r.Await(t, "knowledge again", func() bool { return newest(r, 0).After(back) })
	if lost, again := told.of("a broker of the log does not answer"), told.of("a broker of the log answers again"); lost != 1 || again != 1 {
		t.Errorf("the outage was told %d times, its end %d times", lost, again)
	}
}

func TestCloseGivesUpWhatIsNotAnswered(t *testing.T) {
	c := fake(t, 1)
	log := mustOpen(t, config(t, c.ListenAddrs(), 1))
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		return nil, errors.New("cut"), true
	})
	answers := make(chan error, 10)
	for range 10 {
		if err := log.Append(0, "c", []byte("v"), func(err error) { answers <- err }); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := log.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("close: %v, want that its time was up", err)
	}
	for range 10 {
		if err := <-answers; err == nil {
			t.Error("an append that no broker answered was acknowledged")
		}
	}
}

func TestTwoLogsMayShareARegistry(t *testing.T) {
	reg := prometheus.NewRegistry()
	c := fake(t, 1)
	cfg := config(t, c.ListenAddrs(), 1)
	cfg.Metrics = reg
	for range 2 {
		log := mustOpen(t, cfg)
		a := logtest.NewAnswers()
		if err := a.Append(log, 0, "v"); err != nil {
			t.Fatal(err)
		}
		a.Await(t)
		if err := shut(log); err != nil {
			t.Error(err)
		}
	}
	if n := logtest.Committed(t, reg); n != 2 {
		t.Errorf("%v appends were counted, want 2", n)
	}
}
