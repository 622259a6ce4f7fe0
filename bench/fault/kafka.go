package fault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"firstcome/engine/fold"
)

// kafkaScenarios break the log: claims wait, or are answered with 202 or 503,
// and never wrongly.
var kafkaScenarios = []*Scenario{
	{Name: "K1B", What: "the only broker is killed and started again", Workload: "W2", Away: true, First: 6 * time.Second,
		Long: 6 * time.Second, Short: 2 * time.Second, Do: brokerRestarts},
	{Name: "K2", What: "a broker freezes for 5 s", Workload: "W1", Away: true,
		Long: 7 * time.Second, Short: 4 * time.Second, Do: brokerFreezes},
	{Name: "K3", What: "the answers to appends are lost, the connection is reset or goes silent", Workload: "W1", Away: true,
		Long: 6 * time.Second, Short: 3 * time.Second, Do: appendsSwallowed},
	{Name: "K4", Own: true, What: "a partition's log loses its end: it must stop, and only it", Workload: "W5", Away: true, Apart: true,
		Long: 6 * time.Second, Short: 5 * time.Second, Do: logTruncated, Look: stoppedApart},
	{Name: "K5", Own: true, What: "the topic is deleted and made again: everything must stop", Workload: "W5", Away: true, Apart: true,
		Long: 4 * time.Second, Short: 4 * time.Second, Do: topicRecreated, Look: stoppedApart},
	{Name: "K1", What: "one of three brokers is killed, the one that leads", Workload: "W2", Brokers: 3, Away: true, First: 4 * time.Second,
		Long: 8 * time.Second, Short: 5 * time.Second, Do: leaderKilled},
	{Name: "K2L", What: "one of three brokers freezes for 5 s, the one that leads", Workload: "W3", Brokers: 3, Away: true,
		Long: 7 * time.Second, Short: 5500 * time.Millisecond, Do: leaderFreezes},
}

// admins connects to the brokers as they are, past the links.
func (c *Cast) admins() (*kadm.Client, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Kafka.Addrs()...), kgo.DialTimeout(500*time.Millisecond),
		kgo.RequestTimeoutOverhead(2*time.Second), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		return nil, err
	}
	return kadm.NewClient(client), nil
}

// partition is where a campaign's records are.
func partition(campaign string) int32 { return fold.Partition(campaign, Partitions) }

// leader is the number of the broker that leads the first campaign's partition.
func (s *Strike) leader(ctx context.Context) (int, error) {
	admin, err := s.admins()
	if err != nil {
		return 0, err
	}
	defer admin.Close()
	topics, err := admin.ListTopics(ctx, s.Topic)
	if err != nil {
		return 0, err
	}
	all := topics[s.Topic].Partitions
	if len(all) == 0 {
		return 0, fmt.Errorf("topic %s has no partitions: %w", s.Topic, topics.Error())
	}
	// A rival has fewer partitions: some campaign's leader is as good as another's.
	p := all[partition(s.Script.Campaigns[0].ID)%int32(len(all))]
	if p.Leader < 1 || p.Err != nil {
		return 0, fmt.Errorf("nobody leads partition %d: %w", p.Partition, errors.Join(p.Err, errors.New("leader unknown")))
	}
	return int(p.Leader) - 1, nil
}

func brokerRestarts(ctx context.Context, s *Strike) error {
	b := s.Kafka.Brokers[0]
	b.Kill()
	s.Mark("the broker is killed")
	if err := b.Start(); err != nil {
		return err
	}
	return s.Wait(ctx, s.For)
}

func brokerFreezes(ctx context.Context, s *Strike) error { return freeze(ctx, s, 0) }

func leaderFreezes(ctx context.Context, s *Strike) error {
	i, err := s.leader(ctx)
	if err != nil {
		return err
	}
	return freeze(ctx, s, i)
}

func freeze(ctx context.Context, s *Strike, broker int) error {
	s.Kafka.Brokers[broker].Pause()
	s.Mark("the broker freezes")
	frozen := min(5*time.Second, s.For-time.Second/2)
	if err := s.Wait(ctx, frozen); err != nil {
		return err
	}
	s.Kafka.Brokers[broker].Resume()
	s.Mark("it goes on")
	return s.Wait(ctx, s.For-frozen)
}

func leaderKilled(ctx context.Context, s *Strike) error {
	i, err := s.leader(ctx)
	if err != nil {
		return err
	}
	for _, n := range s.Links {
		n.Kafka[i].Cut()
	}
	s.Kafka.Brokers[i].Kill()
	s.Mark("the leader dies")
	return s.Wait(ctx, s.For)
}

func appendsSwallowed(ctx context.Context, s *Strike) error {
	for _, n := range s.Links {
		each(n.Kafka, (*Link).Swallow)
	}
	s.Mark("answers to appends are lost")
	return s.Wait(ctx, s.For)
}

// topicRecreated deletes the topic and makes another of its name.
func topicRecreated(ctx context.Context, s *Strike) error {
	admin, err := s.admins()
	if err != nil {
		return err
	}
	defer admin.Close()
	if _, err := admin.DeleteTopic(ctx, s.Topic); err != nil {
		return err
	}
	s.lose(-1)
	s.Mark("the topic is deleted")
	keep := "-1"
	settings := map[string]*string{"retention.ms": &keep, "retention.bytes": &keep}
	err = until(ctx, 10*time.Second, func() error {
		_, err := admin.CreateTopic(ctx, Partitions, int16(s.Kafka.Replication()), settings, s.Topic)
		return err
	})
	if err != nil {
		return fmt.Errorf("make the topic again: %w", err)
	}
	s.Mark("it is made again")
	return s.Wait(ctx, s.For)
}
