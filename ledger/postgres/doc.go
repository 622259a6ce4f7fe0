// Package postgres is the book in PostgreSQL, by pgx.
//
// One transaction writes a batch: the cursor first, by compare-and-set, which
// also fences off another writer; then the rows that exist, then the new ones
// by COPY, without ON CONFLICT: the fold has removed every duplicate, so a
// conflict is a fault that must be loud. Migrations are numbered files, run
// under an advisory lock.
package postgres
