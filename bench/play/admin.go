package play

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"firstcome/bench/history"
	"firstcome/bench/stack"
)

// admin speaks to the admins' listener of the first node.
type admin struct {
	addr   string // host:port
	nodes  []*stack.Node
	token  string
	client *http.Client
}

func newAdmin(nodes []*stack.Node, token string) *admin {
	return &admin{nodes[0].Admins, nodes, token, &http.Client{Timeout: 2 * time.Minute}}
}

func (a *admin) close() { a.client.CloseIdleConnections() }

// call speaks to an admin endpoint.
func (a *admin) call(ctx context.Context, method, path string, in, out any) error {
	return a.do(ctx, method, "http://"+a.addr+"/v1/admin"+path, in, out)
}

// do sends JSON and reads JSON; any status of 300 or more is an error with the
// problem's words.
func (a *admin) do(ctx context.Context, method, url string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return fmt.Errorf("%s %s: %w", method, url, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, &body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	if strings.HasPrefix(url, "http://"+a.addr+"/") { // members' doors know no admins
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		var problem struct{ Code, Detail string }
		_ = json.NewDecoder(resp.Body).Decode(&problem) // the status is enough
		return fmt.Errorf("%s %s: %d %s %s", method, url, resp.StatusCode, problem.Code, problem.Detail)
	}
	if out == nil {
		discard(resp.Body)
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	return nil
}

// definition is what a campaign is created with.
type definition struct {
	ID      string     `json:"id"`
	Title   string     `json:"title"`
	Kind    string     `json:"kind"`
	Cap     *int64     `json:"cap,omitempty"`
	Points  int64      `json:"points,omitempty"`
	OpensAt *time.Time `json:"opens_at,omitempty"`
}

// create drafts a campaign, opens it, or schedules it when it has a time to
// open, and waits until every node shows it: what one node has just done, the
// others may show up to 100 ms later.
func (a *admin) create(ctx context.Context, d definition) error {
	if err := a.call(ctx, http.MethodPost, "/campaigns", d, nil); err != nil {
		return err
	}
	step, status := "opening", "open"
	if d.OpensAt != nil {
		step, status = "publication", "scheduled"
	}
	if err := a.call(ctx, http.MethodPost, "/campaigns/"+d.ID+"/"+step, nil, nil); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, shownWait)
	defer cancel()
	for _, n := range a.nodes {
		if err := a.shown(ctx, n.Members, d.ID, status); err != nil {
			return err
		}
	}
	return nil
}

// shownWait is how long all nodes may need to show a new campaign. It is longer
// than any promise, so that a slow machine does not end a play.
const shownWait = 10 * time.Second

// shown waits until one node shows a campaign's status to members.
func (a *admin) shown(ctx context.Context, addr, id, status string) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var c struct{ Status string }
		err := a.do(ctx, http.MethodGet, "http://"+addr+"/v1/campaigns/"+id, nil, &c)
		if err == nil && c.Status == status {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not %s at %s: %w", id, status, addr, errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// places reads a campaign's whole list.
func (a *admin) places(ctx context.Context, id string) ([]history.Place, error) {
	var all []history.Place
	cursor := ""
	for {
		var page struct {
			Items []struct {
				Member string
				State  string
				Rank   int64
			}
			NextCursor *string `json:"next_cursor"`
		}
		path := "/campaigns/" + id + "/claims?limit=200&cursor=" + url.QueryEscape(cursor)
		if cursor == "" {
			path = "/campaigns/" + id + "/claims?limit=200"
		}
		if err := a.call(ctx, http.MethodGet, path, nil, &page); err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			all = append(all, history.Place{Member: item.Member, State: item.State, Rank: item.Rank})
		}
		if page.NextCursor == nil || *page.NextCursor == "" {
			return all, nil
		}
		cursor = *page.NextCursor
	}
}

// totals are one book's view of a campaign.
type totals struct {
	Granted, Waiting, Seq, Offset int64
	Digest                        string
}

// books are the three views of a campaign.
type books struct {
	Log  totals
	Gate struct {
		Reachable     bool
		Count, Leased int64
	}
	Ledger      *totals
	Equal       bool
	Differences []string
}

// settled tells why the books are not closed yet, nil when they are: the ledger
// has come as far as the log, all agree, and of a campaign with a cap nothing is
// leased and the gate counts what the log counts.
func (b *books) settled(capped bool) error {
	switch {
	case !b.Equal:
		return fmt.Errorf("log, gate and ledger differ: %v", b.Differences)
	case b.Ledger == nil:
		return errors.New("the ledger does not know the campaign yet")
	case b.Ledger.Granted != b.Log.Granted || b.Ledger.Waiting != b.Log.Waiting || b.Ledger.Seq != b.Log.Seq:
		return fmt.Errorf("the ledger has %+v and the log %+v", *b.Ledger, b.Log)
	case capped && b.Gate.Reachable && b.Gate.Leased != 0:
		return fmt.Errorf("the gate still has %d units leased", b.Gate.Leased)
	case capped && b.Gate.Reachable && b.Gate.Count != b.Log.Granted+b.Log.Waiting:
		return fmt.Errorf("the gate counts %d and the log %d", b.Gate.Count, b.Log.Granted+b.Log.Waiting)
	}
	return nil
}
