package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firstcome/engine"
)

const (
	booksPatience = 1500 * time.Millisecond // flushes and bookings under way must not show as differences
	booksAgain    = 25 * time.Millisecond
)

// Totals tells a campaign's state in the fold. *engine.Engine fulfils it.
type Totals interface {
	Totals(campaign string) (engine.Totals, error)
}

// Audit holds log, gate and book against each other and against the promises.
type Audit struct {
	Fold     Totals
	Log      engine.Log
	Gate     engine.Gate
	Book     Book
	Register engine.Register
	Throttle *Throttle
}

// Books compares the three for one campaign. What differs is looked at again
// for a moment, since the gate is told every few milliseconds. ErrNotFound.
func (a *Audit) Books(ctx context.Context, campaign string) (engine.Books, error) {
	until := time.Now().Add(booksPatience)
	for {
		b, err := a.compare(ctx, campaign)
		if err != nil || len(b.Differences) == 0 || time.Now().After(until) {
			return b, err
		}
		pause(ctx, booksAgain)
		if ctx.Err() != nil {
			return b, nil
		}
	}
}

func (a *Audit) compare(ctx context.Context, campaign string) (engine.Books, error) {
	var b engine.Books
	var err error
	if b.Log, err = a.Fold.Totals(campaign); err != nil {
		return b, err
	}
	if t, err := a.Throttle.Status(ctx); err == nil {
		b.Backlog, b.Drain = t.BacklogRows, t.Drain
	}
	a.compareGate(ctx, campaign, &b)
	a.compareLedger(ctx, campaign, &b)
	return b, nil
}

func differ(b *engine.Books, format string, args ...any) {
	b.Differences = append(b.Differences, fmt.Sprintf(format, args...))
}

func (a *Audit) compareGate(ctx context.Context, campaign string, b *engine.Books) {
	gate, err := a.Gate.Read(ctx, campaign)
	if err != nil {
		differ(b, "the gate cannot be reached: %v", err)
		return
	}
	b.Gate, b.GateReached = gate, true
	used := b.Log.Granted + b.Log.Waiting
	switch {
	case !gate.Known && used > 0:
		differ(b, "the gate does not know the campaign, the log has %d granted and %d waiting", b.Log.Granted, b.Log.Waiting)
	case gate.Known && gate.Count-gate.Leased != used:
		differ(b, "the gate counts %d, %d of them leased; the log has %d granted and %d waiting", gate.Count, gate.Leased, b.Log.Granted, b.Log.Waiting)
	}
}

// compareLedger compares when the book has come as far as the campaign's last
// change; until then only its own count is checked.
func (a *Audit) compareLedger(ctx context.Context, campaign string, b *engine.Books) {
	totals, err := a.Register.Totals(ctx, campaign)
	var rule *RuleError
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return // not booked yet
	case errors.As(err, &rule):
		differ(b, "%s", rule.Detail)
	case err != nil:
		differ(b, "the ledger cannot be reached: %v", err)
		return
	}
	b.Ledger, b.LedgerKnown = totals, true
	if totals.Offset < b.Log.Offset {
		return
	}
	if totals.Granted != b.Log.Granted || totals.Waiting != b.Log.Waiting || totals.Seq != b.Log.Seq || totals.Digest != b.Log.Digest {
		differ(b, "the ledger has %d granted, %d waiting, last rank %d (digest %016x); the log has %d, %d, %d (%016x)",
			totals.Granted, totals.Waiting, totals.Seq, totals.Digest, b.Log.Granted, b.Log.Waiting, b.Log.Seq, b.Log.Digest)
	}
}
