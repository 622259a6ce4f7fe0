//go:build badengine

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firstcome/bench/history"
	"firstcome/bench/load"
	"firstcome/bench/stack"
)

// crowd is members at one campaign, and what they were told.
type crowd struct {
	d      *stack.Deployment
	id     string
	limit  int64
	admin  string // token
	names  []string
	tokens []string
	begin  time.Time

	mu  sync.Mutex
	ops []history.Op
}

// gather makes a campaign, open and shown by every node, and its members.
func gather(t *testing.T, d *stack.Deployment, id string, members int, limit int64) *crowd {
	t.Helper()
	c := &crowd{d: d, id: id, limit: limit, begin: time.Now()}
	for i := range members {
		c.names = append(c.names, fmt.Sprintf("%s-%04d", id, i))
	}
	var err error
	if c.tokens, err = d.Tokens(t.Context(), "", c.names); err != nil {
		t.Fatal(err)
	}
	owner, err := d.Tokens(t.Context(), "owner", []string{"judge"})
	if err != nil {
		t.Fatal(err)
	}
	c.admin = owner[0]
	c.ask(t, http.MethodPost, "", fmt.Sprintf(`{"id":%q,"title":"Seats","kind":"event","cap":%d}`, id, limit), nil)
	c.ask(t, http.MethodPost, "/"+id+"/opening", "", nil)
	for _, n := range d.Nodes {
		conn := load.NewConn(n.Members)
		defer conn.Close()
		c.until(t, "the campaign is open everywhere", func() bool {
			a, err := conn.Do(load.NewRequest("GET", n.Members, "/v1/campaigns/"+id, "", ""))
			return err == nil && strings.Contains(string(a.Body), `"status":"open"`)
		})
	}
	return c
}

// ask speaks to the admins' door of the first node.
func (c *crowd) ask(t *testing.T, method, path, body string, out any) {
	t.Helper()
	addr := c.d.Nodes[0].Admins
	conn := load.NewConn(addr)
	defer conn.Close()
	a, err := conn.Do(load.NewRequest(method, addr, "/v1/admin/campaigns"+path, c.admin, body))
	if err != nil || a.Status >= 300 {
		t.Fatalf("%s %s: %v %d %s", method, path, err, a.Status, a.Body)
	}
	if out != nil {
		if err := json.Unmarshal(a.Body, out); err != nil {
			t.Fatal(err)
		}
	}
}

// rush lets the members from..to claim, 16 at once, over both nodes; halfway
// something may happen.
func (c *crowd) rush(t *testing.T, from, to int, halfway func()) {
	t.Helper()
	const width = 16
	var asked atomic.Int64
	err := load.Closed(t.Context(), width, func(_ context.Context, n int) error {
		node := n % len(c.d.Nodes)
		conn := load.NewConn(c.d.Nodes[node].Members)
		defer conn.Close()
		for i := from + n; i < to; i += width {
			if err := c.claim(conn, node, i); err != nil {
				return err
			}
			if asked.Add(1) == int64(to-from)/2 && halfway != nil {
				halfway()
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// claim asks until the answer is final.
func (c *crowd) claim(conn *load.Conn, node, member int) error {
	for range 10 {
		op := history.Op{Campaign: c.id, Member: c.names[member], Node: node, Call: time.Since(c.begin)}
		a, err := conn.Do(load.NewRequest("POST", conn.Addr(), "/v1/campaigns/"+c.id+"/claims", c.tokens[member], ""))
		if err != nil {
			return err
		}
		op.Return, op.Status, op.Replayed, op.RetryAfter = time.Since(c.begin), a.Status, a.Replayed, a.RetryAfter
		var body struct {
			State, Code string
			Rank        int64
		}
		if err := json.Unmarshal(a.Body, &body); err != nil {
			return err
		}
		op.State, op.Code, op.Rank = body.State, body.Code, body.Rank
		c.mu.Lock()
		c.ops = append(c.ops, op)
		c.mu.Unlock()
		if a.Status != http.StatusAccepted && a.Status < 500 {
			return nil
		}
	}
	return fmt.Errorf("%s gets no answer", c.names[member])
}

// places is the campaign's list as the admin reads it.
func (c *crowd) places(t *testing.T) (all []history.Place) {
	t.Helper()
	for path := "/" + c.id + "/claims?limit=200"; ; {
		var page struct {
			Items      []history.Place
			NextCursor string `json:"next_cursor"`
		}
		c.ask(t, http.MethodGet, path, "", &page)
		all = append(all, page.Items...)
		if page.NextCursor == "" {
			return all
		}
		path = "/" + c.id + "/claims?limit=200&cursor=" + page.NextCursor
	}
}

// booked is how many grants the book counts.
func (c *crowd) booked(t *testing.T) int64 {
	t.Helper()
	var b struct{ Ledger struct{ Granted int64 } }
	c.ask(t, http.MethodGet, "/"+c.id+"/books", "", &b)
	return b.Ledger.Granted
}

func (c *crowd) judge(t *testing.T) []history.Violation {
	t.Helper()
	return history.Check([]history.Campaign{{ID: c.id, Cap: c.limit, Places: c.places(t)}}, c.ops)
}
