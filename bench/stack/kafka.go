package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// KafkaOptions say how Apache Kafka is started.
type KafkaOptions struct {
	// Brokers is 1 or 3; 0: 1. Three replicate to one another with
	// min.insync.replicas 2.
	Brokers int
	// Settings are further lines of server.properties.
	Settings []string
}

// KafkaCluster is a running Kafka cluster. Each broker is a controller too.
type KafkaCluster struct {
	Brokers []*KafkaBroker
	dir     string
}

// KafkaBroker is one running broker.
type KafkaBroker struct {
	*Process
	Port       int // clients and brokers
	controller int // port of the controllers among themselves
	id         int
	data       string
}

// Data is the folder that holds a folder for each partition, <topic>-<number>.
func (b *KafkaBroker) Data() string { return b.data }

// Addr is host:port.
func (b *KafkaBroker) Addr() string { return "127.0.0.1:" + strconv.Itoa(b.Port) }

// StartKafka starts a cluster and waits until every broker is in it: 1-2 s for
// one broker, 3-5 s for three. The first start on a machine takes 8 s more: it
// prepares an archive of classes beside the jars, which all later starts use.
func StartKafka(ctx context.Context, o KafkaOptions) (*KafkaCluster, error) {
	if o.Brokers == 0 {
		o.Brokers = 1
	}
	kit, err := kafkaKit(ctx)
	if err != nil {
		return nil, err
	}
	return startKafka(ctx, kit, o)
}

func startKafka(ctx context.Context, kit *kit, o KafkaOptions) (*KafkaCluster, error) {
	c := &KafkaCluster{}
	if err := c.start(ctx, kit, o); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *KafkaCluster) start(ctx context.Context, kit *kit, o KafkaOptions) (err error) {
	if c.dir, err = newDir("kafka"); err != nil {
		return err
	}
	for i := range o.Brokers {
		b := &KafkaBroker{id: i + 1}
		if b.Port, err = freePort(); err != nil {
			return err
		}
		if b.controller, err = freePort(); err != nil {
			return err
		}
		c.Brokers = append(c.Brokers, b)
	}
	for _, b := range c.Brokers {
		b.data = filepath.Join(c.dir, fmt.Sprintf("data-%d", b.id))
		if err := kit.format(b.data, b.id); err != nil {
			return err
		}
		conf := filepath.Join(c.dir, fmt.Sprintf("server-%d.properties", b.id))
		if err := os.WriteFile(conf, []byte(c.properties(b, b.data, o)), 0o644); err != nil {
			return fmt.Errorf("write a broker's settings: %w", err)
		}
		b.Process, err = StartProcess(Spec{
			Name: fmt.Sprintf("kafka-%d", b.id), Dir: c.dir, Path: kit.java,
			Args: kit.args("kafka.Kafka", conf),
		})
		if err != nil {
			return err
		}
	}
	return c.Ready(ctx)
}

// properties are a small broker with the sessions and time-outs that a noon
// needs: with Kafka's defaults a dead leader stops its partitions for 18 s.
func (c *KafkaCluster) properties(b *KafkaBroker, data string, o KafkaOptions) string {
	var voters []string
	for _, v := range c.Brokers {
		voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", v.id, v.controller))
	}
	replicas, insync := 1, 1
	if len(c.Brokers) >= 3 {
		replicas, insync = 3, 2
	}
	lines := []string{
		"process.roles=broker,controller",
		fmt.Sprintf("node.id=%d", b.id),
		"controller.quorum.voters=" + strings.Join(voters, ","),
		fmt.Sprintf("listeners=BROKER://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", b.Port, b.controller),
		"listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"inter.broker.listener.name=BROKER",
		"controller.listener.names=CONTROLLER",
		"log.dirs=" + data,
		"num.network.threads=1", "num.io.threads=2", "background.threads=2",
		"log.cleaner.enable=false",
		"auto.create.topics.enable=false",
		"unclean.leader.election.enable=false",
		fmt.Sprintf("default.replication.factor=%d", replicas),
		fmt.Sprintf("min.insync.replicas=%d", insync),
		fmt.Sprintf("offsets.topic.replication.factor=%d", replicas),
		fmt.Sprintf("transaction.state.log.replication.factor=%d", replicas),
		fmt.Sprintf("share.coordinator.state.topic.replication.factor=%d", replicas),
		"broker.heartbeat.interval.ms=250", "broker.session.timeout.ms=1500",
		"controller.quorum.fetch.timeout.ms=1000",
		"controller.quorum.election.timeout.ms=500",
		"controller.quorum.election.backoff.max.ms=250",
		"controller.quorum.request.timeout.ms=1000",
		"replica.lag.time.max.ms=2000", "replica.fetch.backoff.ms=100", "replica.socket.timeout.ms=2000",
	}
	return strings.Join(append(lines, o.Settings...), "\n") + "\n"
}

// Addrs are the brokers' addresses.
func (c *KafkaCluster) Addrs() []string {
	var all []string
	for _, b := range c.Brokers {
		all = append(all, b.Addr())
	}
	return all
}

// Replication is what a topic of this cluster can have: 1 or 3.
func (c *KafkaCluster) Replication() int { return min(len(c.Brokers), 3) }

// Ready waits until each running broker knows of all running ones and of a controller.
func (c *KafkaCluster) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	up := 0
	for _, b := range c.Brokers {
		if b.Running() {
			up++
		}
	}
	for _, b := range c.Brokers {
		if !b.Running() {
			continue
		}
		if err := b.Process.Ready(ctx, func(ctx context.Context) error { return b.knows(ctx, up) }); err != nil {
			return err
		}
	}
	return nil
}

// knows asks one broker for the brokers of its cluster.
func (b *KafkaBroker) knows(ctx context.Context, brokers int) error {
	c, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.RequestRetries(0),
		kgo.DialTimeout(300*time.Millisecond), kgo.RequestTimeoutOverhead(500*time.Millisecond))
	if err != nil {
		return err
	}
	defer c.Close()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	resp, err := req.RequestWith(ctx, c)
	if err != nil {
		return err
	}
	if len(resp.Brokers) < brokers || resp.ControllerID < 0 {
		return errors.New("the broker does not know all brokers and a controller yet")
	}
	return nil
}

// Restart ends every running broker politely and all at once, starts them on
// the same ports and files, and waits until they are one cluster again.
func (c *KafkaCluster) Restart(ctx context.Context) error {
	if err := c.Stop(ctx); err != nil {
		return err
	}
	for _, b := range c.Brokers {
		if err := b.Start(); err != nil {
			return err
		}
	}
	return c.Ready(ctx)
}

// Stop ends every running broker politely and all at once; a broker that does
// not end in 4 s - the last ones have no quorum to say goodbye to - is killed.
func (c *KafkaCluster) Stop(ctx context.Context) error {
	const patience = 4 * time.Second
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ended := make(chan struct{}, len(c.Brokers))
	for _, b := range c.Brokers {
		go func() {
			_ = b.Stop(soon)
			ended <- struct{}{}
		}()
	}
	for range c.Brokers {
		<-ended
	}
	return ctx.Err()
}

// Kill kills every broker.
func (c *KafkaCluster) Kill() {
	for _, b := range c.Brokers {
		if b.Process != nil {
			b.Process.Kill()
		}
	}
}

// Close kills every broker and removes the files.
func (c *KafkaCluster) Close() {
	c.Kill()
	_ = os.RemoveAll(c.dir)
}
