package play

import (
	"context"
	"testing"
	"time"

	"firstcome/bench/history"
	"firstcome/bench/load"
	"firstcome/bench/report"
	"firstcome/bench/stack"
)

// faults break a cluster under load. wait is how long the fault is given before
// the load ends; away allows 503 with Retry-After, since the log itself is gone.
var faults = map[string]struct {
	away    bool
	slowest time.Duration // of all answers, generous for a shared machine
	do      func(ctx context.Context, t *testing.T, d *stack.Deployment)
}{
	"a node is killed": {slowest: 3 * time.Second, do: func(_ context.Context, _ *testing.T, d *stack.Deployment) { d.Nodes[1].Kill() }},
	"the Redis master is killed": {slowest: 3 * time.Second, do: func(ctx context.Context, t *testing.T, d *stack.Deployment) {
		m, err := d.Redis.Master(ctx)
		if err != nil {
			t.Fatal(err)
		}
		m.Kill()
	}},
	"FLUSHALL": {slowest: 3 * time.Second, do: func(ctx context.Context, t *testing.T, d *stack.Deployment) {
		m, err := d.Redis.Master(ctx)
		if err != nil {
			t.Fatal(err)
		}
		c := m.Client(0)
		defer c.Close()
		if err := c.FlushAll(ctx).Err(); err != nil {
			t.Fatal(err)
		}
	}},
	"Kafka is restarted": {away: true, slowest: 10 * time.Second, do: func(ctx context.Context, t *testing.T, d *stack.Deployment) {
		if err := d.Kafka.Restart(ctx); err != nil {
			t.Error(err)
		}
	}},
	"Postgres is away for a while": {slowest: 3 * time.Second, do: func(ctx context.Context, t *testing.T, d *stack.Deployment) {
		d.Postgres.Kill()
		select {
		case <-time.After(3 * time.Second):
		case <-ctx.Done():
		}
		if err := d.Postgres.Restart(ctx); err != nil {
			t.Error(err)
		}
	}},
}

// TestFaultsBreakNoPromise plays a steady crowd at a cap against two nodes and
// breaks something in the middle: nobody too many, nothing lost, every book equal.
func TestFaultsBreakNoPromise(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			s := stage(t, "cluster")
			const members, rate, limit = 2400, 300, 1500
			a, r, err := s.start(t.Context(), "faults", name)
			if err != nil {
				t.Fatal(err)
			}
			defer a.close()
			crowd, err := gather(t.Context(), s, "member", members)
			if err != nil {
				t.Fatal(err)
			}
			places := int64(limit)
			d := definition{ID: "noon", Title: "Noon", Kind: "event", Cap: &places}
			if err := a.create(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			broken := make(chan struct{})
			go func() {
				defer close(broken)
				select {
				case <-time.After(2 * time.Second): // the crowd has begun
					fault.do(t.Context(), t, s.Deployment)
				case <-t.Context().Done():
				}
			}()
			claims, err := steady(t.Context(), crowd, d.ID, rate, members)
			<-broken
			if err != nil {
				t.Fatal(err)
			}
			judgeFault(t, s, a, r, d, claims, fault.away, fault.slowest)
		})
	}
}

// steady lets each member claim once, at a constant rate, until there is a
// final answer; whoever finds a node dead goes to the other.
func steady(ctx context.Context, c *crowd, campaign string, rate float64, members int) ([]told, error) {
	var callers []*caller
	for i := range 256 {
		callers = append(callers, c.caller(i))
	}
	defer hangUpAll(callers)
	err := load.Open(ctx, rate, members, len(callers), func(worker int, a load.Arrival) {
		m := callers[worker]
		request := load.NewRequest("POST", "firstcome", "/v1/campaigns/"+campaign+"/claims", c.tokens[a.Number], "")
		for due := a.Due; ; due = time.Now() {
			if m.claim(campaign, c.names[a.Number], request, due) || ctx.Err() != nil {
				return
			}
			if last := m.tape.claims[len(m.tape.claims)-1]; last.op.Status == 0 {
				m.conn.Close()
				m.node = (m.node + 1) % len(c.nodes)
				m.conn = load.NewConn(c.nodes[m.node].Members)
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	_, claims := understood(callers)
	return claims, err
}

// judgeFault holds the answers and the books against the promises.
func judgeFault(t *testing.T, s *Stage, a *admin, r *report.Report, d definition, claims []told, away bool, most time.Duration) {
	t.Helper()
	var ops []history.Op
	slowest, refused, undecided := time.Duration(0), 0, 0
	for i := range claims {
		o := claims[i].op
		switch {
		case o.Status == 503 && away && o.RetryAfter:
			refused++
			continue
		case o.Status == 202:
			undecided++
		}
		if o.Status != 0 {
			slowest = max(slowest, o.Return-o.Call)
		}
		ops = append(ops, o)
	}
	if err := audit(t.Context(), s, a, r, []definition{d}, ops); err != nil {
		t.Fatal(err)
	}
	if !r.Audit.Clean() {
		t.Errorf("the audit found %v", r.Audit.Violations)
	}
	if slowest > most {
		t.Errorf("the slowest answer took %s", slowest)
	}
	t.Logf("%d answers, %d places, %v; %d x 503 with Retry-After, %d x 202, slowest %s", len(ops), r.Audit.Places, r.Answers, refused, undecided, slowest)
}
