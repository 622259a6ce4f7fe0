package redisgate

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"firstcome/engine"
)

// pipelineLimit bounds the calls of one round trip of Flush and Add, so that its answers
// come within callTimeout even from the Redis in the process (0.3 ms a script, ten times
// that when the machine is busy), and leases need not wait long behind it.
const pipelineLimit = 32

// Flush reports what the node's fold knows of up to 32 campaigns in one pipeline of
// script calls (of more: one pipeline after another), in a cluster one per server at the
// same time. Every report is absolute, so a flush may be repeated and repairs what it
// finds: keys of a wrong type, damaged values, deadlines too late, a FLUSHALL.
//
// An error names the first campaign that was not reported; others may have been.
func (g *Gate) Flush(ctx context.Context, reports []engine.Report) error {
	if len(reports) == 0 {
		return nil
	}
	_, err := within(ctx, g.client, "flush", func(ctx context.Context) (struct{}, error) {
		calls := make([]*redis.Cmd, 0, len(reports))
		names := make([]string, 0, len(reports))
		var errs []error
		for _, report := range reports {
			if err := checkReport(report); err != nil {
				errs = append(errs, fmt.Errorf("report %q: %w", report.Campaign, err))
				continue
			}
			calls = append(calls, flushCall(ctx, report))
			names = append(names, report.Campaign)
		}
		errs = append(errs, g.client.sendAll(ctx, calls, names))
		return struct{}{}, errors.Join(errs...)
	})
	return err
}

// sendAll sends calls in as few pipelines as may be, and reports the first error and how
// many there are.
func (c *Client) sendAll(ctx context.Context, calls []*redis.Cmd, names []string) error {
	for from := 0; from < len(calls); from += pipelineLimit {
		some := calls[from:min(from+pipelineLimit, len(calls))]
		if err := ctx.Err(); err != nil {
			for _, call := range some {
				call.SetErr(err)
			}
			continue
		}
		c.send(ctx, some)
	}
	var first error
	failed := 0
	for i, call := range calls {
		if err := call.Err(); err != nil {
			if failed++; first == nil {
				first = fmt.Errorf("%s: %w", names[i], err)
			}
		}
	}
	if failed > 1 {
		return fmt.Errorf("%d of %d, first %w", failed, len(calls), first)
	}
	return first
}

func flushCall(ctx context.Context, r engine.Report) *redis.Cmd {
	room, open := r.Room, 0
	if room > maxExact {
		room = noCap
	}
	if r.Open {
		open = 1
	}
	return flushScript.onKeys(ctx, r.Campaign,
		r.Lease, r.Held, r.TTL.Milliseconds(), r.Topic, r.Offset, r.Used, room, open, gateLife.Milliseconds())
}

func checkReport(r engine.Report) error {
	if err := checkID(r.Campaign); err != nil {
		return err
	}
	if err := checkLease(r.Lease); err != nil {
		return err
	}
	switch {
	case r.Topic == "" || len(r.Topic) > 256:
		return fmt.Errorf("the log's id has %d bytes, not 1 to 256", len(r.Topic))
	case r.Held < 0 || r.Held > maxExact:
		return fmt.Errorf("%d units held, not 0 to 2^52", r.Held)
	case r.Offset < 0 || r.Offset > maxExact:
		return fmt.Errorf("offset %d, not 0 to 2^52", r.Offset)
	case r.Used < 0 || r.Used > maxExact:
		return fmt.Errorf("%d places used, not 0 to 2^52", r.Used)
	case r.Room < 0:
		return fmt.Errorf("a room of %d", r.Room)
	}
	return checkTTL(r.TTL)
}

func one(call *redis.Cmd) []*redis.Cmd { return []*redis.Cmd{call} }
