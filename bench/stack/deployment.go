package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// DeploymentOptions say what StartEmbedded and StartCluster start.
type DeploymentOptions struct {
	// Program is firstcome, as Build returns it.
	Program string
	// Nodes is how many firstcome processes a cluster has; 0: 2. The embedded
	// shape is always one.
	Nodes int
	// Brokers is how many Kafka brokers a cluster has: 1 or 3; 0: 1.
	Brokers int
	// Fsync makes each broker sync every batch to disk before it counts. Without
	// it a record is safe from a dead process, and with three brokers from a
	// dead machine, but not from a power cut of all of them.
	Fsync bool
	// Settings are further FIRSTCOME_ variables of every node.
	Settings map[string]string
	// StreamNodes of a cluster do nothing but serve streams, beside the others;
	// StreamSource is where they hear the news: "log" or "redis".
	StreamNodes  int
	StreamSource string
}

// Deployment is a running firstcome in one of its two shapes, with all it runs on.
type Deployment struct {
	Nodes   []*Node
	Streams []*Node // that serve streams alone
	// What a cluster runs on; nil when embedded.
	Redis    *SentinelGroup
	Kafka    *KafkaCluster
	Postgres *PostgresServer

	// Fsync is as it was asked for.
	Fsync bool

	program  string
	dir      string
	settings map[string]string
}

// The secrets of a deployment that lives for minutes on loopback. TestSecret is
// what a cluster's pseudonyms derive from.
const (
	TestSecret = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
	testJWTKey = "a shared secret of the issuer and the nodes, for benchmarks and tests"
)

// StartEmbedded starts one firstcome with everything inside, as it runs with
// no configuration, on a folder of its own: about 0.2 s.
func StartEmbedded(ctx context.Context, o DeploymentOptions) (*Deployment, error) {
	d, err := newDeployment(o)
	if err != nil {
		return nil, err
	}
	d.settings["FIRSTCOME_DATA"] = filepath.Join(d.dir, "data")
	d.settings["FIRSTCOME_NO_EXAMPLE"] = "true"
	maps.Copy(d.settings, o.Settings)
	if err := d.startNodes(ctx, 1, nil); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// StartCluster starts firstcome nodes on a Redis master with replicas and three
// sentinels, Kafka and PostgreSQL, all of them real: 3-8 s.
func StartCluster(ctx context.Context, o DeploymentOptions) (*Deployment, error) {
	d, err := newDeployment(o)
	if err != nil {
		return nil, err
	}
	if o.Nodes == 0 {
		o.Nodes = 2
	}
	err = d.startServices(ctx, o)
	if err == nil {
		d.settings["FIRSTCOME_SECRET"] = TestSecret
		d.settings["FIRSTCOME_JWT_KEY"] = testJWTKey
		maps.Copy(d.settings, o.Settings)
		err = d.startNodes(ctx, o.Nodes, nil)
	}
	if err == nil {
		err = d.startStreams(ctx, o)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// startStreams starts the nodes that serve streams alone. Those that hear the news
// through Redis are not told where log and ledger are.
func (d *Deployment) startStreams(ctx context.Context, o DeploymentOptions) error {
	settings := maps.Clone(d.settings)
	settings["FIRSTCOME_ROLES"] = "stream"
	if o.StreamSource == "redis" {
		settings["FIRSTCOME_STREAM_SOURCE"] = "redis"
		maps.DeleteFunc(settings, func(name, _ string) bool {
			return strings.HasPrefix(name, "FIRSTCOME_KAFKA") || name == "FIRSTCOME_POSTGRES"
		})
	}
	for i := range o.StreamNodes {
		n, err := startNode(d.program, d.dir, fmt.Sprintf("stream-%d", i+1), settings)
		if err != nil {
			return err
		}
		d.Streams = append(d.Streams, n)
	}
	for _, n := range d.Streams {
		if err := n.Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// StartNodes starts firstcome nodes alone, on services that run already. The
// settings are those of all; own adds each node's, counted from 0.
func StartNodes(ctx context.Context, o DeploymentOptions, own func(node int) map[string]string) (*Deployment, error) {
	d, err := newDeployment(o)
	if err != nil {
		return nil, err
	}
	d.settings["FIRSTCOME_SECRET"] = TestSecret
	d.settings["FIRSTCOME_JWT_KEY"] = testJWTKey
	maps.Copy(d.settings, o.Settings)
	if err := d.startNodes(ctx, max(o.Nodes, 1), own); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func newDeployment(o DeploymentOptions) (*Deployment, error) {
	dir, err := newDir("firstcome")
	if err != nil {
		return nil, err
	}
	return &Deployment{Fsync: o.Fsync, program: o.Program, dir: dir, settings: map[string]string{"FIRSTCOME_LOG_LEVEL": "warn"}}, nil
}

// startServices starts the three services at once and tells the nodes where they are.
func (d *Deployment) startServices(ctx context.Context, o DeploymentOptions) error {
	group, all := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		d.Redis, err = StartSentinels(all, SentinelOptions{})
		return err
	})
	group.Go(func() (err error) {
		ko := KafkaOptions{Brokers: o.Brokers}
		if o.Fsync {
			ko.Settings = []string{"log.flush.interval.messages=1"}
		}
		d.Kafka, err = StartKafka(all, ko)
		return err
	})
	group.Go(func() (err error) {
		d.Postgres, err = StartPostgres(all, PostgresOptions{})
		if err == nil {
			d.settings["FIRSTCOME_POSTGRES"], err = d.Postgres.CreateDatabase(all, "firstcome")
		}
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	d.settings["FIRSTCOME_REDIS"] = d.Redis.URL(0)
	d.settings["FIRSTCOME_KAFKA"] = strings.Join(d.Kafka.Addrs(), ",")
	d.settings["FIRSTCOME_KAFKA_REPLICATION"] = fmt.Sprint(d.Kafka.Replication())
	return nil
}

// startNodes starts the nodes at once and waits until all are ready.
func (d *Deployment) startNodes(ctx context.Context, nodes int, own func(int) map[string]string) error {
	for i := range nodes {
		settings := maps.Clone(d.settings)
		if own != nil {
			maps.Copy(settings, own(i))
		}
		n, err := startNode(d.program, d.dir, fmt.Sprintf("node-%d", i+1), settings)
		if err != nil {
			return err
		}
		d.Nodes = append(d.Nodes, n)
	}
	for _, n := range d.Nodes {
		if err := n.Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Command runs another verb of firstcome with the settings of the nodes, gives
// it input and returns what it printed. An error carries what it complained of.
func (d *Deployment) Command(ctx context.Context, input string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, d.program, args...)
	cmd.Env, cmd.Dir = environment(d.settings), d.dir
	cmd.Stdin = strings.NewReader(input)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("firstcome %s: %w: %s", args[0], err, bytes.TrimSpace(complaints.Bytes()))
	}
	return out.String(), nil
}

// Tokens returns one token for each subject, valid for an hour: members' with
// an empty role, else admins' ("viewer", "operator", "owner").
func (d *Deployment) Tokens(ctx context.Context, role string, subjects []string) ([]string, error) {
	args := []string{"token", "--subs-from", "-"}
	if role != "" {
		args = append(args, "--role", role)
	}
	out, err := d.Command(ctx, strings.Join(subjects, "\n"), args...)
	if err != nil {
		return nil, err
	}
	tokens := strings.Fields(out)
	if len(tokens) != len(subjects) {
		return nil, fmt.Errorf("firstcome token: %d tokens for %d subjects", len(tokens), len(subjects))
	}
	return tokens, nil
}

// Processes are all running processes of the deployment by what they are:
// "firstcome", "streams", "redis", "sentinel", "kafka", "postgres".
func (d *Deployment) Processes() map[string][]*Process {
	all := map[string][]*Process{}
	add := func(what string, p *Process) {
		if p != nil && p.Running() {
			all[what] = append(all[what], p)
		}
	}
	for _, n := range d.Nodes {
		add("firstcome", n.Process)
	}
	for _, n := range d.Streams {
		add("streams", n.Process)
	}
	if d.Redis != nil {
		for _, s := range d.Redis.Servers {
			add("redis", s.Process)
		}
		for _, s := range d.Redis.Sentinels {
			add("sentinel", s.Process)
		}
	}
	if d.Kafka != nil {
		for _, b := range d.Kafka.Brokers {
			add("kafka", b.Process)
		}
	}
	if d.Postgres != nil {
		add("postgres", d.Postgres.Process)
	}
	return all
}

// Stop asks every node to end, waits for it, and names those that did not.
func (d *Deployment) Stop(ctx context.Context) error {
	var all []error
	for _, n := range slices.Concat(d.Streams, d.Nodes) {
		all = append(all, n.Stop(ctx))
	}
	return errors.Join(all...)
}

// Close kills everything and removes the files.
func (d *Deployment) Close() {
	for _, n := range slices.Concat(d.Nodes, d.Streams) {
		if n.Process != nil {
			n.Kill()
		}
	}
	if d.Redis != nil {
		d.Redis.Close()
	}
	if d.Kafka != nil {
		d.Kafka.Close()
	}
	if d.Postgres != nil {
		d.Postgres.Close()
	}
	_ = os.RemoveAll(d.dir)
}
