package play

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"firstcome/bench/report"
	"firstcome/bench/stack"
)

// Nodes that only serve streams: what they cost while nothing breaks, and what is
// broken around them afterwards.

// calm lets the crowd watch a rush while nothing breaks, and measures.
func (w *watched) calm(ctx context.Context) error {
	ids := w.open(ctx, 2)
	late := &arrivals{}
	crowd, err := w.connected(ctx, ids, 0, late.hear)
	if err != nil {
		return err
	}
	defer crowd.Stop()
	late.take(newSeriesSet(), "")
	before, frames, start := w.weigh(ctx), crowd.Frames(), time.Now()
	if err := w.rush(ctx, "with watchers, nothing breaks", ids, nil); err != nil {
		return err
	}
	after, spent := w.weigh(ctx), time.Since(start).Seconds()
	const name = "streams: from the record's time to the client"
	late.take(w.set, name)
	w.set.draw(name)
	delivered := float64(crowd.Frames() - frames)
	nodes := float64(len(w.Deployment.Streams))
	for _, f := range []report.Figure{
		{Name: "deliveries, nothing breaks", Value: delivered / spent, Unit: "/s"},
		{Name: "CPU of the stream nodes for a million deliveries", Value: (after.streams - before.streams).Seconds() / delivered * 1e6, Unit: "s"},
		{Name: "CPU of a stream node", Value: (after.streams - before.streams).Seconds() / spent / nodes * 100, Unit: "%"},
		{Name: "CPU of a node that decides", Value: (after.nodes - before.nodes).Seconds() / spent / float64(len(w.Deployment.Nodes)) * 100, Unit: "%"},
		{Name: "bytes that a stream node reads", Value: float64(after.received-before.received) / spent / nodes / 1024, Unit: "KiB/s"},
		{Name: "memory of a stream node", Value: float64(after.memory) / nodes / (1 << 20), Unit: "MiB"},
		{Name: "Redis commands of all nodes, those within scripts included", Value: float64(after.commands-before.commands) / spent, Unit: "/s"},
		{Name: "messages published", Value: float64(after.published-before.published) / spent, Unit: "/s"},
		{Name: "CPU of Redis' master", Value: (after.redis - before.redis) * 100 / spent, Unit: "%"},
		{Name: "messages of campaigns that nobody there watches", Value: after.foreign},
		{Name: "messages that were lost, and healed", Value: after.healed},
	} {
		w.report.Figures = append(w.report.Figures, f)
	}
	return w.compare(ctx, ids, crowd)
}

// weight is what was used and counted so far.
type weight struct {
	streams, nodes   time.Duration
	received, memory int64
	commands         int64
	published        int64
	redis            float64 // seconds
	foreign, healed  float64
}

func (w *watched) weigh(ctx context.Context) (now weight) {
	used := w.cpu()
	now.streams, now.nodes = used["streams"], used["firstcome"]
	for _, n := range w.Deployment.Streams {
		now.received += n.Received()
		now.memory += n.Memory()
		now.foreign += metric(ctx, n, "firstcome_cache_receiver_foreign_total")
		now.healed += metric(ctx, n, "firstcome_cache_receiver_gaps_total") + metric(ctx, n, "firstcome_cache_receiver_missed_total")
	}
	if stats, master, err := w.redis(ctx); err == nil { // without it the figures are 0, which nobody believes
		now.commands, now.published, now.redis = stats.commands, stats.published, master.CPU().Seconds()
	}
	return now
}

// metric reads one number of a node's metrics; 0 when there is none.
func metric(ctx context.Context, n *stack.Node, name string) (value float64) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Admins+"/metrics", nil)
	if err != nil {
		return 0
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	for in := bufio.NewScanner(resp.Body); in.Scan(); {
		if rest, ok := strings.CutPrefix(in.Text(), name+" "); ok {
			value, _ = strconv.ParseFloat(rest, 64)
		}
	}
	return value
}

// breakAll kills, one after the other, a node that serves streams, the node that
// tells the others the news, and the master of Redis.
func (w *watched) breakAll(ctx context.Context) error {
	streams := w.Deployment.Streams
	if err := killed(ctx, streams[len(streams)-1]); err != nil {
		return err
	}
	teller, most := w.crowd.nodes[0], -1.0
	for _, n := range w.crowd.nodes {
		if told := metric(ctx, n, "firstcome_cache_relay_told_total"); told > most {
			teller, most = n, told
		}
	}
	if err := killed(ctx, teller); err != nil {
		return err
	}
	return w.failover(ctx)
}

func killed(ctx context.Context, n *stack.Node) error {
	n.Kill()
	return n.Restart(ctx)
}

// failover kills Redis' master, waits for the next one and brings the old one back.
func (w *watched) failover(ctx context.Context) error {
	before, err := w.Deployment.Redis.Master(ctx)
	if err != nil {
		return err
	}
	before.Kill()
	limit, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if now, err := w.Deployment.Redis.Settled(limit); err == nil && now != before {
			break
		}
		select {
		case <-limit.Done():
			return fmt.Errorf("a failover of Redis: %w", errors.Join(limit.Err(), context.Cause(ctx)))
		case <-time.After(100 * time.Millisecond):
		}
	}
	return before.Restart(ctx)
}
