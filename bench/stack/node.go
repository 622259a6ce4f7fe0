package stack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Build compiles ./cmd/firstcome of the module that the working directory
// belongs to, and returns the program's path in the given folder.
func Build(ctx context.Context, dir string) (string, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("build firstcome: find the module: %w", err)
	}
	program := filepath.Join(dir, "firstcome")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/firstcome")
	cmd.Dir = filepath.Dir(strings.TrimSpace(string(mod)))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build firstcome: %w:\n%s", err, bytes.TrimSpace(out))
	}
	return program, nil
}

// Node is one running firstcome process.
type Node struct {
	*Process
	Members string // host:port of the members' listener
	Admins  string // host:port of the admins' listener
}

// environment is this process' own without what would configure firstcome,
// and then the given settings.
func environment(settings map[string]string) []string {
	var env []string
	for _, line := range os.Environ() {
		if !strings.HasPrefix(line, "FIRSTCOME_") {
			env = append(env, line)
		}
	}
	for key, value := range settings {
		env = append(env, key+"="+value)
	}
	return env
}

// startNode starts a node and does not wait until it is ready.
func startNode(program, dir, name string, settings map[string]string) (*Node, error) {
	members, err := freePort()
	if err != nil {
		return nil, err
	}
	admins, err := freePort()
	if err != nil {
		return nil, err
	}
	n := &Node{Members: "127.0.0.1:" + strconv.Itoa(members), Admins: "127.0.0.1:" + strconv.Itoa(admins)}
	own := map[string]string{"FIRSTCOME_LISTEN": n.Members, "FIRSTCOME_ADMIN_LISTEN": n.Admins}
	for key, value := range settings {
		own[key] = value
	}
	n.Process, err = StartProcess(Spec{
		Name: name, Path: program, Args: []string{"serve"}, Env: environment(own), Dir: dir,
	})
	return n, err
}

// Ready waits until the node says that it answers claims.
func (n *Node) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return n.Process.Ready(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Admins+"/readyz", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz: %s: %s", resp.Status, text)
		}
		return nil
	})
}

// Restart ends the node politely if it runs, starts it again with the same
// addresses and files and waits until it answers claims.
func (n *Node) Restart(ctx context.Context) error {
	if err := restart(ctx, n.Process); err != nil {
		return err
	}
	return n.Ready(ctx)
}
