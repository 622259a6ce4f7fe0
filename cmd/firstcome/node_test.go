package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"firstcome/api"
)

// patience is how long a test waits for something that comes by itself.
const patience = 30 * time.Second

// transcript is what a program says, while it says it.
type transcript struct {
	mu   sync.Mutex // held for copying
	text bytes.Buffer
	more chan struct{} // closed and made anew at each write
}

func newTranscript() *transcript { return &transcript{more: make(chan struct{})} }

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.more)
	s.more = make(chan struct{})
	return s.text.Write(p)
}

func (s *transcript) read() (string, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String(), s.more
}

func (s *transcript) String() string { text, _ := s.read(); return text }

// await waits until the program has said something that matches.
func (s *transcript) await(t testing.TB, what *regexp.Regexp, ended <-chan struct{}) []string {
	t.Helper()
	late := time.After(patience)
	for {
		text, more := s.read()
		if m := what.FindStringSubmatch(text); m != nil {
			return m
		}
		select {
		case <-more:
		case <-ended:
			t.Fatalf("the program ended, and said:\n%s", s)
		case <-late:
			t.Fatalf("the program never said %s, but:\n%s", what, text)
		}
	}
}

// running is one whole program under test.
type running struct {
	t               testing.TB
	members, admins string
	identity        api.Identity
	said            *transcript
	ended           chan struct{}
	code            int // once ended
	cancel          context.CancelFunc
}

var greeted = regexp.MustCompile(`(?s)firstcome is running.*members +(\S+)\n +admins +(\S+).*`)

// start runs the whole program in this process on free ports until the test
// ends, and waits for its banner.
func start(t testing.TB, env []string, args ...string) *running {
	t.Helper()
	h := &hall{environ: env, in: strings.NewReader(""), out: io.Discard}
	return startHall(t, h, args...)
}

func startHall(t testing.TB, h *hall, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &running{t: t, said: newTranscript(), ended: make(chan struct{}), cancel: cancel}
	h.err = p.said
	args = append([]string{"--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-format", "text"}, args...)
	go func() {
		defer close(p.ended)
		p.code = h.run(ctx, args)
	}()
	t.Cleanup(func() {
		p.stop()
		crowd.CloseIdleConnections()
	})
	m := p.said.await(t, greeted, p.ended)
	p.members, p.admins = m[1], m[2]
	return p
}

// startEmbedded runs it alone on a data directory.
func startEmbedded(t testing.TB, data string, args ...string) *running {
	t.Helper()
	return start(t, nil, append([]string{"--data", data}, args...)...).trusting(data)
}

// trusting makes tokens with the trial identity of a data directory.
func (p *running) trusting(data string) *running {
	p.t.Helper()
	secret, err := readSecret(data)
	if err != nil {
		p.t.Fatal(err)
	}
	p.identity = api.Identity{Secret: secret.bytes}
	return p
}

// with is the same program, whose failures belong to a subtest.
func (p *running) with(t testing.TB) *running {
	q := *p
	q.t = t
	return &q
}

// stop ends it as a first signal does and returns the exit code.
func (p *running) stop() int {
	p.cancel()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Errorf("the program does not end; it said:\n%s", p.said)
		return -1
	}
	return p.code
}

// token makes one as the program would.
func (p *running) token(subject, role string) string {
	p.t.Helper()
	issuer, err := api.NewIssuer(p.identity)
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := issuer.Mint(subject, role, time.Hour)
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

// reply is an answer, decoded.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (r reply) number(field string) int64 {
	n, _ := r.body[field].(float64)
	return int64(n)
}

func (r reply) text(field string) string { s, _ := r.body[field].(string); return s }

// ask sends one request; body may be empty.
func ask(method, url, token, body string, header ...string) (reply, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return reply{}, err
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
	resp, err := crowd.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	r := reply{status: resp.StatusCode, header: resp.Header, raw: string(text)}
	_ = json.Unmarshal(text, &r.body) // what is no object has no fields
	return r, err
}

// crowd has no connection left when a test ends: goleak looks.
var crowd = &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 512}}

// member sends a member's request.
func (p *running) member(subject, method, path, body string, header ...string) reply {
	p.t.Helper()
	r, err := ask(method, p.members+path, p.token(subject, ""), body, header...)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// admin sends an owner's request to the admins' door.
func (p *running) admin(method, path, body string, header ...string) reply {
	p.t.Helper()
	r, err := ask(method, p.admins+"/v1/admin"+path, p.token("root", "owner"), body, header...)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// expect fails the test unless the answer has that status.
func (r reply) expect(t testing.TB, status int) reply {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d: %s", r.status, status, r.raw)
	}
	return r
}

// open makes and opens a campaign.
func (p *running) open(id string, definition string) {
	p.t.Helper()
	p.admin("POST", "/campaigns", fmt.Sprintf(`{"id":%q,"title":%q,%s}`, id, id, definition)).expect(p.t, 201)
	p.admin("POST", "/campaigns/"+id+"/opening", "").expect(p.t, 200)
}

func claims(id string) string { return "/v1/campaigns/" + id + "/claims" }

// balanced waits until the books of a campaign are equal and the ledger has come
// as far as the log.
func (p *running) balanced(id string, granted int64) {
	p.t.Helper()
	late := time.Now().Add(patience)
	for {
		r := p.admin("GET", "/campaigns/"+id+"/books", "")
		log, _ := r.body["log"].(map[string]any)
		ledger, _ := r.body["ledger"].(map[string]any)
		if r.status == 200 && r.body["equal"] == true && ledger != nil &&
			log["granted"] == float64(granted) && ledger["granted"] == float64(granted) && ledger["digest"] == log["digest"] {
			return
		}
		if time.Now().After(late) {
			p.t.Fatalf("the books of %s are not equal at %d grants: %s", id, granted, r.raw)
		}
	}
}
