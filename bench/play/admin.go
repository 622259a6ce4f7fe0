package play

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"firstcome/bench/history"
)

// admin speaks to the admins' listener of one node.
type admin struct {
	addr   string // host:port
	token  string
	client *http.Client
}

func newAdmin(addr, token string) *admin {
	return &admin{addr, token, &http.Client{Timeout: 2 * time.Minute}}
}

func (a *admin) close() { a.client.CloseIdleConnections() }

// call sends JSON and reads JSON; any status of 300 or more is an error with
// the problem's words.
func (a *admin) call(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+a.addr+"/v1/admin"+path, &body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		var problem struct{ Code, Detail string }
		_ = json.NewDecoder(resp.Body).Decode(&problem) // the status is enough
		return fmt.Errorf("%s %s: %d %s %s", method, path, resp.StatusCode, problem.Code, problem.Detail)
	}
	if out == nil {
		discard(resp.Body)
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
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

// create drafts a campaign and opens it, or schedules it when it has a time to open.
func (a *admin) create(ctx context.Context, d definition) error {
	if err := a.call(ctx, http.MethodPost, "/campaigns", d, nil); err != nil {
		return err
	}
	step := "opening"
	if d.OpensAt != nil {
		step = "publication"
	}
	return a.call(ctx, http.MethodPost, "/campaigns/"+d.ID+"/"+step, nil, nil)
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
