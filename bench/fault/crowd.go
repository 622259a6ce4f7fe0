package fault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"firstcome/bench/history"
	"firstcome/bench/load"
)

const (
	callersPerNode = 96
	// patience is how long a member waits for an answer before trying another
	// node. A claim is answered within its deadline of 3 s.
	patience = 5 * time.Second
	// pause is how long a member waits after an answer that is not final.
	pause = 150 * time.Millisecond
	// insists is how long after the last step members ask on for a final answer.
	insists = 15 * time.Second
)

// crowd sends a script's steps at a constant rate, each to one of the nodes in
// turn. A node that hangs keeps only its own callers from the next step.
type crowd struct {
	cast   *Cast
	script *Script
	begin  time.Time
	lines  []chan Step // by node
	all    []*caller
	crew   sync.WaitGroup
	stop   chan struct{} // closed: no more steps
	pulse  pulse
	places atomic.Int64 // 201s so far
}

// caller is one of the members' devices: a connection to each node, and the
// tape of what it was told.
type caller struct {
	crowd  *crowd
	node   int
	conns  []*load.Conn
	tape   []told
	broken int // requests without an answer for another reason than a refused connection
}

// gather makes a crowd. Nobody calls before send.
func gather(c *Cast, s *Script) *crowd {
	crowd := &crowd{cast: c, script: s, begin: time.Now(), stop: make(chan struct{})}
	for node := range c.Nodes {
		crowd.lines = append(crowd.lines, make(chan Step, 1<<16))
		for range callersPerNode {
			one := &caller{crowd: crowd, node: node}
			for _, n := range c.Nodes {
				conn := load.NewConn(n.Members)
				conn.Patience = patience
				one.conns = append(one.conns, conn)
			}
			crowd.all = append(crowd.all, one)
		}
	}
	return crowd
}

func (c *crowd) since(t time.Time) time.Duration { return t.Sub(c.begin) }

// warm lets everybody open the page at every node: connections stand before
// anything is measured.
func (c *crowd) warm() {
	for i, one := range c.all {
		c.crew.Go(func() {
			for node := range one.conns {
				step := Step{Kind: history.Look, Campaign: i % len(c.script.Campaigns), Member: i}
				one.once(node, step, one.request(step))
			}
		})
	}
	c.crew.Wait()
}

// send starts the steps; they go on until rest is called.
func (c *crowd) send(ctx context.Context, rate float64) {
	for _, one := range c.all {
		c.crew.Go(func() { one.work(ctx) })
	}
	c.crew.Go(func() { c.pulse.beat(c.stop) })
	c.crew.Go(func() {
		defer func() {
			for _, line := range c.lines {
				close(line)
			}
		}()
		timer := time.NewTimer(0)
		defer timer.Stop()
		start := time.Now()
		for n := 0; ; n++ {
			// What is overdue is sent at once.
			if wait := time.Until(start.Add(time.Duration(float64(n) * float64(time.Second) / rate))); wait > 0 {
				timer.Reset(wait)
				select {
				case <-timer.C:
				case <-c.stop:
					return
				case <-ctx.Done():
					return
				}
			}
			if c.stopped(ctx) {
				return
			}
			select {
			case c.lines[n%len(c.lines)] <- c.script.Next():
			default: // a node that hangs has a long line already
			}
		}
	})
}

// stopped reports whether there are no more steps.
func (c *crowd) stopped(ctx context.Context) bool {
	select {
	case <-c.stop:
		return true
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// rest ends the steps, lets everybody ask on for a final answer, and returns
// everything that was asked and answered, and how many requests were broken off.
func (c *crowd) rest() (ops []history.Op, broken int) {
	close(c.stop)
	c.crew.Wait()
	for _, one := range c.all {
		for _, conn := range one.conns {
			conn.Close()
		}
		broken += one.broken
		for i := range one.tape {
			one.tape[i].understand()
			ops = append(ops, one.tape[i].op)
		}
		one.tape = nil
	}
	return ops, broken
}

// work takes steps until there are none.
func (m *caller) work(ctx context.Context) {
	for step := range m.crowd.lines[m.node] {
		if m.crowd.stopped(ctx) {
			return // whoever has not asked yet stays at home
		}
		m.take(ctx, step)
	}
}

// take does one step, again and again until the answer is final: after an
// answer that is not, or none, it is the next node's turn.
func (m *caller) take(ctx context.Context, step Step) {
	request := m.request(step)
	var end time.Time
	for node := m.node; ; node = (node + 1) % len(m.conns) {
		if m.once(node, step, request) {
			return
		}
		if m.crowd.stopped(ctx) && end.IsZero() {
			end = time.Now().Add(insists)
		}
		if ctx.Err() != nil || !end.IsZero() && time.Now().After(end) {
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// request is a step as it goes over the wire.
func (m *caller) request(s Step) load.Request {
	path := "/v1/campaigns/" + m.crowd.script.Campaigns[s.Campaign].ID + "/claims"
	method, body := "POST", ""
	switch s.Kind {
	case history.Cancel:
		method, path = "DELETE", path+"/me"
	case history.Look:
		method, path = "GET", path+"/me"
	}
	if s.Waitlist {
		body = `{"if_full":"waitlist"}`
	}
	var headers []string
	if s.Exact {
		headers = []string{"Cache-Control: no-cache"}
	}
	return load.NewRequest(method, "firstcome", path, m.crowd.cast.pass.members[s.Member], body, headers...)
}

// once sends a request to a node and reports whether the answer was final.
func (m *caller) once(node int, s Step, r load.Request) bool {
	call := time.Now()
	a, err := m.conns[node].Do(r)
	t := told{op: history.Op{
		Kind: s.Kind, Campaign: m.crowd.script.Campaigns[s.Campaign].ID, Member: m.crowd.cast.pass.names[s.Member],
		Node: m.crowd.cast.process(node), Call: m.crowd.since(call), Return: m.crowd.since(time.Now()), Exact: s.Exact, Waitlist: s.Waitlist,
	}}
	if err == nil {
		t.op.Status, t.op.Replayed, t.op.RetryAfter = a.Status, a.Replayed, a.RetryAfter
		t.body, t.log = bytes.Clone(a.Body), bytes.Clone(a.Log)
		if a.Status == 201 {
			m.crowd.places.Add(1)
		}
	} else if !errors.Is(err, syscall.ECONNREFUSED) {
		m.broken++
	}
	m.tape = append(m.tape, t)
	return err == nil && (a.Status != 202 && a.Status != 429 && a.Status < 500 || bytes.Contains(t.body, stopped))
}

// name is a campaign's address among the admins'.
func name(c *Campaign) string { return fmt.Sprintf("/campaigns/%s", c.ID) }
