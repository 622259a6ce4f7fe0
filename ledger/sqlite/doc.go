// Package sqlite is the book in one SQLite file: the embedded default.
//
// The tables are those of package postgres. One connection writes, a few read.
// The file is in WAL mode with synchronous=NORMAL: after a power failure the
// newest transactions may be gone, each as a whole, and the writer follows the
// log again from the cursor that is left. The log, not the book, is what must
// not lose anything.
package sqlite
