package fold_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The rules may look at nothing but records. What a package cannot import, it
// cannot do: no clock, no chance, no I/O, no goroutine's order.
func TestThePackageImportsNothingImpure(t *testing.T) {
	allowed := []string{"bytes", "cmp", "encoding/binary", "errors", "fmt", "iter", "math", "slices", "sort", "strings",
		"unicode/utf8", "github.com/cespare/xxhash/v2"}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			if path, _ := strconv.Unquote(spec.Path.Value); !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s", file, path)
			}
		}
	}
}
