package gatetest

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"firstcome/engine"
)

var nodes = []string{"a", "b", "c"}

// model is what the gate's rules say in the plainest words.
type model struct {
	rig
	known, open bool
	n           int64 // the counter: what is used and what is leased
	used, room  int64 // as last reported; room < 0: without bound
	off         int64
	leases      map[string]int64 // of the gate
	dead        map[string]bool  // whose deadline has passed
	held        map[string]int64 // of the nodes
}

// testModel plays random histories of three nodes. Everything is exact, except between
// damage and the flushes that heal it.
func testModel(t *testing.T, s Subject) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{rig: *newRig(t, s), leases: map[string]int64{}, dead: map[string]bool{}, held: map[string]int64{}}
		rt.Repeat(map[string]func(*rapid.T){
			"lease":    m.doLease,
			"flush":    m.doFlush,
			"older":    m.doOlder,
			"use":      m.doUse,
			"die":      m.doDie,
			"flushall": m.doFlushall,
			"damage":   m.doDamage,
			"":         m.check,
		})
	})
}

func (m *model) doLease(t *rapid.T) {
	ask := m.ask(rapid.SampledFrom(nodes).Draw(t, "node"), rapid.Int64Range(1, 8).Draw(t, "want"))
	ask.Slack = rapid.Int64Range(0, 2).Draw(t, "slack")
	given, err := m.Gate.Lease(m.ctx, ask)
	switch {
	case !m.known:
		if !errors.Is(err, engine.ErrGateEmpty) {
			t.Fatalf("lease of an unknown campaign: %d, %v", given, err)
		}
		return
	case !m.open:
		if !errors.Is(err, engine.ErrGateShut) {
			t.Fatalf("lease of a shut campaign: %d, %v", given, err)
		}
		return
	case err != nil:
		t.Fatalf("lease: %v", err)
	}
	for lease := range m.dead {
		m.n -= m.leases[lease]
		delete(m.leases, lease)
	}
	clear(m.dead)
	want := ask.Want
	if m.room >= 0 {
		want = max(0, min(want, m.room+ask.Slack-m.n))
	}
	if given != want {
		t.Fatalf("gave %d, not %d: %+v", given, want, m)
	}
	if given > 0 {
		m.n += given
		m.leases[ask.Lease] += given
		m.held[ask.Lease] += given
	}
}

// doFlush reports a newer fold of one node.
func (m *model) doFlush(t *rapid.T) {
	node := rapid.SampledFrom(nodes).Draw(t, "node")
	m.known = true
	m.off += rapid.Int64Range(0, 3).Draw(t, "records")
	m.open = rapid.IntRange(0, 5).Draw(t, "open") > 0
	m.room = rapid.SampledFrom([]int64{0, 1, 10, 30, 1000, -1}).Draw(t, "room")
	m.reportAs(t, node, m.off)
}

// doOlder reports an older fold: only what the node holds counts.
func (m *model) doOlder(t *rapid.T) {
	if !m.known || m.off == 0 {
		t.Skip("nothing is older")
	}
	used, room, open := m.used, m.room, m.open
	m.used, m.room, m.open = rapid.Int64Range(0, 99).Draw(t, "used"), 50, !open
	older := m.full(rapid.SampledFrom(nodes).Draw(t, "node"), m.off-1)
	m.used, m.room, m.open = used, room, open
	m.flushed(t, older)
}

func (m *model) reportAs(t *rapid.T, node string, off int64) { m.flushed(t, m.full(node, off)) }

func (m *model) full(node string, off int64) engine.Report {
	report := m.report(node)
	report.Held, report.Offset, report.Used, report.Room, report.Open = m.held[node], off, m.used, m.room, m.open
	if m.room < 0 {
		report.Room = noRoom
	}
	return report
}

// flushed sends a report and does to the model what a flush does to leases.
func (m *model) flushed(t *rapid.T, report engine.Report) {
	if err := m.Gate.Flush(m.ctx, []engine.Report{report}); err != nil {
		t.Fatalf("flush: %v", err)
	}
	delete(m.dead, report.Lease)
	delete(m.leases, report.Lease)
	if report.Held > 0 {
		m.leases[report.Lease] = report.Held
	}
	for lease := range m.dead {
		delete(m.leases, lease)
	}
	clear(m.dead)
	m.n = m.used
	for _, units := range m.leases {
		m.n += units
	}
}

// doUse turns units that a node holds into places, which only the next flush tells.
func (m *model) doUse(t *rapid.T) {
	node := rapid.SampledFrom(nodes).Draw(t, "node")
	if !m.known || m.held[node] == 0 {
		t.Skip("it holds nothing")
	}
	units := rapid.Int64Range(1, m.held[node]).Draw(t, "units")
	m.held[node] -= units
	m.used += units
	m.off++
	m.reportAs(t, node, m.off)
}

// doDie lets a lease's deadline pass. Its node may hold the units still.
func (m *model) doDie(t *rapid.T) {
	node := rapid.SampledFrom(nodes).Draw(t, "node")
	if m.leases[node] == 0 {
		t.Skip("it has no lease")
	}
	m.kill(node)
	m.dead[node] = true
}

func (m *model) doFlushall(*rapid.T) {
	m.must(m.Redis.FlushDB(m.ctx).Err())
	m.known, m.n = false, 0
	clear(m.leases)
	clear(m.dead)
}

// doDamage damages one key, lets a node ask, and heals by flushes of all.
func (m *model) doDamage(t *rapid.T) {
	if !m.known {
		t.Skip("there is nothing to damage")
	}
	which := rapid.SampledFrom([]string{"n", "s", "l", "x"}).Draw(t, "key")
	harm := rapid.SampledFrom(harms(which)).Draw(t, "harm")
	t.Log(harm.name)
	m.must(harm.do(m.ctx, m.Redis, m.key(which)))
	m.tryLease(m.held, rapid.SampledFrom(nodes).Draw(t, "node"))
	for range 2 {
		for _, node := range nodes {
			m.reportAs(t, node, m.off)
		}
		m.must(m.Redis.HSet(m.ctx, m.key("s"), "at", 0).Err()) // nobody confirmed it
	}
	for _, node := range nodes {
		m.reportAs(t, node, m.off)
	}
}

// check compares the gate with the model after every step.
func (m *model) check(t *rapid.T) {
	got, err := m.Gate.Read(m.ctx, m.campaign)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	want := engine.GateCount{Known: m.known}
	if m.known {
		want.Count, want.Used = m.n, m.used
		for _, units := range m.leases {
			want.Leased += units
		}
	}
	if got != want {
		t.Fatal(fmt.Sprintf("the gate has %+v, the model %+v", got, want))
	}
}
