package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"firstcome/bench/stack"
)

// boss is an admin: it speaks to any node's admins' door.
type boss struct {
	nodes  []*stack.Node
	token  string
	client *http.Client
}

// bossPatience is how long an admin waits for an answer, but for the audit's.
const (
	bossPatience = 10 * time.Second
	auditTime    = time.Minute // the product folds the whole log again
)

func newBoss(nodes []*stack.Node, token string) *boss {
	return &boss{nodes, token, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
}

func (b *boss) close() { b.client.CloseIdleConnections() }

// reply is what an admin was told.
type reply struct {
	Status     int
	ETag, Log  string
	RetryAfter bool
	Body       []byte
}

// ask sends JSON to a node and returns its answer, whatever it is. An error says
// that there was none.
func (b *boss) ask(ctx context.Context, node int, method, path string, in any, ifMatch string) (*reply, error) {
	patience := bossPatience
	if path == "/audit" {
		patience = auditTime
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+b.nodes[node].Admins+"/v1/admin"+path, &body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if ifMatch != "" {
		req.Header.Set("If-Match", ifMatch)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	return &reply{resp.StatusCode, resp.Header.Get("ETag"), resp.Header.Get("X-Log-Offset"), resp.Header.Get("Retry-After") != "", text}, nil
}

// must asks and takes anything but success for an error. out may be nil.
func (b *boss) must(ctx context.Context, node int, method, path string, in, out any) error {
	r, err := b.ask(ctx, node, method, path, in, "")
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if r.Status >= 300 {
		return fmt.Errorf("%s %s: %d: %.300s", method, path, r.Status, r.Body)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(r.Body, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}
