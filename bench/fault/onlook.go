package fault

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"firstcome/bench/history"
	"firstcome/bench/watch"
)

const (
	// onlooking is how many streams watch each of the first campaigns of a run.
	onlooking, onlookedMost = 5, 8
	// onlookerLives is how long a stream stays whole, about: then it breaks and resumes.
	onlookerLives = 1500 * time.Millisecond
)

// onlookers watch while things break. What they heard is evidence: events
// without a hole, the same for everybody, and all of them in the end.
type onlookers struct {
	crowd *watch.Crowd

	mu     sync.Mutex
	frames []history.Frame // guarded by mu
}

// onlook sets streams before the nodes' own doors.
func (r *run) onlook(ctx context.Context) *onlookers {
	o := &onlookers{}
	var addrs []string
	for _, n := range r.strike.Nodes {
		addrs = append(addrs, n.Members)
	}
	campaigns := r.strike.Script.Campaigns[:min(len(r.strike.Script.Campaigns), onlookedMost)]
	o.crowd = watch.Gather(onlooking*len(campaigns), func(i int) *watch.Watcher {
		id, reader := campaigns[i%len(campaigns)].ID, fmt.Sprintf("onlooker %d", i)
		return &watch.Watcher{Addrs: addrs, Campaign: id, Drops: onlookerLives, Heard: func(e watch.Event, _ time.Time) { o.hear(id, reader, e) }}
	})
	o.crowd.Start(ctx, 0)
	return o
}

func (o *onlookers) hear(campaign, reader string, e watch.Event) {
	from, to, ok := watch.Range(e)
	if !ok {
		return // a reset or somebody's own claim
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.frames = append(o.frames, history.Frame{Campaign: campaign, Reader: reader, From: from, To: to, Said: watch.Said(e)})
}

// testify ends the streams when they have come to the end of the log, and adds
// what they heard to the evidence, but for partitions that are lost.
func (o *onlookers) testify(ctx context.Context, r *run, w *witness) {
	ctx, cancel := context.WithTimeout(ctx, restWait)
	defer cancel()
	now := map[string]string{}
	for _, c := range r.strike.Script.Campaigns[:min(len(r.strike.Script.Campaigns), onlookedMost)] {
		if !w.gone(partition(c.ID)) {
			now[c.ID] = r.strike.position(ctx, c.ID)
		}
	}
	err := o.crowd.Until(ctx, "up to date", func(x *watch.Watcher) bool {
		want, there := now[x.Campaign]
		return !there || x.Page().ID() == want
	})
	o.crowd.Stop()
	if err != nil {
		r.strike.violate(history.Violation{Rule: "I9 streams", Detail: err.Error()})
	}
	for _, wrong := range o.crowd.Wrong() {
		r.strike.violate(history.Violation{Rule: "I9 streams", Detail: wrong})
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range o.frames {
		if _, there := now[f.Campaign]; there {
			r.evidence.Frames = append(r.evidence.Frames, f)
		}
	}
}

// position is where a campaign's stream ends now; empty when no node tells.
func (s *Strike) position(ctx context.Context, id string) (at string) {
	_ = until(ctx, restWait, func() error {
		text, err := s.detail(ctx, 0, id)
		at = jsonField(text, "position")
		return err
	})
	return at
}

// detail is a campaign as a node shows it to members.
func (s *Strike) detail(ctx context.Context, node int, id string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Nodes[node].Members+"/v1/campaigns/"+id, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.Boss.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(io.LimitReader(resp.Body, 1<<16))
}
