package main

import (
	"io"
	"strings"
	"testing"

	"firstcome/api"
	"firstcome/bench/stack"
)

// clusterEnv is a cluster on real services, as the environment of each node.
func clusterEnv(t *testing.T) []string {
	t.Helper()
	kafka, topic := stack.Kafka(t)
	return []string{
		"FIRSTCOME_KAFKA=" + strings.Join(kafka.Addrs(), ","), "FIRSTCOME_KAFKA_TOPIC=" + topic, "FIRSTCOME_KAFKA_PARTITIONS=4",
		"FIRSTCOME_KAFKA_REPLICATION=1", "FIRSTCOME_REDIS=" + stack.Redis(t).URL(), "FIRSTCOME_POSTGRES=" + stack.Postgres(t),
		"FIRSTCOME_SECRET=" + goodSecret, "FIRSTCOME_JWT_KEY=" + goodJWTKey,
	}
}

func startNode(t *testing.T, env []string, lockless bool) *running {
	t.Helper()
	p := startHall(t, &hall{environ: env, out: io.Discard, lockless: lockless})
	p.identity = api.Identity{JWTKey: goodJWTKey}
	return p
}

func TestCluster(t *testing.T) {
	env := clusterEnv(t)
	a, b := startNode(t, env, false), startNode(t, env, false)
	suite(t, a, b)
	for _, p := range []*running{a, b} {
		if code := p.stop(); code != exitDone {
			t.Errorf("exit code %d: %s", code, p.said)
		}
	}
}

// What one node granted, a node that starts afterwards knows, from the ledger's
// snapshot and the tail of the log.
func TestANewNodeKnowsEverything(t *testing.T) {
	env := clusterEnv(t)
	a := startNode(t, env, false)
	a.open("known", `"cap":3`)
	first := a.member("alice", "POST", claims("known"), "").expect(t, 201)
	a.balanced("known", 1)
	a.member("bora", "POST", claims("known"), "").expect(t, 201)
	a.stop()
	b := startNode(t, env, false)
	again := b.member("alice", "POST", claims("known"), "").expect(t, 200)
	if again.text("grant_id") != first.text("grant_id") {
		t.Fatalf("%s and %s", first.raw, again.raw)
	}
	if r := b.member("bora", "POST", claims("known"), "").expect(t, 200); r.number("rank") != 2 {
		t.Fatalf("%s", r.raw)
	}
}

func TestClusterWithoutLocks(t *testing.T) {
	env := clusterEnv(t)
	a, b := startNode(t, env, true), startNode(t, env, true)
	for _, counting := range []string{"direct", "batched"} {
		a.open(counting, `"cap":50,"counting":"`+counting+`"`)
		stampede(t, counting, 50, 300, a, b)
	}
}

// A Postgres that is away does not keep a node from deciding.
func TestANodeStartsWhilePostgresIsAway(t *testing.T) {
	env := append(clusterEnv(t), "FIRSTCOME_POSTGRES=postgres://nobody@127.0.0.1:1/away")
	p := startNode(t, env, false)
	p.open("alone", `"cap":1`)
	won := p.member("alice", "POST", claims("alone"), "").expect(t, 201)
	if won.text("ledger") != "queued" {
		t.Fatalf("%s", won.raw)
	}
	p.member("bora", "POST", claims("alone"), "", "Cache-Control", "no-cache").expect(t, 409)
}
