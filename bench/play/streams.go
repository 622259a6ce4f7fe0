package play

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"firstcome/bench/history"
	"firstcome/bench/load"
	"firstcome/bench/report"
	"firstcome/bench/watch"
)

// StreamsOptions are a crowd that only looks.
type StreamsOptions struct {
	Idle    int           // streams on which nothing happens, for memory
	Readers int           // streams that hear everything
	Rate    float64       // claims a second that they hear of
	For     time.Duration // how long
	Missed  int           // claims that nobody hears of before all come back at once
	Deaf    int           // streams that nobody reads
	Hearing int           // streams beside the deaf ones
	DeafFor time.Duration // how long they are listened to, alone and then beside the deaf
}

// DefaultStreams is what is published: the sizes of the table that other
// servers were measured by.
func DefaultStreams() StreamsOptions {
	return StreamsOptions{Idle: 10_000, Readers: 5_000, Rate: 10, For: 20 * time.Second, Missed: 100, Deaf: 100, Hearing: 2_000, DeafFor: 25 * time.Second}
}

// openPerSecond is how fast a crowd gathers when speed is not the question.
const openPerSecond = 2_000

// Streams measures what watchers cost, beside a handler as one would write it
// with net/http alone.
func Streams(ctx context.Context, s *Stage, o StreamsOptions) (*report.Report, error) {
	a, r, err := s.start(ctx, "streams", fmt.Sprintf(
		"%d idle streams; %d streams that hear of %.0f claims a second for %s; all of them gone and back at once with %d claims missed; %d that are never read beside %d that are.",
		o.Idle, o.Readers, o.Rate, o.For, o.Missed, o.Deaf, o.Hearing))
	if err != nil {
		return nil, err
	}
	defer a.close()
	st := &streams{Stage: s, StreamsOptions: o, admin: a, report: r, run: fmt.Sprintf("streams-%d", r.Started.UnixMilli())}
	return r, st.play(ctx)
}

// streams is one play of it.
type streams struct {
	*Stage
	StreamsOptions
	admin     *admin
	report    *report.Report
	run       string
	crowd     *crowd
	claims    []told
	campaigns []definition
	sent      int // members who have claimed
}

func (st *streams) play(ctx context.Context) (err error) {
	members := int(2*st.Rate*st.For.Seconds()+2*st.Rate*st.DeafFor.Seconds()) + 2*st.Missed + 100
	if st.crowd, err = gather(ctx, st.Stage, "talker", members); err != nil {
		return err
	}
	set := newSeriesSet()
	for _, part := range []func(context.Context, *seriesSet) error{st.plainly, st.idle, st.hearing, st.deafOnes} {
		if err := part(ctx, set); err != nil {
			return err
		}
	}
	st.report.Series = set.report()
	return audit(ctx, st.Stage, st.admin, st.report, st.campaigns, operations(st.claims))
}

func (st *streams) figure(name string, value float64, unit string) {
	st.report.Figures = append(st.report.Figures, report.Figure{Name: name, Value: value, Unit: unit})
}

func (st *streams) wrong(c *watch.Crowd) {
	for _, w := range c.Wrong() {
		st.report.Audit.Violations = append(st.report.Audit.Violations, history.Violation{Rule: "I9 streams", Detail: w})
	}
}

// open makes a campaign to be watched.
func (st *streams) open(ctx context.Context) (string, error) {
	d := definition{ID: fmt.Sprintf("%s-%d", st.run, len(st.campaigns)), Title: "Watched", Kind: "reaction"}
	st.campaigns = append(st.campaigns, d)
	return d.ID, st.admin.create(ctx, d)
}

// watchers gathers a crowd in front of all nodes and waits until everybody sees.
func (st *streams) watchers(ctx context.Context, n int, campaign string, heard func(watch.Event, time.Time)) (*watch.Crowd, error) {
	var addrs []string
	for _, node := range st.crowd.nodes {
		addrs = append(addrs, node.Members)
	}
	c := watch.Gather(n, func(int) *watch.Watcher { return &watch.Watcher{Addrs: addrs, Campaign: campaign, Heard: heard} })
	c.Start(ctx, openPerSecond)
	wait, cancel := context.WithTimeout(ctx, time.Duration(n)*time.Second/openPerSecond+time.Minute)
	defer cancel()
	if err := c.Until(wait, "connected", func(w *watch.Watcher) bool { return w.Page().Frames > 0 }); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

func (st *streams) memory() (all int64) {
	for _, n := range st.crowd.nodes {
		all += n.Memory()
	}
	return all
}

// idle weighs streams on which nothing happens.
func (st *streams) idle(ctx context.Context, _ *seriesSet) error {
	id, err := st.open(ctx)
	if err != nil {
		return err
	}
	few, err := st.watchers(ctx, 10, id, nil)
	if err != nil {
		return err
	}
	defer few.Stop()
	before := st.memory()
	c, err := st.watchers(ctx, st.Idle, id, nil)
	if err != nil {
		return err
	}
	defer c.Stop()
	each := float64(st.memory()-before) / 1024 / float64(st.Idle)
	st.figure(fmt.Sprintf("memory of the process for each of %d idle streams", st.Idle), each, "KiB")
	st.report.Targets = append(st.report.Targets, report.Target{Name: "memory of an idle stream", Unit: "KiB", Want: 8, Got: each})
	st.wrong(c)
	return nil
}

// talk claims at the play's rate for a while, so that there is something to hear.
func (st *streams) talk(ctx context.Context, campaign, what string, total int, rate float64) error {
	callers := []*caller{st.crowd.caller(0), st.crowd.caller(1), st.crowd.caller(2), st.crowd.caller(3)}
	defer hangUpAll(callers)
	first := st.sent
	st.sent += total
	if st.sent > len(st.crowd.names) {
		return errors.New("the play has run out of members")
	}
	count := newCounter(st.Stage, what, total)
	err := load.Open(ctx, rate, total, len(callers), func(worker int, a load.Arrival) {
		m := callers[worker]
		member := first + a.Number
		m.insist(ctx, campaign, st.crowd.names[member], load.NewRequest("POST", m.conn.Addr(), "/v1/campaigns/"+campaign+"/claims", st.crowd.tokens[member], ""), a.Due)
		count.one()
	})
	_, claims := understood(callers)
	st.claims = append(st.claims, claims...)
	return err
}

// arrivals collects how long after a frame's time it was heard.
type arrivals struct {
	mu  sync.Mutex
	all []time.Duration
}

func (a *arrivals) hear(e watch.Event, at time.Time) {
	if e.Name != "count" {
		return
	}
	if d, ok := watch.Age(e, at); ok {
		a.mu.Lock()
		a.all = append(a.all, d)
		a.mu.Unlock()
	}
}

// take moves what was collected into a series and forgets the rest.
func (a *arrivals) take(set *seriesSet, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range a.all {
		set.add(d, name)
	}
	a.all = nil
}

// hearing measures deliveries, and then a crowd that comes back at once.
func (st *streams) hearing(ctx context.Context, set *seriesSet) error {
	id, err := st.open(ctx)
	if err != nil {
		return err
	}
	late := &arrivals{}
	c, err := st.watchers(ctx, st.Readers, id, late.hear)
	if err != nil {
		return err
	}
	late.take(newSeriesSet(), "")
	total := int(st.Rate * st.For.Seconds())
	before, frames, start := st.cpu()["firstcome"], c.Frames(), time.Now()
	if err := st.talk(ctx, id, "hearing", total, st.Rate); err != nil {
		c.Stop()
		return err
	}
	spent, used := time.Since(start), st.cpu()["firstcome"]-before
	name := fmt.Sprintf("%d streams: from the record's time to the client", st.Readers)
	late.take(set, name)
	set.draw(name)
	delivered := float64(c.Frames() - frames)
	perMillion := used.Seconds() / delivered * 1e6
	st.figure("deliveries", delivered/spent.Seconds(), "/s")
	st.figure("CPU of the process for a million deliveries, claims included", perMillion, "s")
	st.report.Targets = append(st.report.Targets, report.Target{Name: "CPU for a million deliveries", Unit: "s", Want: 12, Got: perMillion})
	st.wrong(c)
	return st.comeBack(ctx, c, id, total)
}

// comeBack hangs up for all, lets things happen, and lets all return at once.
func (st *streams) comeBack(ctx context.Context, c *watch.Crowd, id string, told int) error {
	c.Stop()
	if err := st.talk(ctx, id, "while nobody hears", st.Missed, 500); err != nil {
		return err
	}
	last := int64(told + st.Missed + opening)
	before, start := st.cpu()["firstcome"], time.Now()
	c.Start(ctx, 0)
	defer c.Stop()
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := c.Until(wait, "up to date", func(w *watch.Watcher) bool { return w.Page().Last >= last }); err != nil {
		return err
	}
	took := time.Since(start)
	st.figure(fmt.Sprintf("until %d streams that come back at once know what they missed", st.Readers), took.Seconds(), "s")
	st.figure("CPU of the process for that", (st.cpu()["firstcome"] - before).Seconds(), "s")
	st.report.Targets = append(st.report.Targets, report.Target{Name: "all back", Unit: "s", Want: 1, Got: took.Seconds()})
	st.wrong(c)
	return nil
}

// opening is the events of a campaign before its first claim: created, opened.
const opening = 2

// deafOnes measures those who hear while some never read.
func (st *streams) deafOnes(ctx context.Context, set *seriesSet) error {
	id, err := st.open(ctx)
	if err != nil {
		return err
	}
	late := &arrivals{}
	c, err := st.watchers(ctx, st.Hearing, id, late.hear)
	if err != nil {
		return err
	}
	defer c.Stop()
	alone, beside := fmt.Sprintf("%d streams, alone", st.Hearing), fmt.Sprintf("%d streams beside %d that nobody reads", st.Hearing, st.Deaf)
	late.take(newSeriesSet(), "")
	total := int(st.Rate * st.DeafFor.Seconds())
	if err := st.talk(ctx, id, "alone", total, st.Rate); err != nil {
		return err
	}
	late.take(set, alone)
	before, gone := st.memory(), st.slowOnes(ctx)
	deaf := watch.Gather(st.Deaf, func(int) *watch.Watcher {
		return &watch.Watcher{Addrs: []string{st.crowd.nodes[0].Members}, Campaign: id, Deaf: true}
	})
	deaf.Start(ctx, 0)
	defer deaf.Stop()
	if err := st.talk(ctx, id, "beside deaf ones", total, st.Rate); err != nil {
		return err
	}
	late.take(set, beside)
	st.figure("p99 beside the deaf, over p99 alone", ratio(set.of(beside).Quantile(0.99), set.of(alone).Quantile(0.99)), "")
	st.figure("memory of the process more with the deaf ones", float64(st.memory()-before)/1024/1024, "MiB")
	closed := st.slowOnes(ctx) - gone
	st.figure("deaf ones that were closed meanwhile", closed, "")
	st.report.Targets = append(st.report.Targets, report.Target{Name: "closed, who never read", Want: float64(st.Deaf), Got: closed, More: true})
	st.wrong(c)
	runtime.GC()
	return nil
}

// slowOnes is how many streams the nodes have closed since nobody read them.
func (st *streams) slowOnes(ctx context.Context) (all float64) {
	for _, n := range st.crowd.nodes {
		all += metric(ctx, n, `firstcome_api_streams_closed_total{reason="slow"}`)
	}
	return all
}

func ratio(a, b time.Duration) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
