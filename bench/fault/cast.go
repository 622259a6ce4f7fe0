package fault

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"firstcome/bench/stack"
)

// Cast is the nodes of one run, with a topic and a database that nobody used
// before, on a rig that has seen others.
type Cast struct {
	*Rig
	Nodes    []*stack.Node
	Topic    string
	Database string
	Boss     *boss // speaks to the admins' doors

	deployment *stack.Deployment
	starts     []atomic.Int32 // how often each node was started again
	clocks     []string       // files that say how wrong each node's clock is
	dir        string
}

// Partitions of each run's log.
const Partitions = 16

// CastOptions say which nodes a run has.
type CastOptions struct {
	Program  string
	Nodes    int
	Settings map[string]string // further FIRSTCOME_ variables of each node
}

// Cast starts the nodes of a run and waits until all answer: about a second.
func (r *Rig) Cast(ctx context.Context, o CastOptions) (*Cast, error) {
	r.runs++
	c := &Cast{Rig: r, Topic: fmt.Sprintf("firstcome.run.%d", r.runs), Database: fmt.Sprintf("run_%d", r.runs)}
	err := c.start(ctx, o)
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cast) start(ctx context.Context, o CastOptions) (err error) {
	if err := c.tidy(ctx); err != nil {
		return err
	}
	dsn, err := c.Postgres.CreateDatabase(ctx, c.Database)
	if err != nil {
		return err
	}
	if c.dir, err = os.MkdirTemp("", "firstcome-fault-"); err != nil {
		return fmt.Errorf("make a folder for the clocks: %w", err)
	}
	settings := map[string]string{
		"FIRSTCOME_REDIS": c.Redis.URL(0), "FIRSTCOME_KAFKA": strings.Join(c.Kafka.Addrs(), ","), "FIRSTCOME_POSTGRES": dsn,
		"FIRSTCOME_KAFKA_TOPIC": c.Topic, "FIRSTCOME_KAFKA_REPLICATION": fmt.Sprint(c.Kafka.Replication()),
		"FIRSTCOME_KAFKA_PARTITIONS": fmt.Sprint(Partitions),
		"FIRSTCOME_LOG_LEVEL":        "info",
	}
	maps.Copy(settings, o.Settings)
	for i := range o.Nodes {
		c.clocks = append(c.clocks, filepath.Join(c.dir, fmt.Sprintf("clock-%d", i+1)))
	}
	c.deployment, err = stack.StartNodes(ctx, stack.DeploymentOptions{Program: o.Program, Nodes: o.Nodes, Settings: settings},
		func(i int) map[string]string {
			own := c.settings(i, c.Database)
			own["FIRSTCOME_REHEARSE_CLOCK"] = c.clocks[i]
			return own
		})
	if err != nil {
		return err
	}
	c.Nodes, c.starts = c.deployment.Nodes, make([]atomic.Int32, o.Nodes)
	if err := c.pass.renew(ctx, c.deployment); err != nil {
		return err
	}
	c.Boss = newBoss(c.Nodes, c.pass.owner)
	return nil
}

// Wrong makes a node's own clock wrong; it looks at it every few seconds.
func (c *Cast) Wrong(node int, by time.Duration) error {
	return os.WriteFile(c.clocks[node], []byte(by.String()), 0o600)
}

// Close kills the nodes and drops what they kept.
func (c *Cast) Close() {
	if c.Boss != nil {
		c.Boss.close()
	}
	if c.deployment != nil {
		c.deployment.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	// A dead server keeps what it has, and is thrown away with it.
	_ = c.Postgres.DropDatabase(ctx, c.Database)
	if admin, err := c.admins(); err == nil {
		_, _ = admin.DeleteTopic(ctx, c.Topic)
		admin.Close()
	}
	_ = os.RemoveAll(c.dir)
}

// Heal mends every wire, sets every clock right and starts what has ended, the
// services first, and waits until all answer.
func (c *Cast) Heal(ctx context.Context) error {
	for i := range c.clocks {
		_ = os.Remove(c.clocks[i]) // a clock that was right has none
	}
	if err := c.Rig.Heal(ctx); err != nil {
		return err
	}
	for i, n := range c.Nodes {
		n.Resume()
		if !n.Running() {
			if err := c.again(i); err != nil {
				return err
			}
		}
	}
	return c.ready(ctx)
}

// process numbers the processes that were asked: a node that was started again
// is another one.
func (c *Cast) process(node int) int {
	return node + len(c.Nodes)*int(c.starts[node].Load())
}

// again starts a node that has ended.
func (c *Cast) again(node int) error {
	c.starts[node].Add(1)
	return c.Nodes[node].Start()
}

// ready waits until every node says that it answers.
func (c *Cast) ready(ctx context.Context) error {
	group, all := errgroup.WithContext(ctx)
	for _, n := range c.Nodes {
		group.Go(func() error { return n.Ready(all) })
	}
	return group.Wait()
}

// passes are tokens that every run of a rig uses.
type passes struct {
	mu      sync.Mutex // held while they are made
	made    time.Time
	names   []string
	members []string
	owner   string
}

const (
	// crowdMost is how many members a rig has tokens for.
	crowdMost = 4000
	// passLife is how long tokens are used; they are valid for an hour.
	passLife = 30 * time.Minute
)

// renew makes the tokens, or leaves those that are young.
func (p *passes) renew(ctx context.Context, d *stack.Deployment) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.made) < passLife {
		return nil
	}
	if p.names == nil {
		for i := range crowdMost {
			p.names = append(p.names, fmt.Sprintf("member-%05d", i))
		}
	}
	owner, err := d.Tokens(ctx, "owner", []string{"bench"})
	if err != nil {
		return err
	}
	p.owner = owner[0]
	if p.members, err = d.Tokens(ctx, "", p.names); err != nil {
		return err
	}
	p.made = time.Now()
	return nil
}
