package play

import (
	"context"
	"fmt"
	"time"

	"firstcome/bench/load"
	"firstcome/bench/report"
)

// LikeOptions are a constant stream of reactions without a cap.
type LikeOptions struct {
	Rate        float64       // claims per second
	For         time.Duration // how long
	Warmup      time.Duration // of the same, not measured
	Connections int           // that carry them
}

// DefaultLike is what is published: more than 700 requests a second broke the
// synchronous version of the team who wrote about it.
func DefaultLike() LikeOptions {
	return LikeOptions{Rate: 700, For: 30 * time.Second, Warmup: 5 * time.Second, Connections: 64}
}

// likeMembersMost bounds the members; in longer runs they come again, and a
// repeat is answered from memory.
const likeMembersMost = 100_000

// Like sends claims of a campaign without a cap at a constant rate, each by
// another member, whatever becomes of the ones before.
func Like(ctx context.Context, s *Stage, o LikeOptions) (*report.Report, error) {
	a, r, err := s.start(ctx, "like", fmt.Sprintf(
		"%.0f claims a second for %s, open loop at constant distance, each by another member, no cap, %d connections; "+
			"latency counts from when a claim was due.", o.Rate, o.For, o.Connections))
	if err != nil {
		return nil, err
	}
	defer a.close()
	l := &like{Stage: s, LikeOptions: o, admin: a, run: fmt.Sprintf("like-%d", r.Started.UnixMilli())}
	return r, l.play(ctx, r)
}

// like is one play of it.
type like struct {
	*Stage
	LikeOptions
	admin     *admin
	run       string
	campaigns []definition
	crowd     *crowd
	callers   []*caller
}

func (l *like) play(ctx context.Context, r *report.Report) error {
	total := int(l.Rate * l.For.Seconds())
	var err error
	if l.crowd, err = gather(ctx, l.Stage, "viewer", min(total, likeMembersMost)); err != nil {
		return err
	}
	for i := range l.Connections {
		l.callers = append(l.callers, l.crowd.caller(i))
	}
	defer hangUpAll(l.callers)
	warm, err := l.stream(ctx, "warm-up", int(l.Rate*l.Warmup.Seconds()))
	if err != nil {
		return err
	}
	profiled := l.profile(ctx, l.admin)
	before, start := l.cpu(), time.Now()
	claims, err := l.stream(ctx, "like", total)
	if err != nil {
		return err
	}
	spent, after := time.Since(start), l.cpu()
	set := newSeriesSet()
	for i := range claims {
		if t := &claims[i]; t.op.Status != 0 {
			set.add(t.took, "all claims, from when they were due")
		}
	}
	set.draw("all claims, from when they were due")
	all := set.of("all claims, from when they were due")
	r.Series = set.report()
	r.Figures = append([]report.Figure{{Name: "claims answered", Value: float64(len(claims)) / spent.Seconds(), Unit: "/s"}},
		cpuFigures(before, after, len(claims))...)
	r.Targets = []report.Target{
		{Name: "mean", Unit: "ms", Want: 3, Got: ms(all.Average())},
		{Name: "p95", Unit: "ms", Want: 8, Got: ms(all.Quantile(0.95))},
	}
	if err := profiled(); err != nil {
		return err
	}
	return audit(ctx, l.Stage, l.admin, r, l.campaigns, operations(append(warm, claims...)))
}

// stream sends one campaign's claims and returns what was told.
func (l *like) stream(ctx context.Context, name string, total int) ([]told, error) {
	d := definition{ID: fmt.Sprintf("%s-%d", l.run, len(l.campaigns)), Title: "Like", Kind: "reaction"}
	if err := l.admin.create(ctx, d); err != nil {
		return nil, err
	}
	l.campaigns = append(l.campaigns, d)
	var requests []load.Request
	for _, token := range l.crowd.tokens {
		requests = append(requests, load.NewRequest("POST", l.crowd.nodes[0].Members, "/v1/campaigns/"+d.ID+"/claims", token, ""))
	}
	for _, m := range l.callers {
		if err := m.conn.Dial(); err != nil {
			return nil, err
		}
	}
	count := newCounter(l.Stage, name, total)
	err := load.Open(ctx, l.Rate, total, len(l.callers), func(worker int, a load.Arrival) {
		member := a.Number % len(requests)
		l.callers[worker].insist(ctx, d.ID, l.crowd.names[member], requests[member], a.Due)
		count.one()
	})
	_, claims := understood(l.callers)
	return claims, err
}
