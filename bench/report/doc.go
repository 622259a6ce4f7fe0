// Package report writes down what a benchmark measured, as a table to read
// (Markdown), a picture (SVG) and data (JSON), with the machine, the commit and
// the command that repeat it. A run whose audit found anything gets a report of
// what is wrong and no figures: a fast wrong number is not a result.
package report
