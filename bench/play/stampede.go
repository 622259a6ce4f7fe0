package play

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"firstcome/bench/load"
	"firstcome/bench/report"
)

// StampedeOptions are far more members than places.
type StampedeOptions struct {
	Members     int
	Cap         int64
	Sends       float64 // claims per member, 1..2: the rest are second taps
	Drops       float64 // share of claims whose connection breaks before the answer, and which are sent again
	Connections int     // that share the claims, closed loop
	Repeats     int     // stampedes, each beside a run of the empty handler
}

// DefaultStampede is what is published.
func DefaultStampede() StampedeOptions {
	return StampedeOptions{Members: 20_000, Cap: 2_000, Sends: 1.3, Drops: 0.02, Connections: 256, Repeats: 3}
}

// stampede is one play of it.
type stampede struct {
	*Stage
	StampedeOptions
	admin     *admin
	crowd     *crowd
	callers   []*caller
	campaigns []definition
	claims    []told
	rates     []float64 // answers per second, of each repeat
	empty     []float64 // of the empty handler
	ratios    []float64
}

// send is one claim of the rush.
type send struct {
	member int
	drop   bool
	at     float64 // its turn
}

// Stampede lets the members rush at a campaign, all claims as fast as the
// connections carry them, and measures an empty net/http handler with the same
// claims right before each rush: the ratio is what can be compared between machines.
func Stampede(ctx context.Context, s *Stage, o StampedeOptions) (*report.Report, error) {
	a, r, err := s.start(ctx, "stampede", fmt.Sprintf(
		"%d members at %d places, %.2g sends each, %.2g %% of the connections dropped and tried again, %d connections, closed loop; "+
			"%d times, each right after the same claims against an empty net/http handler. Every member has opened the page before.",
		o.Members, o.Cap, o.Sends, o.Drops*100, o.Connections, o.Repeats))
	if err != nil {
		return nil, err
	}
	defer a.close()
	st := &stampede{Stage: s, StampedeOptions: o, admin: a}
	if st.crowd, err = gather(ctx, s, "member", o.Members); err != nil {
		return nil, err
	}
	for i := range o.Connections {
		st.callers = append(st.callers, st.crowd.caller(i))
	}
	defer hangUpAll(st.callers)
	if err := st.play(ctx, r); err != nil {
		return nil, err
	}
	return r, audit(ctx, s, a, r, st.campaigns, operations(st.claims))
}

func (st *stampede) play(ctx context.Context, r *report.Report) error {
	if err := st.rush(ctx, -1, r); err != nil { // warms up
		return err
	}
	warm := len(st.claims)
	profiled := st.profile(ctx, st.admin)
	before := st.cpu()
	for i := range st.Repeats {
		if err := st.rush(ctx, i, r); err != nil {
			return err
		}
	}
	after := st.cpu()
	set := newSeriesSet()
	set.of("all claims")
	for i := range st.claims[warm:] {
		if t := &st.claims[warm+i]; t.op.Status != 0 {
			set.add(t.took, "all claims", claimName(t))
		}
	}
	set.draw("all claims", "apply: granted", "apply: the same again", "apply: sold out")
	r.Series = set.report()
	r.Figures = append([]report.Figure{
		{Name: "claims answered, median of the runs", Value: median(st.rates), Unit: "/s"},
		{Name: "empty handler, median of the runs", Value: median(st.empty), Unit: "/s"},
		{Name: "share of the empty handler, lowest", Value: slices.Min(st.ratios)},
		{Name: "share of the empty handler, highest", Value: slices.Max(st.ratios)},
	}, cpuFigures(before, after, len(st.claims)-warm)...)
	r.Targets = []report.Target{{Name: "share of the empty handler, median", Want: 0.5, Got: median(st.ratios), More: true}}
	return profiled()
}

// rush is one stampede, or the warm-up with a negative number: everybody opens
// the page, the empty handler is measured, then everybody taps.
func (st *stampede) rush(ctx context.Context, number int, r *report.Report) error {
	name := "warm-up"
	if number >= 0 {
		name = fmt.Sprintf("stampede %d", number+1)
	}
	limit := st.Cap
	d := definition{
		ID: fmt.Sprintf("stampede-%d-%d", r.Started.UnixMilli(), number+1), Title: "Limited tickets", Kind: "event", Cap: &limit,
	}
	if err := st.admin.create(ctx, d); err != nil {
		return err
	}
	st.campaigns = append(st.campaigns, d)
	if err := st.openPage(ctx, d.ID); err != nil {
		return err
	}
	turns := st.turns()
	empty, err := st.baseline(ctx, name, turns, d.ID)
	if err != nil {
		return err
	}
	requests := st.requests(d.ID)
	count := newCounter(st.Stage, name, len(turns))
	start := time.Now()
	err = st.inTurn(ctx, turns, func(m *caller, t send) error {
		member := st.crowd.names[t.member]
		if t.drop {
			m.hangUp(d.ID, member, requests[t.member])
		}
		m.insist(ctx, d.ID, member, requests[t.member], time.Now())
		count.one()
		return nil
	})
	rate := float64(len(turns)) / time.Since(start).Seconds()
	if err != nil {
		return err
	}
	_, claims := understood(st.callers)
	st.claims = append(st.claims, claims...)
	if number >= 0 {
		st.rates, st.empty, st.ratios = append(st.rates, rate), append(st.empty, empty), append(st.ratios, rate/empty)
	}
	return nil
}

// turns are all claims of a rush in their order: members by chance, second taps
// shortly after the first.
func (st *stampede) turns() []send {
	const shortly = 200 // claims of others in between, at most
	var all []send
	again := int(float64(st.Members) * (st.Sends - 1))
	for i, member := range rand.Perm(st.Members) {
		at := float64(i)
		all = append(all, send{member, rand.Float64() < st.Drops, at})
		if (i+1)*again/st.Members > i*again/st.Members { // spread evenly
			all = append(all, send{member, false, at + rand.Float64()*shortly})
		}
	}
	slices.SortFunc(all, func(a, b send) int { return cmp.Compare(a.at, b.at) })
	return all
}

// inTurn lets the connections share the claims: who is free takes the next.
func (st *stampede) inTurn(ctx context.Context, turns []send, do func(*caller, send) error) error {
	var next atomic.Int64
	return load.Closed(ctx, len(st.callers), func(ctx context.Context, n int) error {
		for {
			i := int(next.Add(1) - 1)
			if i >= len(turns) || ctx.Err() != nil {
				return ctx.Err()
			}
			if err := do(st.callers[n], turns[i]); err != nil {
				return err
			}
		}
	})
}

func (st *stampede) requests(campaign string) []load.Request {
	var all []load.Request
	for _, token := range st.crowd.tokens {
		all = append(all, load.NewRequest("POST", st.crowd.nodes[0].Members, "/v1/campaigns/"+campaign+"/claims", token, ""))
	}
	return all
}

// openPage is what happens before noon: every member looks at their own state
// once, on every node, so that connections stand and tokens are known.
func (st *stampede) openPage(ctx context.Context, campaign string) error {
	var turns []send
	for member := range st.Members {
		turns = append(turns, send{member: member})
	}
	for range st.crowd.nodes {
		err := st.inTurn(ctx, turns, func(m *caller, t send) error {
			return m.get(load.NewRequest("GET", m.conn.Addr(), "/v1/campaigns/"+campaign+"/claims/me", st.crowd.tokens[t.member], ""), kindDetail)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// baseline plays the same claims against the empty handler: answers per second.
func (st *stampede) baseline(ctx context.Context, name string, turns []send, campaign string) (float64, error) {
	addr, end, err := st.Baseline(ctx)
	if err != nil {
		return 0, err
	}
	defer end()
	st.progress(name+", empty handler", 0, 1)
	crowd := *st.crowd
	empty := stampede{Stage: st.Stage, StampedeOptions: st.StampedeOptions, crowd: &crowd}
	for range st.callers {
		empty.callers = append(empty.callers, &caller{crowd: &crowd, conn: load.NewConn(addr)})
	}
	defer hangUpAll(empty.callers)
	requests := st.requests(campaign)
	var rate float64
	for range 2 { // the first time warms up
		start := time.Now()
		err := empty.inTurn(ctx, turns, func(m *caller, t send) error {
			if t.drop {
				m.hangUp(campaign, "", requests[t.member])
			}
			if !m.claim(campaign, "", requests[t.member], time.Now()) {
				return fmt.Errorf("the empty handler does not answer")
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		rate = float64(len(turns)) / time.Since(start).Seconds()
		for _, m := range empty.callers {
			m.tape = tape{}
		}
	}
	st.progress(name+", empty handler", 1, 1)
	return rate, nil
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
