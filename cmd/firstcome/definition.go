package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// definitionMost bounds a definition's file, in bytes; the doors take 64 KiB.
const definitionMost = 64 << 10

// definition reads a campaign's definition from flags, over one from a file.
type definition struct {
	file  string
	rules []string
	form  string
}

// plain flags are sent as they are, numbers as numbers.
var (
	plainTexts = []struct{ name, usage string }{
		{"title", "its title, at most 200 characters"},
		{"description", "its description, at most 10,000 characters"},
		{"kind", "event, reward or reaction (default event)"},
		{"cap-mode", "hard or soft (default hard)"},
		{"counting", "direct or batched (default direct for events, batched for the rest)"},
		{"reclaim", "allowed or refused: whether who cancelled may come back (default allowed)"},
	}
	plainNumbers = []struct{ name, usage string }{
		{"points", "points for each grant"},
		{"waitlist-cap", "places in the waiting list (default 0: none)"},
	}
	plainTimes = []struct{ name, usage string }{
		{"opens-at", "when it opens, as 2027-03-01T12:00:00+09:00 or +10m"},
		{"closes-at", "when it closes"},
		{"cancellable-until", "until when members may cancel"},
	}
)

func definitionFlags(cmd *cobra.Command) *definition {
	d := &definition{}
	flags := cmd.Flags()
	for _, f := range plainTexts {
		flags.String(f.name, "", f.usage)
	}
	for _, f := range plainNumbers {
		flags.Int64(f.name, 0, f.usage)
	}
	for _, f := range plainTimes {
		flags.String(f.name, "", f.usage+"; none takes it away")
	}
	flags.Bool("end-promotion", false, "closing ends the waiting list too: nobody moves up any more")
	flags.String("cap", "", "how many may have it; none for no cap")
	flags.StringArrayVar(&d.rules, "eligible", nil, "who may claim, as campus=seoul,busan: the token's claim must be one of these; all rules must hold")
	flags.StringVar(&d.form, "form", "", "a JSON file with the list of questions")
	flags.StringVar(&d.file, "file", "", "a JSON file with a whole definition, as the admin API takes it; - is standard input; flags win over it")
	return d
}

// read returns the body for the admin API: only what was named.
func (d *definition) read(cmd *cobra.Command, in io.Reader) (object, error) {
	body := object{}
	if d.file != "" {
		if err := readJSON(d.file, in, &body); err != nil {
			return nil, err
		}
	}
	if d.form != "" {
		var form []any
		if err := readJSON(d.form, in, &form); err != nil {
			return nil, err
		}
		body["form"] = form
	}
	if len(d.rules) > 0 {
		rules, err := readRules(d.rules)
		if err != nil {
			return nil, err
		}
		body["eligibility"] = rules
	}
	var failure error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err := readPlain(body, f); err != nil && failure == nil {
			failure = err
		}
	})
	return body, failure
}

// readPlain takes one flag that was given, if it is part of a definition.
func readPlain(body object, f *pflag.Flag) error {
	name, text := strings.ReplaceAll(f.Name, "-", "_"), f.Value.String()
	if f.Name == "cap" {
		limit, err := readCap(text)
		body["cap"] = limit
		return err
	}
	if f.Name == "end-promotion" {
		body[name] = text == "true"
	}
	for _, p := range plainTexts {
		if p.name == f.Name {
			body[name] = text
		}
	}
	for _, p := range plainNumbers {
		if p.name == f.Name {
			body[name] = json.Number(text)
		}
	}
	for _, p := range plainTimes {
		if p.name == f.Name {
			at, err := readTime(text)
			if err != nil {
				return usage("--%s = %q: %w", f.Name, text, err)
			}
			body[name] = at
		}
	}
	return nil
}

// readTime reads an instant: RFC 3339, a distance from now as +10m, or none.
func readTime(s string) (any, error) {
	if s == "none" {
		return nil, nil
	}
	if after, ok := strings.CutPrefix(s, "+"); ok {
		d, err := time.ParseDuration(after)
		if err != nil {
			return nil, fmt.Errorf("is not a distance from now; right would be +10m")
		}
		return time.Now().Add(d).UTC().Format("2006-01-02T15:04:05.000Z07:00"), nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return nil, fmt.Errorf("is not a time with its zone; right would be 2027-03-01T12:00:00+09:00 or +10m")
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z07:00"), nil
}

// readRules reads rules as claim=value,value.
func readRules(texts []string) ([]object, error) {
	rules := make([]object, len(texts))
	for i, text := range texts {
		claim, values, ok := strings.Cut(text, "=")
		if !ok || claim == "" || values == "" {
			return nil, usage("--eligible = %q: is not claim=value,value; right would be campus=seoul", text)
		}
		rules[i] = object{"claim": claim, "in": strings.Split(values, ",")}
	}
	return rules, nil
}

// readJSON reads a JSON file; - is standard input.
func readJSON(path string, in io.Reader, into any) error {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return usage("%w", err)
		}
		defer f.Close()
		in = f
	}
	d := json.NewDecoder(io.LimitReader(in, definitionMost))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return usage("%s cannot be read as JSON: %w", path, err)
	}
	return nil
}
