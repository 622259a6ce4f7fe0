package gatetest

import (
	"context"
	"crypto/rand"
	"math"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"firstcome/engine"
)

// Subject is a gate under test.
type Subject struct {
	Gate    engine.Gate
	Locker  engine.Locker
	Counter engine.Counter
	Roster  engine.Roster
	Clock   engine.TimeSource
	Redis   redis.UniversalClient // its Redis, empty: to look into and to damage
}

// Run runs every test of the contract. open is called once a test; what it opens it
// closes by t.Cleanup.
func Run(t *testing.T, open func(t testing.TB) Subject) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Subject)
	}{
		{"UnknownCampaignIsEmpty", testEmpty},
		{"ShutCampaignGivesNothing", testShut},
		{"LeaseGivesWhatIsLeft", testRoom},
		{"SlackIsGivenBeyondTheRoom", testSlack},
		{"NoCapGivesEverything", testNoCap},
		{"ManyAtOnceNeverExceedTheRoom", testCrowd},
		{"DeadLeasesComeBackFiftyAtATime", testFifty},
		{"FlushForgetsDeadLeases", testDead},
		{"FlushesOfTwoNodesAddUp", testTwoNodes},
		{"OlderOffsetIsIgnoredForASecond", testOlder},
		{"OtherTopicReplaces", testTopic},
		{"DeadlineTooLateIsCut", testCut},
		{"FlushOfManyCampaigns", testMany},
		{"BadInputIsRefused", testBadInput},
		{"DamageHeals", testDamage},
		{"DamageIsSeen", testDamageSeen},
		{"DamageThatLooksNewerIsReplacedAtOnce", testDamagedReport},
		{"TooManyLeasesAreForgotten", testTooMany},
		{"CounterNeverFallsBelowZero", testBelowZero},
		{"FlushallHeals", testFlushall},
		{"KeysExpireInTheEnd", testExpiry},
		{"RandomHistoriesMatchTheModel", testModel},
		{"LockIsForOne", testLock},
		{"LockExpires", testLockExpires},
		{"LostLockIsNotAnothers", testLostLock},
		{"ManyLocksAtOnce", testManyLocks},
		{"CountsAddUp", testCounts},
		{"DamagedCountsBeginAnew", testDamagedCounts},
		{"ClockIsTheServers", testClock},
		{"NodesSignTheRoster", testRoster},
		{"DamagedRosterBeginsAnew", testDamagedRoster},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

const (
	ttl    = 10 * time.Second // of leases: longer than any test
	noRoom = int64(math.MaxInt64)
)

// rig is what a test's lines are made of: calls that must succeed.
type rig struct {
	t testing.TB
	Subject
	ctx      context.Context
	campaign string
	kept     engine.Lock // of prepare
}

func newRig(t testing.TB, s Subject) *rig {
	return &rig{t: t, Subject: s, ctx: t.Context(), campaign: "c-" + rand.Text()}
}

// key is the name of one of the campaign's keys: n, s, l or x.
func (r *rig) key(which string) string { return "fc:{" + r.campaign + "}:" + which }

func (r *rig) report(lease string) engine.Report {
	return engine.Report{Campaign: r.campaign, Lease: lease, TTL: ttl, Topic: "log-1", Open: true}
}

func (r *rig) ask(lease string, want int64) engine.Ask {
	return engine.Ask{Campaign: r.campaign, Lease: lease, Want: want, TTL: ttl}
}

func (r *rig) flush(reports ...engine.Report) {
	r.t.Helper()
	if err := r.Gate.Flush(r.ctx, reports); err != nil {
		r.t.Fatalf("flush: %v", err)
	}
}

// open reports an open campaign with a room, by a node that holds nothing.
func (r *rig) open(room int64) {
	r.t.Helper()
	report := r.report("opener")
	report.Room = room
	r.flush(report)
}

func (r *rig) lease(ask engine.Ask, want int64) {
	r.t.Helper()
	given, err := r.Gate.Lease(r.ctx, ask)
	if err != nil || given != want {
		r.t.Fatalf("lease of %d by %s: gave %d (%v), not %d", ask.Want, ask.Lease, given, err, want)
	}
}

func (r *rig) counts(count, leased, used int64) {
	r.t.Helper()
	got, err := r.Gate.Read(r.ctx, r.campaign)
	want := engine.GateCount{Count: count, Leased: leased, Used: used, Known: true}
	if err != nil || got != want {
		r.t.Fatalf("read %+v (%v), not %+v", got, err, want)
	}
}

// kill moves a lease's deadline into the past.
func (r *rig) kill(lease string) {
	r.t.Helper()
	r.must(r.Redis.ZAdd(r.ctx, r.key("x"), redis.Z{Score: 1, Member: lease}).Err())
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}
