package play

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"firstcome/bench/load"
	"firstcome/bench/report"
)

// NoonOptions are a club's opening.
type NoonOptions struct {
	Members  int           // who play at once, each with a connection of their own
	Rounds   int           // of each scenario, each member
	Cap      int64         // places of an opening
	Openings int           // campaigns that the rounds of a scenario are spread over
	Before   time.Duration // of plain reads before the moment of opening
	Warmup   int           // rounds that are not measured
}

// DefaultNoon is what is published: the club's last test had 300 users and 50
// rounds. The club read for seven minutes before the opening.
func DefaultNoon() NoonOptions {
	return NoonOptions{Members: 300, Rounds: 50, Cap: 200, Openings: 5, Before: 5 * time.Second, Warmup: 10}
}

// scenarios are what a member does in one round.
var scenarios = []struct {
	name  string
	steps []int
}{
	{"S16 detail, apply, detail", []int{kindDetail, kindClaim, kindDetail}},
	{"S17 list, detail, apply, detail", []int{kindList, kindDetail, kindClaim, kindDetail}},
	{"S18 apply, detail", []int{kindClaim, kindDetail}},
}

// tapWindow is how long before the opening a tap may come and wait.
const tapWindow = 500 * time.Millisecond

// noon is one play of it.
type noon struct {
	*Stage
	NoonOptions
	admin     *admin
	crowd     *crowd
	callers   []*caller
	run       string // makes the ids of this play's campaigns its own
	campaigns []definition
	rest      []told // claims of finished phases
	series    *seriesSet
	requests  int
	spent     time.Duration
}

// Noon plays a club's opening: a warm-up; reads before an announced opening,
// taps that wait for it, the answers; then the scenarios round after round in a
// closed loop without pauses.
func Noon(ctx context.Context, s *Stage, o NoonOptions) (*report.Report, error) {
	a, r, err := s.start(ctx, "noon", fmt.Sprintf(
		"%d members, each with one connection, closed loop without pauses: %s of reads before an opening, taps in its last %s, "+
			"then %d rounds each of S16, S17 and S18 over %d openings per scenario of %d places.",
		o.Members, o.Before, tapWindow, o.Rounds, o.Openings, o.Cap))
	if err != nil {
		return nil, err
	}
	defer a.close()
	n := &noon{Stage: s, NoonOptions: o, admin: a, series: newSeriesSet(), run: fmt.Sprintf("noon-%d", r.Started.UnixMilli())}
	if n.crowd, err = gather(ctx, s, "member", o.Members); err != nil {
		return nil, err
	}
	for i := range o.Members {
		n.callers = append(n.callers, n.crowd.caller(i))
	}
	defer hangUpAll(n.callers)
	if err := n.play(ctx, r); err != nil {
		return nil, err
	}
	return r, audit(ctx, s, a, r, n.campaigns, operations(n.rest))
}

func (n *noon) play(ctx context.Context, r *report.Report) error {
	n.series.of("S16 to S18, all requests")
	if err := n.rounds(ctx, "warm-up", scenarios[1].steps, n.Warmup, nil); err != nil {
		return err
	}
	if err := n.opening(ctx); err != nil {
		return err
	}
	profiled := n.profile(ctx, n.admin)
	before := n.cpu()
	for _, s := range scenarios {
		if err := n.rounds(ctx, s.name, s.steps, n.Rounds, func(kind string, d time.Duration) {
			n.series.add(d, "S16 to S18, all requests", s.name, kind)
		}); err != nil {
			return err
		}
	}
	after := n.cpu()
	n.series.draw("S16 to S18, all requests", "apply: granted", "apply: the same again", "detail", "at noon: from the opening to the answer")
	r.Series = n.series.report()
	all := n.series.of("S16 to S18, all requests")
	r.Figures = append([]report.Figure{{Name: "requests, S16 to S18", Value: float64(n.requests) / n.spent.Seconds(), Unit: "/s"}},
		cpuFigures(before, after, n.requests)...)
	r.Targets = []report.Target{
		{Name: "median, S16 to S18", Unit: "ms", Want: 12, Got: ms(all.Quantile(0.5))},
		{Name: "p95, S16 to S18", Unit: "ms", Want: 30, Got: ms(all.Quantile(0.95))},
	}
	return profiled()
}

// campaign makes one that is open, or opens at a time.
func (n *noon) campaign(ctx context.Context, opens *time.Time) (string, error) {
	limit := n.Cap
	d := definition{
		ID: fmt.Sprintf("%s-%d", n.run, len(n.campaigns)), Title: "Spring seminar", Kind: "event", Cap: &limit, OpensAt: opens,
	}
	n.campaigns = append(n.campaigns, d)
	return d.ID, n.admin.create(ctx, d)
}

// requests of one member for one campaign.
type requests struct{ list, detail, claim load.Request }

func (n *noon) requestsOf(member int, campaign string) requests {
	host, token := n.callers[member].conn.Addr(), n.crowd.tokens[member]
	return requests{
		list:   load.NewRequest("GET", host, "/v1/campaigns", token, ""),
		detail: load.NewRequest("GET", host, "/v1/campaigns/"+campaign, token, ""),
		claim:  load.NewRequest("POST", host, "/v1/campaigns/"+campaign+"/claims", token, ""),
	}
}

// rounds lets every member play a scenario. keep takes each latency with what
// it was; nil: a warm-up, which is audited all the same.
func (n *noon) rounds(ctx context.Context, name string, steps []int, rounds int, keep func(string, time.Duration)) error {
	var ids []string
	for range min(n.Openings, max(rounds, 1)) {
		id, err := n.campaign(ctx, nil)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	count := newCounter(n.Stage, name, rounds*n.Members)
	start := time.Now()
	err := load.Closed(ctx, n.Members, func(ctx context.Context, member int) error {
		m, at := n.callers[member], -1
		var r requests
		for round := range rounds {
			if opening := round * len(ids) / rounds; opening != at {
				at = opening
				r = n.requestsOf(member, ids[at])
			}
			if err := n.round(ctx, m, member, ids[at], r, steps); err != nil {
				return err
			}
			count.one()
		}
		return nil
	})
	if err != nil {
		return err
	}
	if keep != nil {
		n.spent += time.Since(start)
	}
	n.collect(keep)
	return nil
}

func (n *noon) round(ctx context.Context, m *caller, member int, campaign string, r requests, steps []int) error {
	for _, step := range steps {
		var err error
		switch step {
		case kindList:
			err = m.get(r.list, kindList)
		case kindDetail:
			err = m.get(r.detail, kindDetail)
		case kindClaim:
			m.insist(ctx, campaign, n.crowd.names[member], r.claim, time.Now())
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// collect empties the tapes of a phase that has ended.
func (n *noon) collect(keep func(string, time.Duration)) {
	samples, claims := understood(n.callers)
	n.rest = append(n.rest, claims...)
	if keep == nil {
		return
	}
	n.requests += len(samples) + len(claims)
	for _, s := range samples {
		keep([]string{kindList: "list", kindDetail: "detail"}[s.Kind], s.Latency)
	}
	for i := range claims {
		if claims[i].op.Status != 0 {
			keep(claimName(&claims[i]), claims[i].took)
		}
	}
}

// opening is S19 and the moment itself: members read until half a second before
// the announced time, tap at a moment of their own and wait. What counts is the
// time from the opening to the answer.
func (n *noon) opening(ctx context.Context) error {
	opens := time.Now().Add(n.Before + 2*tapWindow).Truncate(time.Millisecond)
	id, err := n.campaign(ctx, &opens)
	if err != nil {
		return err
	}
	n.progress("before noon", 0, 1)
	err = load.Closed(ctx, n.Members, func(ctx context.Context, member int) error {
		m, r := n.callers[member], n.requestsOf(member, id)
		tap := opens.Add(-time.Duration(rand.Int64N(int64(tapWindow * 9 / 10))))
		for time.Until(opens) > tapWindow {
			if err := m.get(r.detail, kindDetail); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(tap)):
		}
		m.insist(ctx, id, n.crowd.names[member], r.claim, opens)
		return nil
	})
	if err != nil {
		return err
	}
	n.progress("before noon", 1, 1)
	samples, claims := understood(n.callers)
	n.rest = append(n.rest, claims...)
	for _, s := range samples {
		n.series.add(s.Latency, "S19 before noon: detail")
	}
	for i := range claims {
		if claims[i].op.Status != 0 {
			n.series.add(claims[i].took, "at noon: from the opening to the answer")
		}
	}
	return nil
}
