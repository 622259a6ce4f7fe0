package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"firstcome/bench/stack"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" { // this process stands in for the real program: see kill_test.go
		main()
		return
	}
	goleak.VerifyTestMain(stack.Main(m))
}

// outcome is what a whole run of the program left behind.
type outcome struct {
	code     int
	out, err string
}

// invoke runs the whole program once, with nothing in its environment but env.
func invoke(t *testing.T, env []string, args ...string) outcome {
	t.Helper()
	var out, err bytes.Buffer
	code := run(context.Background(), args, env, strings.NewReader(""), &out, &err)
	return outcome{code, out.String(), err.String()}
}

// write makes a file in a folder of the test.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// must fails the test unless text contains every part.
func must(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}
