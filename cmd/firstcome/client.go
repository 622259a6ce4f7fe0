package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	answerWait = 30 * time.Second // for one answer, where nothing longer is said
	answerMost = 64 << 20         // bytes of an answer that is read as a whole
	ownToken   = 5 * time.Minute  // a token that a verb makes for itself
)

// remote is a server that a verb talks to.
type remote struct {
	base   string
	token  string
	output string // "table" or "json"
	h      *hall
}

// remoteFlags gives a verb what it needs to talk to one of the doors.
func remoteFlags(cmd *cobra.Command, door, meaning string) {
	cmd.Flags().String(door, "", meaning)
	cmd.Flags().String("token", "", "the bearer token (default FIRSTCOME_TOKEN, else one is made with the trial identity)")
	cmd.Flags().StringP("output", "o", "", "table or json (default table)")
	keyFlags(cmd, remoteKeys...)
}

var remoteKeys = append([]string{"listen", "admin-listen"}, tokenKeys...)

// adminFlags is remoteFlags for the admins' door.
func adminFlags(cmd *cobra.Command) {
	remoteFlags(cmd, "admin", "the admins' address (default FIRSTCOME_ADMIN, else the server that uses --data)")
}

// admins finds the admins' door and a token for it. Embedded, both are found in
// the data directory, so that the verbs just work beside a running server.
func (h *hall) admins(cmd *cobra.Command) (*remote, error) {
	who := os.Getenv("USER")
	if who == "" {
		who = "shell"
	}
	return h.remote(cmd, "admin", who, "owner")
}

// remote reads the flags of remoteFlags. subject and role are for the token
// that is made when none is given.
func (h *hall) remote(cmd *cobra.Command, door, subject, role string) (*remote, error) {
	c, err := h.config(cmd, remoteKeys...)
	if err != nil {
		return nil, err
	}
	r := &remote{h: h, base: h.given(cmd, door), token: h.given(cmd, "token"), output: h.given(cmd, "output")}
	if r.output == "" {
		r.output = "table"
	}
	if err := oneOf("table", "json")(r.output); err != nil {
		return nil, usage("--output = %q: %w", r.output, err)
	}
	if r.base == "" {
		r.base = beside(c, door)
	}
	if !strings.Contains(r.base, "://") {
		r.base = "http://" + r.base
	}
	if u, err := url.Parse(r.base); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usage("--%s = %q: is not an address; right would be http://127.0.0.1:8081", door, r.base)
	}
	r.base = strings.TrimSuffix(r.base, "/")
	if r.token != "" {
		return r, nil
	}
	mint, err := minter(c, role, ownToken)
	if err != nil {
		return nil, fmt.Errorf("no --token is given, and none can be made: %w", err)
	}
	r.token, err = mint(subject)
	return r, err
}

// given is a flag's value, else that of the variable of the same name.
func (h *hall) given(cmd *cobra.Command, name string) string {
	if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
		return f.Value.String()
	}
	return getenv(h.environ, envPrefix+strings.ToUpper(name))
}

// beside is the address of the server that uses the same data directory, else
// the one that it would listen on.
func beside(c *Config, door string) string {
	t, ok := readTenant(c.Data)
	members, admins := c.Listen, c.AdminListen
	if ok && c.from["listen"] == "" && c.from["admin-listen"] == "" {
		members, admins = t.Members, t.Admins
	}
	if door == "admin" {
		return reachable(admins)
	}
	return reachable(members)
}

// reachable is a listening address as one dials it from this machine.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if everyInterface(host) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// answer is what a server said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call sends one request and reads the answer as a whole. Refusals are errors
// with the exit code that fits them. body nil sends none.
func (r *remote) call(ctx context.Context, method, path string, body any, header ...string) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	return r.patient(ctx, method, path, body, header...)
}

// patient is call without a deadline of its own.
func (r *remote) patient(ctx context.Context, method, path string, body any, header ...string) (*answer, error) {
	resp, err := r.open(ctx, method, path, body, header...)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerMost))
	if err != nil {
		return nil, unreachable(r.base, err)
	}
	return &answer{resp.StatusCode, resp.Header, text}, nil
}

// open sends one request and returns the answer unread, once it is not a refusal.
func (r *remote) open(ctx context.Context, method, path string, body any, header ...string) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, content)
	if err != nil {
		return nil, usage("%w", err)
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, unreachable(r.base, errors.Unwrap(err))
	}
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		return nil, refused(r.base, resp)
	}
	return resp, nil
}

// refused turns a problem (RFC 9457) into one line and an exit code.
func refused(base string, resp *http.Response) error {
	var p struct {
		Title, Detail, Code string
		Errors              []struct{ Pointer, Detail string }
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // what was read is shown
	if json.Unmarshal(text, &p) != nil || p.Title == "" {
		p.Title = strings.TrimSpace(string(text[:min(len(text), 200)]))
	}
	line := p.Title
	if p.Detail != "" {
		line += ": " + p.Detail
	}
	for _, e := range p.Errors {
		line += fmt.Sprintf("; %s %s", e.Pointer, e.Detail)
	}
	err := fmt.Errorf("%s answered %d %s: %s", base, resp.StatusCode, p.Code, line)
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &exitError{exitUsage, err}
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return &exitError{exitUnreachable, err}
	}
	return &exitError{exitNotSo, err}
}
