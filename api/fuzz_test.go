package api

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"

	"firstcome/engine"
)

// Whatever a body is, reading it ends, and what is taken is what encoding/json
// reads too.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{}`, `{"answers":{"a":"b","c":[1,2]},"if_full":"waitlist"}`, `[`, `{"a":{"b":[{}]}}`, ` { "x" : -1.5e3 , "y":null } `, `"\u0000"`,
		`{"form":[{"id":"a","choices":["x"],"min":1}],"cap":3,"opens_at":"2026-03-02T03:00:00Z"}`, `{"a":"\"]}"}`, "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if err := checkJSON(doc); err != nil {
			return
		}
		var want any
		if err := json.Unmarshal(doc, &want); err != nil {
			t.Fatalf("taken, and not JSON: %v", err)
		}
		if object, ok := want.(map[string]any); ok {
			got := map[string]any{}
			for _, m := range members(trim(doc)) {
				var v any
				if err := json.Unmarshal(m.Value, &v); err != nil {
					t.Fatalf("member %q is cut wrong: %q", m.Name, m.Value)
				}
				got[m.Name] = v
			}
			if !reflect.DeepEqual(got, object) {
				t.Fatalf("split into %v, want %v", got, object)
			}
		}
		for _, read := range []func(*fields){
			func(f *fields) { readDefinition(f, new(engine.Campaign)) },
			func(f *fields) { _, _ = readAnswers(f); readReason(f, true) },
		} {
			fields := readFields(doc)
			read(fields)
			var invalid *engine.InvalidError
			if err := fields.done(); err != nil && (!errors.As(err, &invalid) || len(invalid.Fields) == 0) {
				t.Fatalf("refused with %v", err)
			}
		}
	})
}

// What an admin writes is printed and read back as it was.
func FuzzDefinition(f *testing.F) {
	f.Add(`{"title":"Noon","cap":3,"form":[{"id":"a","label":"b","type":"choice","choices":["x"],"min":1,"max":2.5,"max_length":9}],"eligibility":[{"claim":"c","in":["d"]}],"end_promotion":true,"points":5}`)
	f.Fuzz(func(t *testing.T, doc string) {
		if checkJSON([]byte(doc)) != nil {
			return
		}
		var first, second engine.Campaign
		r := readFields([]byte(doc))
		if readDefinition(r, &first); r.done() != nil {
			return
		}
		printed := appendLive(appendDefinition(nil, &first), &first)
		if err := checkJSON(printed); err != nil {
			t.Fatalf("printed %s: %v", printed, err)
		}
		var only map[string]json.RawMessage
		if err := json.Unmarshal(printed, &only); err != nil {
			t.Fatal(err)
		}
		for _, live := range []string{"id", "status", "sold_out", "granted", "waiting", "remaining", "version", "position", "poll_after_ms"} {
			delete(only, live)
		}
		again, err := json.Marshal(only)
		if err != nil {
			t.Fatal(err)
		}
		r = readFields(again)
		readDefinition(r, &second)
		if err := r.done(); err != nil {
			t.Fatalf("%s is not read back: %v", again, err)
		}
		first.CapMode, second.CapMode = "", "" // not shown without a cap
		if !reflect.DeepEqual(normal(first), normal(second)) {
			t.Fatalf("%+v came back as %+v", first, second)
		}
	})
}

// normal makes absent and empty the same.
func normal(c engine.Campaign) engine.Campaign {
	for i := range c.Form {
		if q := &c.Form[i]; len(q.Choices) == 0 {
			q.Choices = nil
		}
		if c.Form[i].MaxLength < 0 {
			c.Form[i].MaxLength = 0
		}
	}
	for i := range c.Eligibility {
		if len(c.Eligibility[i].In) == 0 {
			c.Eligibility[i].In = nil
		}
	}
	if len(c.Form) == 0 {
		c.Form = nil
	}
	if len(c.Eligibility) == 0 {
		c.Eligibility = nil
	}
	return c
}

func FuzzCursor(f *testing.F) {
	f.Add(cursor(campaignList, "1.noon"))
	f.Add("e30")
	f.Add("")
	f.Fuzz(func(t *testing.T, opaque string) {
		at, ok := openCursor(campaignList, opaque)
		if !ok {
			return
		}
		if cursor(campaignList, at) != opaque {
			t.Fatalf("%q and %q are the same place", opaque, cursor(campaignList, at))
		}
		if w, err := parseWhen(at); err == nil && !isSlug(w.campaign) {
			t.Fatalf("%q names %q", at, w.campaign)
		}
		_, _ = page{after: at}.number(0)
	})
}

func FuzzText(f *testing.F) {
	f.Add("a\"b\\c\n\u2028<\x00\xff")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil || (utf8.ValidString(s) && got != s) {
			t.Fatalf("%q became %q: %v", s, got, err)
		}
	})
}
