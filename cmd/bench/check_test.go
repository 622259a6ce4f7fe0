package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firstcome/bench/history"
	"firstcome/engine/fold"
)

func TestCheckPrintsWhatIsBroken(t *testing.T) {
	dir := t.TempDir()
	save := func(name string, e *history.Evidence) string {
		path := filepath.Join(dir, name)
		if err := history.Save(path, e); err != nil {
			t.Fatal(err)
		}
		return path
	}
	clean := save("clean.gz", &history.Evidence{Users: map[string]fold.User{"m": {1}}, Ops: []history.Op{{Campaign: "a", Member: "m", Status: 404, Code: "not-found"}}})
	broken := save("broken.gz", &history.Evidence{Users: map[string]fold.User{"m": {1}}, Ops: []history.Op{{Campaign: "a", Member: "m", Return: time.Second, Status: 500, Code: "internal"}}})
	half := filepath.Join(dir, "half.gz")
	whole, err := os.ReadFile(clean)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(half, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{clean}, 0, "every promise was kept"},
		{[]string{clean, broken}, exitUnclean, "I13 errors  a         m got 500 internal"},
		{[]string{half}, exitUnclean, "cut off"},
		{nil, exitUsage, "needs a file"},
	} {
		var out bytes.Buffer
		if code := run(context.Background(), append([]string{"check"}, tt.args...), &out, &out); code != tt.code || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%v: exit code %d, %s", tt.args, code, out.String())
		}
	}
}
