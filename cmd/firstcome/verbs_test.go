package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/spf13/cobra"
)

// verb runs a verb beside a running program, on its data directory.
func verb(t *testing.T, data string, args ...string) outcome {
	t.Helper()
	return invoke(t, nil, append(args, "--data", data)...)
}

func (o outcome) done(t *testing.T) outcome {
	t.Helper()
	if o.code != exitDone {
		t.Fatalf("exit code %d: %s", o.code, o.err)
	}
	return o
}

// Beside a running embedded server every verb finds address and token by itself.
func TestVerbsBesideARunningServer(t *testing.T) {
	data := t.TempDir()
	startEmbedded(t, data)
	must(t, verb(t, data, "campaign", "list").done(t).out, "ID", "welcome", "open", "환영합니다")
	must(t, verb(t, data, "claim", "welcome", "--sub", "alice").done(t).out, "granted", "rank", "1")
	again := verb(t, data, "claim", "welcome", "--sub", "alice", "-o", "json").done(t)
	var claim map[string]any
	if err := json.Unmarshal([]byte(again.out), &claim); err != nil || claim["rank"] != 1.0 {
		t.Fatalf("%v: %s", err, again.out)
	}
	must(t, verb(t, data, "cancel", "welcome", "--sub", "alice").done(t).out, "cancelled")

	made := verb(t, data, "campaign", "create", "--id", "camp", "--title", "Camp", "--cap", "1", "--waitlist-cap", "2", "--points", "5",
		"--eligible", "campus=seoul,busan", "--opens-at", "+1h").done(t)
	must(t, made.out, "draft", `"in":["seoul","busan"]`)
	verb(t, data, "campaign", "edit", "camp", "--eligible", "role=member", "--title", "Spring camp").done(t)
	file := write(t, "patch.json", `{"eligibility":[],"form":[{"id":"name","label":"Name","type":"text"}]}`)
	verb(t, data, "campaign", "edit", "camp", "--file", file).done(t)
	must(t, verb(t, data, "campaign", "publish", "camp").done(t).out, "scheduled")
	must(t, verb(t, data, "campaign", "open", "camp", "--reason", "early").done(t).out, "open")
	verb(t, data, "claim", "camp", "--sub", "a", "--answers", `{"name":"A"}`).done(t)
	must(t, verb(t, data, "claim", "camp", "--sub", "b", "--waitlist").done(t).out, "waitlisted")
	must(t, verb(t, data, "campaign", "cap", "camp", "2", "--dry-run").done(t).out, "promoted", "1")
	must(t, verb(t, data, "campaign", "cap", "camp", "2", "--reason", "room").done(t).out, "granted", "2")
	must(t, verb(t, data, "campaign", "pause", "camp").done(t).out, "paused")
	must(t, verb(t, data, "campaign", "resume", "camp").done(t).out, "open")
	must(t, verb(t, data, "campaign", "close", "camp").done(t).out, "closed")
	must(t, verb(t, data, "export", "--campaign", "camp").done(t).out, "member,state", "a,granted,1", "b,granted,2")
	must(t, verb(t, data, "export", "--campaign", "camp", "--format", "json").done(t).out, `"member": "a"`)
	must(t, verb(t, data, "audit").done(t).out, "nothing is wrong")
	must(t, verb(t, data, "campaign", "archive", "camp").done(t).out, "archived")
}

// An embedded node is a cluster of one: it lists itself, and new rules come into
// force when it knows them.
func TestUpgradeBesideARunningServer(t *testing.T) {
	data := t.TempDir()
	p := startEmbedded(t, data)
	must(t, verb(t, data, "upgrade", "activate", "--dry-run").done(t).out, "can be brought into force", "16 of 16")
	must(t, verb(t, data, "upgrade", "activate", "--reason", "new rules").done(t).out, "version 2", "16 of 16 partitions and read back")
	must(t, verb(t, data, "upgrade", "activate").done(t).out, "in force already")
	again := verb(t, data, "upgrade", "activate", "-o", "json").done(t)
	must(t, again.out, `"changed": false`, `"rules": 2`)
	nodes := p.admin("GET", "/nodes", "").expect(t, 200)
	must(t, nodes.raw, `"complete":true`, `"rules":2,"state":"following"`, `"address":"127.0.0.1:`)
	p.stop()
	p = startEmbedded(t, data) // from the book's snapshot, which carries the version
	must(t, verb(t, data, "upgrade", "activate").done(t).out, "in force already")
	must(t, verb(t, data, "audit").done(t).out, "nothing is wrong")
}

func TestVerbsExitCodes(t *testing.T) {
	data := t.TempDir()
	startEmbedded(t, data)
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"claim nothing --sub a", exitNotSo, "404"},
		{"campaign show nothing", exitNotSo, "404"},
		{"campaign create --id Bad_Id --title x", exitUsage, "/id"},
		{"campaign create --titel x", exitUsage, `did you mean "--title"?`},
		{"campaign edit welcome", exitUsage, "nothing to change"},
		{"campaign edit welcome --title x --if-match v77", exitNotSo, "412"},
		{"campaign cap welcome many", exitUsage, "neither a number"},
		{"campaign opne welcome", exitUsage, `did you mean "open"?`},
		{"campaign", exitUsage, "campaign what?"},
		{"campaign show", exitUsage, "accepts 1 arg"},
		{"claim welcome", exitUsage, "--sub"},
		{"claim welcome --sub a --answers nonsense", exitUsage, "not a JSON object"},
		{"campaign list --output xml", exitUsage, "table, json"},
		{"campaign list --admin 127.0.0.1:1", exitUnreachable, "out of reach"},
		{"campaign list --token nonsense", exitNotSo, "401"},
		{"export", exitUsage, "--campaign is needed"},
		{"export --campaign welcome --format xml", exitUsage, "csv, json"},
		{"token", exitUsage, "--sub NAME"},
		{"token --sub a --role king", exitUsage, "viewer, operator and owner"},
		{"token --sub a --ttl soon", exitUsage, "--ttl"},
		{"topic check", exitUsage, "kafka is needed"},
		{"migrate", exitUsage, "postgres is needed"},
		{"upgrade activate --rules 99", exitUsage, "/rules must be a version from 1 to 2"},
		{"upgrade activate --rules 0", exitUsage, "is not a version"},
		{"sreve", exitUsage, "unknown command"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			args := strings.Fields(tt.args)
			if lacksData := strings.HasPrefix(tt.args, "topic") || strings.HasPrefix(tt.args, "migrate") || args[0] == "campaign" && len(args) == 1 || args[0] == "sreve"; !lacksData {
				args = append(args, "--data", data)
			}
			got := invoke(t, nil, args...)
			if got.code != tt.code || got.out != "" {
				t.Errorf("exit code %d, want %d; output %q", got.code, tt.code, got.out)
			}
			must(t, got.err, tt.says)
		})
	}
}

func TestTokens(t *testing.T) {
	data := t.TempDir()
	if got := verb(t, data, "token", "--sub", "alice"); got.code != exitNotSo || !strings.Contains(got.err, "start firstcome there once") {
		t.Errorf("%d %s", got.code, got.err)
	}
	p := startEmbedded(t, data)
	token := strings.TrimSpace(verb(t, data, "token", "--sub", "alice", "--ttl", "5m").done(t).out)
	r, err := ask("POST", p.members+claims("welcome"), token, "")
	if err != nil || r.status != http.StatusCreated {
		t.Fatalf("%v %s", err, r.raw)
	}
	admin := strings.TrimSpace(verb(t, data, "token", "--sub", "root", "--role", "viewer").done(t).out)
	if r, err := ask("GET", p.admins+"/v1/admin/campaigns", admin, ""); err != nil || r.status != http.StatusOK {
		t.Fatalf("%v %s", err, r.raw)
	}
	if r, err := ask("GET", p.admins+"/v1/admin/campaigns", token, ""); err != nil || r.status != http.StatusUnauthorized {
		t.Fatalf("a member's token opens the admins' door: %v %s", err, r.raw)
	}
	list := write(t, "subjects", "a\nb\n\nc\n")
	if lines := strings.Fields(verb(t, data, "token", "--subs-from", list).done(t).out); len(lines) != 3 {
		t.Errorf("%d tokens", len(lines))
	}
}

func TestTokensWithASharedSecret(t *testing.T) {
	got := invoke(t, []string{"FIRSTCOME_JWT_KEY=" + goodJWTKey, "FIRSTCOME_AUDIENCE=app"}, "token", "--sub", "alice", "--role", "owner").done(t)
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(strings.TrimSpace(got.out), claims, func(*jwt.Token) (any, error) { return []byte(goodJWTKey), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithAudience("app-admin"), jwt.WithExpirationRequired())
	if err != nil || claims["sub"] != "alice" || claims["role"] != "owner" {
		t.Fatalf("%v %v", err, claims)
	}
}

// --help teaches: every verb says what it does and shows how.
func TestHelpTeaches(t *testing.T) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Name() == "help" || cmd.Name() == "completion" {
			return
		}
		if cmd.Short == "" || !cmd.HasSubCommands() && cmd.Example == "" {
			t.Errorf("%s lacks a description or an example", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Long) {
			if len(line) > 100 {
				t.Errorf("%s: a line of the help is too long: %s", cmd.CommandPath(), line)
			}
		}
		seen := map[string]bool{}
		for _, child := range cmd.Commands() {
			if seen[child.Name()] {
				t.Errorf("%s is there twice", child.CommandPath())
			}
			seen[child.Name()] = true
			walk(child)
		}
	}
	walk((&hall{}).root())
}

// A program that lost its server in the middle of a list does not print a part of
// it as if it were all.
func TestAnExportThatBreaksOffIsAnError(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "member,state")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	got := invoke(t, nil, "export", "--campaign", "x", "--admin", server.URL, "--token", "t")
	if got.code == exitDone || !strings.Contains(got.err, "broke off") {
		t.Fatalf("%d %s", got.code, got.err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// What ends, ends in the order of the list, and a member that does not end is
// named and left behind.
func TestTheCrewEndsInOrder(t *testing.T) {
	var order []string
	c := &crew{log: silent()}
	for _, name := range []string{"doors", "engine", "books"} {
		c.add(name, func(ctx context.Context) error {
			<-ctx.Done()
			order = append(order, name)
			return nil
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.run(ctx, time.Second); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, " "); got != "doors engine books" {
		t.Fatal(got)
	}
}

func TestAMemberThatFailsEndsAll(t *testing.T) {
	c := &crew{log: silent()}
	broken := errors.New("a disk is gone")
	c.add("doors", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	c.add("engine", func(context.Context) error { return broken })
	if err := c.run(t.Context(), time.Second); !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "engine: ") {
		t.Fatal(err)
	}
}

func TestAMemberThatDoesNotEndIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crew{log: silent()}
		stuck := make(chan struct{})
		c.add("doors", func(context.Context) error { <-stuck; return nil })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := c.run(ctx, 5*time.Second)
		if err == nil || !strings.Contains(err.Error(), "doors did not end in time") {
			t.Fatal(err)
		}
		close(stuck)
	})
}
