package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// The sentences of the house's table: who may import whom.
const (
	engineRule = "`engine`: standard library, `x/sync`, the Prometheus client; no driver"
	roomRule   = "`ledger`, `cache`, `api`: `engine`, and the same libraries; never one another"
	childRule  = "a child such as `ledger/postgres`: its parent, `engine`, its own driver"
	hallRule   = "`cmd/firstcome`: everything but `bench`; nobody imports `cmd`"
	benchRule  = "`bench`: everything but `cmd`; only its own small program, `cmd/bench`, imports it"
	topRule    = "Six rooms; no other folder at the top"
)

// common are the libraries that every room may use.
var common = []string{"golang.org/x/sync", "github.com/prometheus/client_golang"}

// own are what a package may use beside them: children their drivers, the doors
// what reads tokens and paces clients, the fold a pure hash.
var own = map[string][]string{
	"engine/fold":                {"github.com/cespare/xxhash/v2"},
	"engine/redisgate":           {"github.com/redis/go-redis/v9", "github.com/go-redsync/redsync/v4"},
	"engine/redisgate/inprocess": {"github.com/alicebob/miniredis/v2"},
	"cache":                      {"github.com/maypok86/otter/v2", "github.com/failsafe-go/failsafe-go", "github.com/klauspost/compress"}, // W-TinyLFU, bulkheads, zstd
	"cache/redis":                {"github.com/redis/go-redis/v9", "github.com/failsafe-go/failsafe-go"},
	"cache/relayredis":           {"github.com/redis/go-redis/v9"},
	"ledger":                     {"golang.org/x/time"},
	"ledger/kafkalog":            {"github.com/twmb/franz-go"},
	"ledger/locallog":            {"modernc.org/sqlite"},
	"ledger/postgres":            {"github.com/jackc/pgx/v5", "github.com/pressly/goose/v3"},
	"ledger/sqlite":              {"modernc.org/sqlite", "github.com/pressly/goose/v3"},
	"api": {"github.com/golang-jwt/jwt/v5", "github.com/MicahParks", "github.com/maypok86/otter/v2", "github.com/tdewolff/minify/v2", "github.com/goccy/go-yaml",
		"golang.org/x/time", "golang.org/x/text"},
}

// suites are contracts: their code runs in tests only, and may use what tests may.
var suites = []string{"engine/gatetest", "ledger/logtest", "ledger/booktest"}

type pkg struct {
	ImportPath string
	Imports    []string
}

// inside is the path within this module; ok is false for other modules.
func inside(importPath string) (_ string, ok bool) {
	return strings.CutPrefix(importPath, "firstcome/")
}

func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".") && first != "firstcome"
}

func under(p string, trees ...string) bool {
	return slices.ContainsFunc(trees, func(tree string) bool { return p == tree || strings.HasPrefix(p, tree+"/") })
}

// broken returns the sentence that an import breaks, empty when it breaks none.
func broken(importer, imported string) string {
	if standard(imported) {
		return ""
	}
	target, ours := inside(imported)
	room, _, _ := strings.Cut(importer, "/")
	switch {
	case ours && under(target, "cmd"):
		return hallRule
	case ours && under(target, "bench"):
		if under(importer, "bench", "cmd/bench") {
			return ""
		}
		return benchRule
	case room == "cmd" || room == "bench":
		return ""
	case slices.Contains(suites, importer):
		if ours && !under(target, "engine", room) {
			return childRule
		}
		return ""
	}
	return brokenInRoom(importer, room, imported, target, ours)
}

// brokenInRoom is broken for what is in engine, ledger, cache and api.
func brokenInRoom(importer, room, imported, target string, ours bool) string {
	rule := childRule
	switch importer {
	case "engine", "engine/fold":
		rule = engineRule
	case room:
		rule = roomRule
	}
	switch {
	case !ours && (under(imported, common...) || under(imported, own[importer]...)):
		return ""
	case !ours:
		return rule
	case target == "engine" || target == "engine/fold":
		return ""
	case rule == childRule && (target == path.Dir(importer) || under(target, importer)):
		return ""
	}
	return rule
}

// TestImportTable reads the import graph of everything that is not a test.
func TestImportTable(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		importer, _ := inside(p.ImportPath)
		seen[importer] = true
		for _, imported := range p.Imports {
			if rule := broken(importer, imported); rule != "" {
				t.Errorf("%s imports %s, but: %s", importer, imported, rule)
			}
		}
	}
	for _, room := range []string{"engine", "engine/fold", "ledger", "api", "cmd/firstcome"} {
		if !seen[room] {
			t.Errorf("%s is not in the import graph", room)
		}
	}
}

// TestTheTableCatches proves that each sentence can be broken.
func TestTheTableCatches(t *testing.T) {
	for _, tt := range []struct{ importer, imported, rule string }{
		{"engine", "github.com/redis/go-redis/v9", engineRule},
		{"engine/fold", "firstcome/engine/redisgate", engineRule},
		{"engine", "firstcome/ledger", engineRule},
		{"api", "firstcome/ledger", roomRule},
		{"ledger", "firstcome/api", roomRule},
		{"ledger", "github.com/jackc/pgx/v5", roomRule},
		{"cache", "github.com/redis/go-redis/v9", roomRule},
		{"api", "firstcome/ledger/postgres", roomRule},
		{"ledger/postgres", "github.com/twmb/franz-go/pkg/kgo", childRule},
		{"ledger/postgres", "firstcome/ledger/sqlite", childRule},
		{"ledger/logtest", "firstcome/api", childRule},
		{"bench/load", "firstcome/cmd/firstcome", hallRule},
		{"cmd/firstcome", "firstcome/bench/stack", benchRule},
		{"engine/redisgate", "firstcome/bench/stack", benchRule},
		{"ledger/postgres", "firstcome/ledger", ""},
		{"engine/redisgate", "firstcome/engine/redisgate/inprocess", ""},
		{"cmd/bench", "firstcome/bench/load", ""},
		{"engine", "golang.org/x/sync/errgroup", ""},
	} {
		if got := broken(tt.importer, tt.imported); got != tt.rule {
			t.Errorf("%s imports %s: %q, want %q", tt.importer, tt.imported, got, tt.rule)
		}
	}
}

func TestNoOtherFolderAtTheTop(t *testing.T) {
	entries, err := os.ReadDir("../..")
	if err != nil {
		t.Fatal(err)
	}
	rooms := []string{"engine", "ledger", "cache", "api", "bench", "cmd"}
	files := []string{"README.md", "go.mod", "go.sum", "LICENSE", "Makefile", "compose.yaml"}
	for _, e := range entries {
		name := e.Name()
		allowed := strings.HasPrefix(name, ".") || e.IsDir() && slices.Contains(rooms, name) || !e.IsDir() && slices.Contains(files, name) ||
			e.IsDir() && name == "firstcome-data" || !e.IsDir() && (name == "firstcome" || strings.HasSuffix(name, ".out") || strings.HasSuffix(name, ".test"))
		if !allowed {
			t.Errorf("%s stands at the top, but: %s", name, topRule)
		}
	}
}
