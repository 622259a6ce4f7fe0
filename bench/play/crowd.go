package play

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"firstcome/bench/history"
	"firstcome/bench/load"
	"firstcome/bench/stack"
)

// crowd is the members of a play and what they were told.
type crowd struct {
	begin  time.Time
	nodes  []*stack.Node
	names  []string
	tokens []string
}

// gather names members and gives them tokens.
func gather(ctx context.Context, s *Stage, prefix string, members int) (*crowd, error) {
	c := &crowd{begin: time.Now(), nodes: s.Deployment.Nodes}
	for i := range members {
		c.names = append(c.names, fmt.Sprintf("%s-%05d", prefix, i))
	}
	var err error
	c.tokens, err = s.Deployment.Tokens(ctx, "", c.names)
	return c, err
}

// since is a moment on the play's clock.
func (c *crowd) since(t time.Time) time.Duration { return t.Sub(c.begin) }

// tape is what one goroutine of a play saw. Nobody else touches it until the
// goroutine has ended.
type tape struct {
	samples []load.Sample
	claims  []told
}

// told is one claim's answer; its body is understood after the play.
type told struct {
	op   history.Op
	kind int
	took time.Duration
	body []byte
}

// kinds of calls, for a report's series.
const (
	kindList = iota
	kindDetail
	kindClaim // refined when the answer is understood
)

// caller is one connection with the tape it writes to. One goroutine at a time.
type caller struct {
	crowd *crowd
	node  int
	conn  *load.Conn
	tape  tape
}

// caller returns the n-th connection: they take turns among the nodes.
func (c *crowd) caller(n int) *caller {
	node := n % len(c.nodes)
	return &caller{crowd: c, node: node, conn: load.NewConn(c.nodes[node].Members)}
}

// get sends a read and records how long it took. Anything but 200 is an error.
func (m *caller) get(r load.Request, kind int) error {
	start := time.Now()
	a, err := m.conn.Do(r)
	if err != nil {
		return err
	}
	if a.Status != 200 {
		return fmt.Errorf("a read was answered with %d: %.200s", a.Status, a.Body)
	}
	m.tape.samples = append(m.tape.samples, load.Sample{Kind: kind, Latency: time.Since(start)})
	return nil
}

// claim sends one claim. due is from when its latency counts. It returns
// whether the answer was final; a broken connection is recorded as no answer.
func (m *caller) claim(campaign, member string, r load.Request, due time.Time) bool {
	call := time.Now()
	a, err := m.conn.Do(r)
	end := time.Now()
	t := told{
		op: history.Op{
			Campaign: campaign, Member: member, Node: m.node,
			Call: m.crowd.since(call), Return: m.crowd.since(end),
		},
		kind: kindClaim, took: end.Sub(due),
	}
	if err == nil {
		t.op.Status, t.op.Replayed, t.op.RetryAfter = a.Status, a.Replayed, a.RetryAfter
		t.body = bytes.Clone(a.Body)
	}
	m.tape.claims = append(m.tape.claims, t)
	return err == nil && a.Status != 202 && a.Status != 429 && a.Status < 500
}

// hangUp sends a claim and drops the connection before the answer.
func (m *caller) hangUp(campaign, member string, r load.Request) {
	now := m.crowd.since(time.Now())
	_ = m.conn.Abandon(r) // whether it arrived is what nobody can know
	m.tape.claims = append(m.tape.claims, told{op: history.Op{
		Campaign: campaign, Member: member, Node: m.node, Call: now, Return: now,
	}})
}

// claimTries bounds how often a claim without a final answer is sent again.
const claimTries = 10

// insist claims until the answer is final: a 202 is repeated, as a member's
// page would, after a short while.
func (m *caller) insist(ctx context.Context, campaign, member string, r load.Request, due time.Time) {
	for range claimTries {
		if m.claim(campaign, member, r, due) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
		due = time.Now()
	}
}

// understood collects the tapes of a finished phase and leaves them empty.
func understood(callers []*caller) (samples []load.Sample, claims []told) {
	var crew sync.WaitGroup
	for _, m := range callers {
		crew.Go(func() {
			for i := range m.tape.claims {
				if t := &m.tape.claims[i]; t.op.Status != 0 {
					understand(&t.op, t.body)
					t.body = nil
				}
			}
		})
	}
	crew.Wait()
	for _, m := range callers {
		samples = append(samples, m.tape.samples...)
		claims = append(claims, m.tape.claims...)
		m.tape = tape{}
	}
	return samples, claims
}

func operations(claims []told) []history.Op {
	ops := make([]history.Op, 0, len(claims))
	for i := range claims {
		ops = append(ops, claims[i].op)
	}
	return ops
}

func hangUpAll(callers []*caller) {
	for _, m := range callers {
		m.conn.Close()
	}
}
