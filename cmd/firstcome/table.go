package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// object is an answer's JSON object, as it came: the table shows what the
// server said and nothing else.
type object map[string]any

// decode reads a JSON object; numbers stay as they were written.
func decode(text []byte) (object, error) {
	var o object
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("the answer is not a JSON object: %w", err)
	}
	return o, nil
}

// text is a field for a table; "-" when it is absent.
func (o object) text(name string) string {
	switch v := o[name].(type) {
	case nil:
		return "-"
	case string:
		return printable(v)
	case json.Number, bool:
		return fmt.Sprint(v)
	default:
		b, err := json.Marshal(v)
		if err != nil {
			return "?"
		}
		return string(b)
	}
}

// printable keeps a name from moving the terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// items are the objects of a list envelope.
func (o object) items() []object {
	list, _ := o["items"].([]any)
	out := make([]object, 0, len(list))
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// show prints an answer: as it came, or the named fields as a table with a line
// for each object.
func (r *remote) show(text []byte, fields ...string) error {
	if r.output == "json" {
		return printJSON(r.h.out, text)
	}
	o, err := decode(text)
	if err != nil {
		return err
	}
	if _, isList := o["items"]; isList {
		return printTable(r.h.out, o.items(), fields)
	}
	return printFields(r.h.out, o, fields)
}

func printJSON(out io.Writer, text []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return fmt.Errorf("the answer is not JSON: %w", err)
	}
	b.WriteByte('\n')
	_, err := b.WriteTo(out)
	return err
}

func printTable(out io.Writer, rows []object, fields []string) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, strings.ToUpper(strings.Join(fields, "\t")))
	for _, row := range rows {
		cells := make([]string, len(fields))
		for i, f := range fields {
			cells[i] = row.text(f)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// printFields prints one object, a field a line, without those that are absent.
func printFields(out io.Writer, o object, fields []string) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, f := range fields {
		if o[f] != nil {
			fmt.Fprintf(w, "%s\t%s\n", f, o.text(f))
		}
	}
	return w.Flush()
}

func printValue(out io.Writer, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	return printJSON(out, text)
}
