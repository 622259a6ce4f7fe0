package cache

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"firstcome/engine/fold"
)

// samples are values of each kind as they are in real life.
var samples = map[string][][]byte{
	"notices": {nil, []byte("[]"), bytes.Repeat([]byte(`{"id":"rain","title":"It rains","body":"The show moves to the hall."},`), 60)},
	"past":    {nil, {1}, bytes.Repeat([]byte{3, 200, 1, 7}, 400)},
}

// TestEveryKindIsRegisteredWhole: for whom, for how long, how large.
func TestEveryKindIsRegisteredWhole(t *testing.T) {
	for name, k := range registry {
		if name != k.name || strings.ContainsAny(name, ": {}") || k.audience == 0 || k.life <= 0 || k.most <= 0 || k.jitter < 1 || k.jitter > 50 {
			t.Errorf("%s: %+v", name, k)
		}
		if k.audience == everybody && (k.soft <= 0 || k.hard < k.soft || k.stale < k.hard || k.life+k.hard >= 5*time.Second) {
			t.Errorf("%s: what is lost would not be healed in 5 s: %+v", name, k)
		}
		// Two calls, a look and a keep, each time that a hot copy is looked for again.
		if k.audience == everybody && k.soft-k.soft*time.Duration(k.jitter)/100 < 2*time.Second {
			t.Errorf("%s would cost Redis more than a call a second", name)
		}
		if samples[name] == nil {
			t.Errorf("%s has no samples", name)
		}
	}
	for text, want := range map[string]bool{"fc:notices:all": true, "fc:past:x": true, "fc:other:x": false, "fc:notices": false, "{c}:n": false, "": false} {
		if k, ok := parseKey(text); ok != want || ok && k.String() != text {
			t.Errorf("%q is a key: %v", text, ok)
		}
	}
	if a, b := Past.Key("x", fold.User{1}), Past.Key("y", fold.User{1}); a.String() == b.String() {
		t.Error("two logs share a member's record")
	}
}

// TestKeysAreMadeInOnePlace: nothing beside keys.go makes a kind or a key.
func TestKeysAreMadeInOnePlace(t *testing.T) {
	files := token.NewFileSet()
	packages, err := parser.ParseDir(files, ".", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range packages["cache"].Files {
		if name == "keys.go" {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.CompositeLit); ok {
				if id, ok := lit.Type.(*ast.Ident); ok && (id.Name == "Kind" || id.Name == "Key" || id.Name == "Shared" || id.Name == "Private") {
					t.Errorf("%s makes a %s", files.Position(lit.Pos()), id.Name)
				}
			}
			return true
		})
	}
}

// TestPackingNeverGrows: of no kind, and for no value.
func TestPackingNeverGrows(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, k := range registry {
		all := samples[name]
		for n := range 200 {
			noise := make([]byte, n*37)
			for i := range noise {
				noise[i] = byte(random.Uint32())
			}
			all = append(all, noise)
		}
		for _, raw := range all {
			kept := k.wrap(42, true, raw)
			if len(kept) > versionWidth+1+len(raw) {
				t.Errorf("%s: %d bytes became %d", name, len(raw), len(kept)-versionWidth)
			}
			version, found, back, err := unwrap(kept)
			if err != nil || version != 42 || !found || !bytes.Equal(back, raw) {
				t.Fatalf("%s: %d bytes came back as %d: %v", name, len(raw), len(back), err)
			}
		}
	}
	large := samples["notices"][2]
	if kept := Notices.kind.wrap(1, true, large); len(kept) > len(large)/5 {
		t.Errorf("%d bytes of notices are kept as %d", len(large), len(kept))
	}
	if _, found, _, err := unwrap(Notices.kind.wrap(7, false, nil)); found || err != nil {
		t.Errorf("nothing came back as something: %v", err)
	}
}

func FuzzUnwrap(f *testing.F) {
	f.Add(Notices.kind.wrap(3, true, samples["notices"][2]))
	f.Add([]byte("0000000000000001z(\xb5/\xfd"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if version, _, _, err := unwrap(b); err == nil && (version < 0 || version > maxVersion) {
			t.Fatal(version)
		}
	})
}
