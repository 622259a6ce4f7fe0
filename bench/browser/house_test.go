package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"firstcome/bench/stack"
)

// house is a running program, and somebody who may do anything in it.
type house struct {
	*stack.Deployment
	owner string

	mu     sync.Mutex // held while the program makes tokens
	issued map[string]string
}

// outside are the requests of everybody who has no browser.
var outside = &http.Client{Timeout: patience}

// embedded is the house that tests share; campaigns have names of their own.
func embedded(t testing.TB) *house {
	t.Helper()
	stack.NeedBrowser(t)
	path := program(t)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.house == nil {
		shared.house = startEmbedded(t, path, nil)
	}
	return shared.house
}

// own is a house of this test alone: it may be killed.
func own(t testing.TB, settings map[string]string) *house {
	t.Helper()
	stack.NeedBrowser(t)
	h := startEmbedded(t, program(t), settings)
	t.Cleanup(h.close)
	return h
}

func startEmbedded(t testing.TB, path string, settings map[string]string) *house {
	t.Helper()
	d, err := stack.StartEmbedded(context.Background(), stack.DeploymentOptions{Program: path, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	return owned(t, d)
}

// cluster is two nodes on real services, of this test alone.
func cluster(t testing.TB) *house {
	t.Helper()
	stack.NeedBrowser(t)
	stack.NeedRedis(t)
	stack.NeedKafka(t)
	stack.NeedPostgres(t)
	d, err := stack.StartCluster(t.Context(), stack.DeploymentOptions{Program: program(t), Nodes: 2})
	if err != nil {
		t.Fatal(err)
	}
	h := owned(t, d)
	t.Cleanup(h.close)
	return h
}

func owned(t testing.TB, d *stack.Deployment) *house {
	t.Helper()
	h := &house{Deployment: d, issued: map[string]string{}}
	h.owner = h.tokens(t, "owner", "root")[0]
	return h
}

func (h *house) close() { h.Close() }

func (h *house) members() string { return "http://" + h.Nodes[0].Members }
func (h *house) admins() string  { return "http://" + h.Nodes[0].Admins }

// tokens are those of some members or admins; each is made once.
func (h *house) tokens(t testing.TB, role string, names ...string) []string {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	var missing []string
	for _, name := range names {
		if h.issued[role+" "+name] == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		made, err := h.Tokens(context.Background(), role, missing)
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range missing {
			h.issued[role+" "+name] = made[i]
		}
	}
	tokens := make([]string, len(names))
	for i, name := range names {
		tokens[i] = h.issued[role+" "+name]
	}
	return tokens
}

// reply is an answer, decoded.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (r reply) number(field string) int { n, _ := r.body[field].(float64); return int(n) }

func (r reply) text(field string) string { s, _ := r.body[field].(string); return s }

func ask(t testing.TB, method, url, token, body string, header ...string) reply {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := outside.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	r := reply{status: resp.StatusCode, header: resp.Header, raw: string(text)}
	_ = json.Unmarshal(text, &r.body) // what is no object has no fields
	return r
}

// admin sends an owner's request, which must succeed.
func (h *house) admin(t testing.TB, method, path, body string, header ...string) reply {
	t.Helper()
	r := ask(t, method, h.admins()+"/v1/admin"+path, h.owner, body, header...)
	if r.status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, r.status, r.raw)
	}
	return r
}

// draft makes a campaign; fields are those of a definition beside id and title.
func (h *house) draft(t testing.TB, id, title string, fields map[string]any) {
	t.Helper()
	definition := map[string]any{"id": id, "title": title, "kind": "event"}
	for name, value := range fields {
		definition[name] = value
	}
	body, err := json.Marshal(definition)
	if err != nil {
		t.Fatal(err)
	}
	h.admin(t, "POST", "/campaigns", string(body))
}

// open makes a campaign that is open at once.
func (h *house) open(t testing.TB, id, title string, fields map[string]any) {
	t.Helper()
	h.draft(t, id, title, fields)
	h.admin(t, "POST", "/campaigns/"+id+"/opening", "")
}

// opensIn makes a campaign that opens by itself, and says when.
func (h *house) opensIn(t testing.TB, id, title string, wait time.Duration, fields map[string]any) time.Time {
	t.Helper()
	at := time.Now().Add(wait).Truncate(time.Millisecond)
	with := map[string]any{"opens_at": at.UTC().Format("2006-01-02T15:04:05.000Z")}
	for name, value := range fields {
		with[name] = value
	}
	h.draft(t, id, title, with)
	h.admin(t, "POST", "/campaigns/"+id+"/publication", "")
	return at
}

// claim is somebody else's claim, by plain HTTP.
func (h *house) claim(t testing.TB, id, name, body string) reply {
	t.Helper()
	return ask(t, "POST", h.members()+"/v1/campaigns/"+id+"/claims", h.tokens(t, "", name)[0], body)
}

// cancel ends somebody else's place, by plain HTTP.
func (h *house) cancel(t testing.TB, id, name string) {
	t.Helper()
	r := ask(t, "DELETE", h.members()+"/v1/campaigns/"+id+"/claims/me", h.tokens(t, "", name)[0], "")
	if r.status != http.StatusOK {
		t.Fatalf("cancel for %s: %d %s", name, r.status, r.raw)
	}
}

// crowd lets n others claim one after another.
func (h *house) crowd(t testing.TB, id, prefix string, n int, body string) {
	t.Helper()
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%02d", prefix, i+1)
	}
	for i, token := range h.tokens(t, "", names...) {
		if r := ask(t, "POST", h.members()+"/v1/campaigns/"+id+"/claims", token, body); r.status != http.StatusCreated {
			t.Fatalf("%s: %d %s", names[i], r.status, r.raw)
		}
	}
}

// counts holds the books of a campaign against what the journey expects, and
// waits until the ledger has come as far as the log.
func (h *house) counts(t testing.TB, id string, granted, waiting int) {
	t.Helper()
	eventually(t, patience, func() string {
		r := h.admin(t, "GET", "/campaigns/"+id+"/books", "")
		for _, book := range []string{"log", "ledger"} {
			b, _ := r.body[book].(map[string]any)
			if r.body["equal"] != true || b["granted"] != float64(granted) || b["waiting"] != float64(waiting) {
				return fmt.Sprintf("the books of %s do not have %d grants and %d waiting: %s", id, granted, waiting, r.raw)
			}
		}
		return ""
	})
}
