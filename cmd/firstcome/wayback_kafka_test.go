package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"firstcome/api"
	"firstcome/bench/stack"
)

// ownKafka is a cluster's environment on a broker that only this test uses.
func ownKafka(t *testing.T) (env []string, broker *stack.KafkaCluster, topic string) {
	t.Helper()
	env = clusterEnv(t)
	broker, err := stack.StartKafka(t.Context(), stack.KafkaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	for i, v := range env {
		switch key, _, _ := strings.Cut(v, "="); key {
		case "FIRSTCOME_KAFKA":
			env[i] = key + "=" + strings.Join(broker.Addrs(), ",")
		case "FIRSTCOME_KAFKA_TOPIC":
			topic = strings.TrimPrefix(v, key+"=")
		}
	}
	return env, broker, topic
}

// startMute starts a node that has nothing to answer, which greets nobody.
func startMute(t *testing.T, env []string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &running{t: t, said: newTranscript(), ended: make(chan struct{}), cancel: cancel, identity: api.Identity{JWTKey: goodJWTKey}}
	members, admins := freeAddress(t), freeAddress(t)
	p.members, p.admins = "http://"+members, "http://"+admins
	h := &hall{environ: env, out: io.Discard, err: p.said}
	go func() {
		defer close(p.ended)
		p.code = h.run(ctx, []string{"--listen", members, "--admin-listen", admins, "--log-format", "text"})
	}()
	t.Cleanup(func() { p.stop(); crowd.CloseIdleConnections() })
	late := time.Now().Add(patience)
	for {
		if _, err := ask("GET", p.admins+"/livez", "", ""); err == nil {
			return p
		}
		if time.Now().After(late) {
			t.Fatalf("it does not listen: %s", p.said)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := stack.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// goOn resumes from the ledger and shows that everything that it knew is there,
// and that claims and booking go on.
func goOn(t *testing.T, env []string) {
	t.Helper()
	got := invoke(t, env, "ledger", "resume", "--beyond", "50")
	if got.code != exitUsage {
		t.Fatalf("without --confirm: exit code %d: %s", got.code, got.err)
	}
	must(t, got.err, "would be done", "--confirm")
	must(t, invoke(t, env, "ledger", "resume", "--beyond", "50", "--confirm").done(t).out, "goes on from the ledger")
	must(t, invoke(t, env, "ledger", "resume", "--beyond", "50").done(t).out, "nothing is missing")
	p := startNode(t, env, false)
	states(t, p)
	oneMore(t, p)
	p.open("after", `"cap":1`)
	p.member("alice", "POST", claims("after"), "").expect(t, 201)
	p.balanced("after", 1)
}

// oneMore raises the cap, so that m6 is granted the next rank, and has it booked.
func oneMore(t *testing.T, p *running) {
	t.Helper()
	tag := p.admin("GET", "/campaigns/noon", "").header.Get("ETag")
	p.admin("PUT", "/campaigns/noon/cap", `{"cap":6,"reason":"test"}`, "If-Match", tag).expect(t, 200)
	if r := p.member("m6", "GET", claims("noon")+"/me", "").expect(t, 200); r.number("rank") != 7 {
		t.Errorf("%s", r.raw)
	}
	p.balanced("noon", 6)
	if r := p.readyz(); r.body["stopped"] != nil {
		t.Errorf("%s", r.raw)
	}
}

// A broker's disk loses the end of a partition that it had confirmed.
func TestWayBackFromATruncatedLog(t *testing.T) {
	env, broker, topic := ownKafka(t)
	p := startNode(t, env, false)
	claimSomeAt(t, p)
	partition := p.admin("GET", "/campaigns/noon", "").number("partition")
	b := broker.Brokers[0]
	b.Kill()
	cutOff(t, filepath.Join(b.Data(), fmt.Sprintf("%s-%d", topic, partition)))
	if err := broker.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.stops("claims", topic); got != partition {
		t.Errorf("partition %d has stopped, %d was cut off", got, partition)
	}
	p.refusesClaims("noon")
	p.elsewhere(partition)
	p.stop()
	p = startNode(t, env, false) // for the other partitions
	p.stops("claims", "it ends at", "what is known ends at")
	p.stops("ledger", "the cursor is at")
	p.refusesClaims("noon")
	p.stop()
	goOn(t, env)
}

// cutOff leaves the first half of a partition's records.
func cutOff(t *testing.T, dir string) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("%s has %v, %v", dir, segments, err)
	}
	info, err := os.Stat(segments[0])
	if err == nil {
		err = os.Truncate(segments[0], info.Size()/2)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Another program writes into the topic: the partition stops at its record, and
// goes on behind it when an operator says so.
func TestWayBackFromAForeignRecord(t *testing.T) {
	env := clusterEnv(t)
	p := startNode(t, env, false)
	claimSomeAt(t, p)
	partition := p.admin("GET", "/campaigns/noon", "").number("partition")
	offset := produce(t, env, int32(partition), `{"order":17}`)
	p.stops("claims", fmt.Sprintf("offset %d", offset), "does not know")
	p.stops("ledger", fmt.Sprintf("at %d", offset))
	p.refusesClaims("noon")
	p.elsewhere(partition)
	p.stop()
	args := []string{"ledger", "skip", "--partition", fmt.Sprint(partition), "--offset"}
	if got := invoke(t, env, append(args, fmt.Sprint(offset-1), "--confirm")...); got.code != exitNotSo {
		t.Errorf("a record that is ours: exit code %d", got.code)
	}
	args = append(args, fmt.Sprint(offset))
	must(t, invoke(t, env, args...).err, "would go on", "--confirm")
	must(t, invoke(t, env, append(args, "--confirm")...).done(t).out, "goes on at")
	p = startNode(t, env, false)
	states(t, p)
	oneMore(t, p)
}

// produce writes a record as any program can and returns its offset.
func produce(t *testing.T, env []string, partition int32, value string) int64 {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(getenv(env, "FIRSTCOME_KAFKA"), ",")...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r, err := client.ProduceSync(t.Context(), &kgo.Record{Topic: getenv(env, "FIRSTCOME_KAFKA_TOPIC"), Partition: partition, Value: []byte(value)}).First()
	if err != nil {
		t.Fatal(err)
	}
	return r.Offset
}

// The topic is deleted and made again under the same name.
func TestWayBackFromARecreatedTopic(t *testing.T) {
	env, broker, topic := ownKafka(t)
	p := startNode(t, env, false)
	claimSomeAt(t, p)
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).DeleteTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	until(t, "the topic is made again", func() bool { return invoke(t, env, "topic", "create").code == exitDone })
	p.stops("claims", topic, "made again")
	until(t, "nobody is answered", func() bool { return p.readyz().status == 503 })
	p.refusesClaims("noon")
	p.stop()
	p = startMute(t, env)
	p.stops("claims", "the ledger was folded from log")
	p.stops("ledger", "the book is of log")
	if r := p.readyz(); r.status != 503 || r.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", r.status, r.raw)
	}
	p.refusesClaims("noon")
	p.stop()
	goOn(t, env)
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !ok(); {
		if time.Now().After(late) {
			t.Fatalf("never happened: %s", what)
		}
	}
}
