package play

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"firstcome/bench/history"
	"firstcome/bench/load"
	"firstcome/bench/report"
	"firstcome/bench/watch"
)

// WatchedOptions are stampedes that thousands look at.
type WatchedOptions struct {
	Campaigns int
	Watchers  int           // of all campaigns together
	Members   int           // who claim in every campaign
	Cap       int64         // of each campaign
	Rate      float64       // claims a second
	Drops     time.Duration // how long a watcher stays connected, about
	Kill      bool          // the last node dies in the middle and comes back
	Looked    int           // campaigns that are watched; 0: all
}

// DefaultWatched is what is published.
func DefaultWatched() WatchedOptions {
	return WatchedOptions{Campaigns: 10, Watchers: 2_000, Members: 500, Cap: 100, Rate: 500, Drops: 2 * time.Second, Kill: true}
}

// Watched plays the same stampedes twice, and a node dies in both: without
// watchers, and with watchers who lose their connections. In the end every page
// must say what the books say, and neither the database nor Redis must have
// noticed that anybody looked.
func Watched(ctx context.Context, s *Stage, o WatchedOptions) (*report.Report, error) {
	a, r, err := s.start(ctx, "watched", fmt.Sprintf(
		"%d campaigns, %d members claim in each at %.0f claims a second in all, while a node is killed and started again; then the same with %d streams that break every %s or so.",
		o.Campaigns, o.Members, o.Rate, o.Watchers, o.Drops))
	if err != nil {
		return nil, err
	}
	defer a.close()
	w := &watched{Stage: s, WatchedOptions: o, admin: a, report: r, run: fmt.Sprintf("watched-%d", r.Started.UnixMilli()), set: newSeriesSet()}
	if w.crowd, err = gather(ctx, s, "member", o.Members); err != nil {
		return nil, err
	}
	if err := w.play(ctx); err != nil {
		return nil, err
	}
	r.Series = w.set.report()
	return r, audit(ctx, s, a, r, w.campaigns, operations(w.claims))
}

type watched struct {
	*Stage
	WatchedOptions
	admin     *admin
	report    *report.Report
	run       string
	crowd     *crowd
	campaigns []definition
	claims    []told
	set       *seriesSet
}

func (w *watched) play(ctx context.Context) error {
	ids := w.open(ctx, 0)
	alone, err := w.asked(ctx, "without watchers", func() error { return w.rush(ctx, "without watchers", ids, w.kill) })
	if err != nil {
		return err
	}
	if len(w.Deployment.Streams) > 0 {
		if err := w.calm(ctx); err != nil {
			return err
		}
	}
	ids = w.open(ctx, 1)
	crowd, err := w.connected(ctx, ids, w.Drops, nil)
	if err != nil {
		return err
	}
	defer crowd.Stop()
	beside, err := w.asked(ctx, "with watchers", func() error { return w.rush(ctx, "with watchers", ids, w.kill) })
	if err != nil {
		return err
	}
	w.report.Figures = append(append(w.report.Figures, alone...), beside...)
	if len(alone) > 0 {
		w.report.Targets = append(w.report.Targets, report.Target{Name: "transactions of the database with watchers, over those without", Want: 1.1, Got: beside[0].Value / alone[0].Value})
	}
	return w.compare(ctx, ids, crowd)
}

// open makes the campaigns of one round. An error shows when claims do not find them.
func (w *watched) open(ctx context.Context, round int) (ids []string) {
	for i := range w.Campaigns {
		limit := w.Cap
		d := definition{ID: fmt.Sprintf("%s-%d-%d", w.run, round, i), Title: "Watched", Kind: "event", Cap: &limit}
		if err := w.admin.create(ctx, d); err != nil {
			w.report.Audit.Violations = append(w.report.Audit.Violations, history.Violation{Rule: "create", Campaign: d.ID, Detail: err.Error()})
			continue
		}
		w.campaigns = append(w.campaigns, d)
		ids = append(ids, d.ID)
	}
	return ids
}

// connected gathers the watchers and waits until all of them see something.
func (w *watched) connected(ctx context.Context, ids []string, drops time.Duration, heard func(watch.Event, time.Time)) (*watch.Crowd, error) {
	crowd := w.gatherAt(ids, drops, heard)
	crowd.Start(ctx, openPerSecond)
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := crowd.Until(wait, "connected", func(x *watch.Watcher) bool { return x.Page().Frames > 0 }); err != nil {
		crowd.Stop()
		return nil, err
	}
	return crowd, nil
}

func (w *watched) gatherAt(ids []string, drops time.Duration, heard func(watch.Event, time.Time)) *watch.Crowd {
	nodes := w.crowd.nodes
	if len(w.Deployment.Streams) > 0 {
		nodes = w.Deployment.Streams
	}
	var addrs []string
	for _, n := range nodes {
		addrs = append(addrs, n.Members)
	}
	looked := len(ids)
	if w.Looked > 0 {
		looked = min(w.Looked, looked)
	}
	return watch.Gather(w.Watchers, func(i int) *watch.Watcher {
		x := &watch.Watcher{Addrs: addrs, Campaign: ids[i%looked], Drops: drops, Heard: heard}
		if i%10 == 0 { // some are members, who hear of their own claims too
			x.Token = w.crowd.tokens[i/10%len(w.crowd.tokens)]
		}
		return x
	})
}

// rush lets everybody claim everywhere, and something happen in the middle.
func (w *watched) rush(ctx context.Context, what string, ids []string, middle func(context.Context) error) error {
	total := len(ids) * w.Members
	var callers []*caller
	for i := range 64 {
		callers = append(callers, w.crowd.caller(i))
	}
	defer hangUpAll(callers)
	group, all := errgroup.WithContext(ctx)
	if middle != nil {
		group.Go(func() error {
			select {
			case <-time.After(time.Duration(float64(total) / w.Rate / 2 * float64(time.Second))):
				return middle(all)
			case <-all.Done():
				return nil
			}
		})
	}
	count := newCounter(w.Stage, what, total)
	group.Go(func() error {
		return load.Open(all, w.Rate, total, len(callers), func(worker int, a load.Arrival) {
			m, id, member := callers[worker], ids[a.Number%len(ids)], w.turnOf(a.Number, len(ids))
			m.insist(all, id, w.crowd.names[member], load.NewRequest("POST", m.conn.Addr(), "/v1/campaigns/"+id+"/claims", w.crowd.tokens[member], ""), a.Due)
			count.one()
		})
	})
	err := group.Wait()
	_, claims := understood(callers)
	for i := range claims {
		if claims[i].op.Status != 0 {
			w.set.add(claims[i].took, "claims "+what)
		}
	}
	w.set.draw("claims " + what)
	w.claims = append(w.claims, claims...)
	return err
}

// turnOf is the member who sends a claim: each one in every campaign, but not in
// all of them at the same moment, which would be more than one member may.
func (w *watched) turnOf(number, campaigns int) int {
	apart := max(1, w.Members/campaigns)
	return (number/campaigns + number%campaigns*apart) % w.Members
}

// kill ends the last node at once and starts it again; with nodes that only
// serve streams, what they depend on.
func (w *watched) kill(ctx context.Context) error {
	if w.Kill && len(w.Deployment.Streams) > 0 {
		return w.breakAll(ctx)
	}
	if !w.Kill || len(w.crowd.nodes) < 2 {
		return nil
	}
	return w.crowd.nodes[len(w.crowd.nodes)-1].Restart(ctx)
}

// compare waits until every page has come to the campaign's last event and
// holds what it shows against the campaign, which the audit holds against the books.
func (w *watched) compare(ctx context.Context, ids []string, crowd *watch.Crowd) error {
	final := map[string]campaignNow{}
	for _, id := range ids {
		now, err := w.now(ctx, id)
		if err != nil {
			return err
		}
		final[id] = now
	}
	wait, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	late := crowd.Until(wait, "up to date", func(x *watch.Watcher) bool { return x.Page().ID() == final[x.Campaign].Position })
	opened, refused := 0, 0
	for _, x := range crowd.Watchers {
		page, want := x.Page(), final[x.Campaign]
		o, r := x.Connects()
		opened, refused = opened+o, refused+r
		if page.Granted != want.Granted || page.Waiting != want.Waiting || page.ID() != want.Position {
			w.report.Audit.Violations = append(w.report.Audit.Violations, history.Violation{Rule: "I9 streams", Campaign: x.Campaign,
				Detail: fmt.Sprintf("a page shows %d granted at %s, the campaign has %d at %s", page.Granted, page.ID(), want.Granted, want.Position)})
		}
	}
	for _, s := range crowd.Wrong() {
		w.report.Audit.Violations = append(w.report.Audit.Violations, history.Violation{Rule: "I9 streams", Detail: s})
	}
	w.report.Figures = append(w.report.Figures, report.Figure{Name: "streams opened", Value: float64(opened)},
		report.Figure{Name: "connections that nobody took", Value: float64(refused)}, report.Figure{Name: "frames heard", Value: float64(crowd.Frames())})
	if late != nil && len(w.report.Audit.Violations) == 0 {
		return late
	}
	return nil
}

// campaignNow is what members are shown of a campaign.
type campaignNow struct {
	Granted, Waiting int64
	Position         string
}

// now reads a campaign until two looks are the same: the last claims may still be on their way.
func (w *watched) now(ctx context.Context, id string) (now campaignNow, err error) {
	for range 100 {
		before := now
		if err = w.admin.do(ctx, http.MethodGet, "http://"+w.crowd.nodes[0].Members+"/v1/campaigns/"+id, nil, &now); err != nil {
			return now, err
		}
		if now == before {
			return now, nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return now, ctx.Err()
		}
	}
	return now, errors.New("a campaign does not come to rest")
}
