package fold_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"firstcome/engine/fold"
)

var update = flag.Bool("update", false, "write the golden files anew: only when a new version of records or rules is made")

// samples are one or more records of each kind, with every field used.
func samples() []fold.Record {
	id := [16]byte{0xf0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	full := &fold.Definition{
		Title: "첫 정오", Description: "Noon at the club", Kind: "event", Counting: "direct", Cap: 300, Soft: true,
		Points: 5, WaitlistCap: 1000, Reclaim: fold.ReclaimRefused, EndPromotion: true, OpensAt: 1_790_000_000_000,
		ClosesAt: 1_790_000_360_000, CancellableUntil: 1_790_000_100_000, Form: []byte(`[{"id":"name"}]`),
		Eligibility: []byte(`[{"claim":"club"}]`), Key: []byte{1, 2, 3, 255},
	}
	records := []fold.Record{
		{Kind: fold.KindGenesis, Cluster: id, Partitions: 16},
		{Kind: fold.KindCampaign, Campaign: "noon-2026", Actor: "anna", Reason: "the season", Definition: full},
		{Kind: fold.KindCampaign, Campaign: "0", Definition: &fold.Definition{Cap: fold.NoCap}},
		{Kind: fold.KindEdit, Campaign: "noon-2026", Xv: 1, Actor: "anna", Reason: "typo", Definition: full},
	}
	for kind := fold.KindPublish; kind <= fold.KindArchive; kind++ {
		records = append(records, fold.Record{Kind: kind, Campaign: "noon-2026", Xv: int64(kind) * 100, Actor: "scheduler", Reason: "it is time"})
	}
	records = append(records,
		fold.Record{Kind: fold.KindCap, Campaign: "noon-2026", Xv: 9, Actor: "anna", Reason: "more chairs", Cap: 320},
		fold.Record{Kind: fold.KindCap, Campaign: "noon-2026", Xv: 10, Actor: "anna", Cap: fold.NoCap},
		fold.Record{Kind: fold.KindClaim, Campaign: "noon-2026", User: id, Seen: 77, Wait: true, Sealed: []byte("sealed")},
		fold.Record{Kind: fold.KindClaim, Campaign: "noon-2026", User: id},
		fold.Record{Kind: fold.KindCancel, Campaign: "noon-2026", User: id, Claim: 78, Actor: "anna", Reason: "asked by phone"},
		fold.Record{Kind: fold.KindAnswers, Campaign: "noon-2026", User: id, Claim: 78, Sealed: []byte("sealed")},
		fold.Record{Kind: fold.KindErase, Campaign: "noon-2026", User: id, Actor: "anna", Reason: "law"},
		fold.Record{Kind: fold.KindBeacon, Mark: 5000, Digest: 0xfedcba9876543210},
		fold.Record{Kind: fold.KindNoop},
		fold.Record{Kind: fold.KindActivate, Activate: 1, Actor: "anna", Reason: "all nodes are new"})
	for i := range records {
		records[i].Node, records[i].Nr = 0xa1b2c3d4e5f60718, uint64(i)*1000
	}
	return records
}

// The bytes of version 1 are in logs for ever.
func TestGoldenRecords(t *testing.T) {
	var b strings.Builder
	for _, r := range samples() {
		fmt.Fprintf(&b, "%v %x\n", r.Kind, encode(t, r))
	}
	golden(t, "testdata/records.golden", b.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("%s:%d\n got %s\nwant %s", file, i+1, g[i], w[i])
		}
	}
	t.Fatalf("%s: got %d lines, want %d", file, len(g), len(w))
}

func TestDecodeReversesEncode(t *testing.T) {
	for _, r := range samples() {
		got, err := fold.Decode(encode(t, r))
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, r)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		r := anyRecord(t)
		b, err := fold.Encode(&r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := fold.Decode(b)
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Fatalf("got %+v, %v\nwant %+v", got, err, r)
		}
	})
}

// anyRecord draws a record with random values in the fields of its kind: a
// sample's fields that are set are the fields that the kind has.
func anyRecord(t *rapid.T) fold.Record {
	r := rapid.SampledFrom(samples()).Draw(t, "kind")
	number := func(name string) int64 { return rapid.Int64Range(0, 1<<62).Draw(t, name) }
	text := func(name string, max int) string {
		return strings.ReplaceAll(rapid.StringN(-1, -1, max).Draw(t, name), "\x00", "")
	}
	blob := func(name string) []byte {
		if b := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, name); len(b) > 0 {
			return b
		}
		return nil
	}
	r.Node, r.Nr = rapid.Uint64().Draw(t, "node"), rapid.Uint64().Draw(t, "nr")
	if r.Campaign != "" {
		r.Campaign = rapid.StringMatching(`[a-z0-9][a-z0-9-]{0,62}`).Draw(t, "campaign")
	}
	if r.Actor != "" {
		r.Actor, r.Reason = text("actor", fold.MaxActor), text("reason", fold.MaxReason)
	}
	if r.Xv != 0 {
		r.Xv = number("xv")
	}
	if r.Kind == fold.KindClaim {
		r.Seen, r.Wait, r.Sealed = number("seen"), rapid.Bool().Draw(t, "wait"), blob("sealed")
	}
	if r.Definition != nil {
		d := *r.Definition
		d.Title, d.Form, d.Key = text("title", 200), blob("form"), blob("key")
		d.Cap = rapid.Int64Range(fold.NoCap, fold.MaxCount).Draw(t, "cap")
		d.Soft, d.Points = rapid.Bool().Draw(t, "soft"), rapid.Int64Range(0, fold.MaxCount).Draw(t, "points")
		r.Definition = &d
	}
	return r
}

// Every change of one byte of a record is refused or means something else: no
// two sequences of bytes are the same record.
func TestEveryRecordHasOneEncoding(t *testing.T) {
	for _, r := range samples() {
		b := encode(t, r)
		for i := range b {
			for v := range 256 {
				changed := bytes.Clone(b)
				changed[i] = byte(v)
				checkCanonical(t, changed)
			}
			checkCanonical(t, b[:i])
		}
		checkCanonical(t, append(bytes.Clone(b), 0))
	}
}

// checkCanonical: what Decode accepts, Encode writes again; what it does not is
// malformed or unknown.
func checkCanonical(t *testing.T, b []byte) {
	t.Helper()
	r, err := fold.Decode(b)
	if err != nil {
		if !errors.Is(err, fold.ErrMalformed) && !errors.Is(err, fold.ErrUnknown) {
			t.Fatalf("%x: an error of no kind: %v", b, err)
		}
		return
	}
	again, err := fold.Encode(&r)
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("%x decodes to %+v and encodes to %x, %v", b, r, again, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, r := range samples() {
		f.Add(encode(f, r))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkCanonical(t, b) })
}

func TestDecodeRefuses(t *testing.T) {
	noop := encode(t, fold.Record{Kind: fold.KindNoop})
	open := encode(t, fold.Record{Kind: fold.KindOpen, Campaign: "a"})
	for name, b := range map[string][]byte{
		"nothing":            {},
		"version 0":          {0, 16},
		"no kind":            {1},
		"cut off":            noop[:len(noop)-1],
		"a byte behind":      append(bytes.Clone(noop), 0),
		"a number too long":  append(bytes.Clone(noop[:10]), 0x80, 0x00),
		"a number too large": append(bytes.Clone(noop[:10]), bytes.Repeat([]byte{0xff}, 10)...),
		"no slug":            bytes.Replace(open, []byte("\x01a"), []byte("\x01A"), 1),
		"no UTF-8":           append(bytes.Clone(open[:len(open)-2]), 1, 0xff, 0),
		"NUL in a text":      append(bytes.Clone(open[:len(open)-2]), 1, 0, 0),
	} {
		if r, err := fold.Decode(b); !errors.Is(err, fold.ErrMalformed) {
			t.Errorf("%s: got %+v, %v", name, r, err)
		}
	}
}

func TestEncodeNamesWhatIsOutsideItsLimits(t *testing.T) {
	define := func(d fold.Definition) fold.Record {
		return fold.Record{Kind: fold.KindCampaign, Campaign: "a", Definition: &d}
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	for want, r := range map[string]fold.Record{
		"campaign's id is not a slug":   {Kind: fold.KindOpen, Campaign: long(64)},
		"campaign's id is not a slug ":  {Kind: fold.KindOpen, Campaign: "-a"},
		"campaign's id is not a slug  ": {Kind: fold.KindOpen},
		"actor is longer than 256":      {Kind: fold.KindOpen, Campaign: "a", Actor: long(257)},
		"reason is longer than 2000":    {Kind: fold.KindOpen, Campaign: "a", Reason: long(2001)},
		"reason is not valid text":      {Kind: fold.KindOpen, Campaign: "a", Reason: "\xff"},
		"actor is not valid text":       {Kind: fold.KindOpen, Campaign: "a", Actor: "a\x00b"},
		"sealed is longer than 8192":    {Kind: fold.KindClaim, Campaign: "a", Sealed: make([]byte, 8193)},
		"seen is out of range":          {Kind: fold.KindClaim, Campaign: "a", Seen: -1},
		"claim is out of range":         {Kind: fold.KindCancel, Campaign: "a", Claim: -1},
		"cap is out of range":           {Kind: fold.KindCap, Campaign: "a", Cap: -2},
		"partitions is out of range":    {Kind: fold.KindGenesis},
		"definition is missing":         {Kind: fold.KindEdit, Campaign: "a"},
		"definition is longer than":     define(fold.Definition{Title: long(9000), Description: long(9000)}),
		"title is not valid text":       define(fold.Definition{Title: "\x00"}),
		"cap is out of range ":          define(fold.Definition{Cap: fold.MaxCount + 1}),
		"waitlist cap is out of range":  define(fold.Definition{WaitlistCap: -1}),
		"reclaim is out of range":       define(fold.Definition{Reclaim: 2}),
		"time of opening is out of":     define(fold.Definition{OpensAt: -1}),
		"kind 18":                       {Kind: 18},
		"kind 0":                        {},
	} {
		if b, err := fold.Encode(&r); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("%s: got %x, %v", want, b, err)
		}
	}
}

func TestDefinitionHasOneEncoding(t *testing.T) {
	d := samples()[1].Definition
	b, err := fold.EncodeDefinition(d)
	if err != nil {
		t.Fatal(err)
	}
	got, err := fold.DecodeDefinition(b)
	if err != nil || !reflect.DeepEqual(got, d) {
		t.Fatalf("got %+v, %v", got, err)
	}
	clear(b)
	if !reflect.DeepEqual(got, d) {
		t.Fatal("a definition outlives the bytes it was read from")
	}
	if _, err := fold.DecodeDefinition(append(b, 0)); !errors.Is(err, fold.ErrMalformed) {
		t.Fatalf("got %v", err)
	}
}
