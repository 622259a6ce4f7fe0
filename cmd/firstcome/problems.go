package main

import (
	"fmt"
	"slices"
	"strings"
)

// source says who gave a value.
type source string

const (
	fromFlag    source = "flag"
	fromEnv     source = "environment"
	fromFile    source = "file"
	fromDefault source = "default"
)

// problem is one thing that is wrong in the configuration.
type problem struct {
	key   string
	value string // as given, secrets masked
	from  source
	wrong string // completes "the value ..."
	right string // what would be right
}

// String is one line of the report.
func (p problem) String() string {
	var b strings.Builder
	b.WriteString(p.key)
	if p.from != "" {
		fmt.Fprintf(&b, " = %q (%s)", p.value, p.from)
	}
	fmt.Fprintf(&b, ": %s", p.wrong)
	if p.right != "" {
		fmt.Fprintf(&b, "; right would be %s", p.right)
	}
	return b.String()
}

// problems is everything that is wrong, as one error.
type problems []problem

// Error is the report on one line.
func (p problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "; ")
}

// report lists everything, a line each.
func (p problems) report() string {
	var b strings.Builder
	switch len(p) {
	case 1:
		b.WriteString("firstcome: one thing is wrong in the configuration:\n")
	default:
		fmt.Fprintf(&b, "firstcome: %d things are wrong in the configuration:\n", len(p))
	}
	for i := range p {
		fmt.Fprintf(&b, "  %s\n", p[i])
	}
	b.WriteString("firstcome serve --help explains every key; firstcome config check shows what is in force.\n")
	return b.String()
}

// orNil is the problems as an error, nil when there are none.
func (p problems) orNil() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// about keeps the problems of the named keys, and those of no key that exists.
func (p problems) about(names []string) problems {
	return slices.DeleteFunc(slices.Clone(p), func(p problem) bool {
		_, known := findKey(p.key)
		return known && !slices.Contains(names, p.key)
	})
}

// didYouMean suggests the word that is nearest, if one is near.
func didYouMean(word string, words []string) string {
	best, distance := "", len(word)/3+2
	for _, w := range words {
		if d := editDistance(word, w); d < distance {
			best, distance = w, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// editDistance is how many letters must be put in, left out or changed.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diagonal, row[j] = row[j], min(row[j]+1, row[j-1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
