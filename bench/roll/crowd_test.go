package roll

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"firstcome/bench/load"
)

// phone is one member's kept connection, raw: nothing is sent twice, so that
// every request that goes without an answer is seen.
type phone struct {
	addr string
	conn net.Conn
	in   *bufio.Reader
}

// told is one answer.
type told struct {
	Status int
	Code   string `json:"code"`
	State  string `json:"state"`
	Rank   int64  `json:"rank"`
	Detail string `json:"detail"`
}

const answerWait = 15 * time.Second

func (p *phone) ask(r load.Request) (a told, err error) {
	if p.conn == nil {
		if p.conn, err = net.DialTimeout("tcp", p.addr, answerWait); err != nil {
			p.conn = nil
			return a, err
		}
		p.in = bufio.NewReader(p.conn)
	}
	_ = p.conn.SetDeadline(time.Now().Add(answerWait))
	if _, err := p.conn.Write(r); err != nil {
		p.hangUp()
		return a, fmt.Errorf("write: %w", err)
	}
	resp, err := http.ReadResponse(p.in, nil)
	if err != nil {
		p.hangUp()
		return a, fmt.Errorf("no answer: %w", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.Close {
		p.hangUp()
	}
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	a.Status = resp.StatusCode
	return a, err
}

func (p *phone) hangUp() {
	if p.conn != nil {
		_ = p.conn.Close()
		p.conn = nil
	}
}

// crowd claims without end, on kept connections to all nodes.
type crowd struct {
	t        *testing.T
	addrs    []string
	campaign string
	tokens   []string // by member

	answered, refused atomic.Int64
	stopped           atomic.Bool // also 503 "stopped" is an answer: a node was left behind on purpose

	mu    sync.Mutex // guards ranks
	ranks []int64    // by member, 0: none told
}

// run claims on so many connections until ctx ends. A refused connection is
// tried at the next node.
func (c *crowd) run(ctx context.Context, connections int) (wait func()) {
	c.ranks = make([]int64, len(c.tokens))
	var group sync.WaitGroup
	for i := range connections {
		group.Go(func() {
			p := &phone{addr: c.addrs[i%len(c.addrs)]}
			defer p.hangUp()
			for n := i; ctx.Err() == nil; n++ {
				if !c.claim(p, rand.IntN(len(c.tokens))) {
					p.hangUp()
					p.addr = c.addrs[n%len(c.addrs)]
				}
				if i%4 == 0 { // and some take a new connection for each request
					p.hangUp()
				}
				pause(ctx, rand.N(10*time.Millisecond))
			}
		})
	}
	return group.Wait
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// claim sends one claim; false when the node let nobody in.
func (c *crowd) claim(p *phone, member int) bool {
	a, err := p.ask(load.NewRequest("POST", p.addr, "/v1/campaigns/"+c.campaign+"/claims", c.tokens[member], "{}"))
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		c.refused.Add(1)
		return false
	case err != nil:
		c.t.Errorf("a request to %s was neither answered nor refused: %v", p.addr, err)
		return false
	}
	c.answered.Add(1)
	switch {
	case a.Status == http.StatusCreated || a.Status == http.StatusOK:
		c.remember(member, a.Rank)
	case a.Status == http.StatusConflict && a.Code == "sold-out", a.Status == http.StatusAccepted:
	case a.Status == http.StatusTooManyRequests: // of one member, by chance
	case a.Code == "stopped" && c.stopped.Load():
		return false
	default:
		c.t.Errorf("%s answered %d %s %s", p.addr, a.Status, a.Code, a.Detail)
	}
	return true
}

func (c *crowd) remember(member int, rank int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if had := c.ranks[member]; rank < 1 || had != 0 && had != rank {
		c.t.Errorf("member %d was told rank %d, and before %d", member, rank, had)
	}
	c.ranks[member] = rank
}

// exact holds what was told against the promises: every rank once, none beyond
// the cap.
func (c *crowd) exact(limit int64) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	who := map[int64]int{}
	for member, rank := range c.ranks {
		if rank == 0 {
			continue
		}
		if other, twice := who[rank]; twice || rank > limit {
			c.t.Errorf("rank %d was told to members %d and %d, cap %d", rank, other, member, limit)
		}
		who[rank] = member
	}
	c.t.Logf("%d answers, %d refused connections, %d grants told", c.answered.Load(), c.refused.Load(), len(who))
}

// more waits until so many more answers have come.
func (c *crowd) more(answers int64) {
	c.t.Helper()
	for was, late := c.answered.Load(), time.Now().Add(time.Minute); c.answered.Load() < was+answers; time.Sleep(time.Millisecond) {
		if time.Now().After(late) || c.t.Failed() {
			c.t.Fatalf("%d answers more, not %d", c.answered.Load()-was, answers)
		}
	}
}
