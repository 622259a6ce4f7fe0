package history

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWhatIsSavedIsLoaded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := honestRun(drawn(t), rapid.IntRange(0, 200).Draw(t, "steps"))
		var b bytes.Buffer
		if err := Write(&b, e); err != nil {
			t.Fatal(err)
		}
		loaded, err := Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		if !e.Start.Equal(loaded.Start) {
			t.Fatalf("start %v, not %v", loaded.Start, e.Start)
		}
		loaded.Start = e.Start
		if loaded.Ops == nil {
			loaded.Ops = []Op{}
		}
		for what, pair := range map[string][2]any{"operations": {append([]Op{}, e.Ops...), loaded.Ops}, "log": {e.Log, loaded.Log}, "users": {e.Users, loaded.Users},
			"folds": {e.Folds, loaded.Folds}, "book": {e.Book, loaded.Book}, "gate": {e.Gate, loaded.Gate}, "frames": {e.Frames, loaded.Frames},
			"away": {e.Away, loaded.Away}, "flags": {[]any{e.Healed, e.Topic, e.Stale, e.ClockError}, []any{loaded.Healed, loaded.Topic, loaded.Stale, loaded.ClockError}}} {
			if !reflect.DeepEqual(pair[0], pair[1]) {
				t.Fatalf("%s: %+v, not %+v", what, pair[1], pair[0])
			}
		}
		if found := Judge(loaded); len(found) > 0 { // which holds the ledger's snapshot against the log
			t.Fatal(found)
		}
	})
}

func TestADamagedFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.jsonl.gz")
	s := newScene("closed")
	if err := Save(path, s.e); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	undamaged, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += 7 {
		for what, b := range map[string][]byte{"cut": whole[:at], "flipped": flipped(whole, at)} {
			e, err := Read(bytes.NewReader(b))
			if err == nil && what == "flipped" && reflect.DeepEqual(e, undamaged) {
				continue // the time in gzip's head, or another way to write the same
			}
			if !errors.Is(err, ErrDamaged) || e != nil {
				t.Fatalf("%s at %d: %v", what, at, err)
			}
		}
	}
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 0x10
	return b
}

func TestADamageIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "line 1: the file is cut off here",
		`{"op":{"campaign":"a","call":1}}`:    "begins with its head",
		`{"evidence":{"Version":9}}`:          "of version 9",
		`{"evidence":{"Version":1}}`:          "line 2: the file is cut off here",
		`{"evidence":{"Version":1}}{"end":7}`: "after 1 lines, and should after 7",
		`{"evidence":{"Version":1}}{"record":{"Partition":3}}`:    "partition 3",
		`{"evidence":{"Version":1}}{"surprise":1}`:                "surprise",
		`{"evidence":{"Version":1}}{}`:                            "says nothing",
		`{"evidence":{"Version":1}}{"user":{"User":"AA=="}}`:      "1 bytes",
		`{"evidence":{"Version":1}}{"members":[{}]}`:              "no ledger",
		`{"evidence":{"Version":1}}{"ledger":{}}{"members":[{}]}`: "no campaign",
		`{"evidence":{"Version":1}}{"end":1}{"end":2}`:            "there is more",
		`{"evidence":{"Version":1,"Partitions":-1}}`:              "-1 partitions",
		`{"evidence":{"Version":1}}{"evidence":{"Version":1}}`:    "has one",
		`{"evidence":{"Version":1}}{"op":`:                        "line 2",
	} {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write([]byte(text))
		w.Close()
		if _, err := Read(&b); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := Read(strings.NewReader("not gzip")); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
