package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// part is the writing of one partition: a fold, and the batch that grows.
// It belongs to the goroutine of run.
type part struct {
	writer  *Writer
	id      int32
	state   *fold.State
	in      chan []engine.LogRecord
	r       *reducer
	records int
}

// run folds what comes and flushes a batch when it is large enough or has
// waited long enough. An error ends all partitions' following: load anew.
func (p *part) run(ctx context.Context) error {
	timer := time.NewTimer(linger)
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case recs := <-p.in:
			if p.records == 0 {
				timer.Reset(linger)
			}
			for _, rec := range recs {
				if err := p.add(ctx, rec); err != nil {
					return p.end(ctx, err)
				}
			}
		case <-timer.C:
			if err := p.flush(ctx); err != nil {
				return p.end(ctx, err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// end sorts an error: a partition that must not go on stops alone. What came
// before a record that nobody may fold is booked first, so that the cursor
// stands at that record.
func (p *part) end(ctx context.Context, err error) error {
	var rule *RuleError
	switch {
	case errors.Is(err, errFold):
		if !errors.Is(err, fold.ErrOverCap) {
			if late := p.flush(ctx); late != nil {
				err = errors.Join(err, late)
			}
		}
		p.writer.stop(p.id, err)
	case errors.As(err, &rule):
		p.writer.stop(p.id, err)
	}
	return err
}

var errFold = errors.New("the fold stops")

func (p *part) add(ctx context.Context, rec engine.LogRecord) error {
	step, err := p.state.Apply(rec.Offset, rec.At, rec.Value)
	if err != nil {
		return fmt.Errorf("%w at %d: %w", errFold, rec.Offset, err)
	}
	p.r.add(p.state, step)
	p.records++
	if len(p.r.batch.Entries) >= p.writer.cfg.Throttle.turn() || p.records >= maxRecords {
		return p.flush(ctx)
	}
	return nil
}

// flush waits for its turn and writes the batch. What the book cannot take now
// is tried again for ever: the log keeps it meanwhile.
func (p *part) flush(ctx context.Context) error {
	if p.records == 0 {
		return nil
	}
	b := p.r.finish(p.state)
	if n := p.r.sealed; n > 0 {
		p.writer.cfg.Logger.Warn("personal data that does not open is left out", "room", "ledger", "partition", p.id, "rows", n)
	}
	end, err := p.writer.cfg.Throttle.begin(ctx, len(b.Entries))
	if err != nil {
		return err
	}
	defer end()
	start := time.Now()
	if err := p.append(ctx, b); err != nil {
		return err
	}
	p.writer.metrics.flushed(len(b.Entries), time.Since(start))
	p.records = 0
	p.r.begin(p.state.Next())
	return nil
}

// append writes the batch. After an error whose outcome is unknown the cursor
// tells whether it was written.
func (p *part) append(ctx context.Context, b *Batch) error {
	w := p.writer
	for wait, told := againFirst, false; ; wait = min(2*wait, againMost) {
		err := w.once(ctx, b)
		var rule *RuleError
		switch {
		case err == nil:
			if told {
				w.cfg.Logger.Info("the ledger is written again", "room", "ledger", "partition", p.id)
			}
			return nil
		case errors.Is(err, ErrBehind), errors.As(err, &rule), ctx.Err() != nil:
			return err
		}
		w.metrics.failures.Inc()
		if !told {
			told = true
			w.cfg.Logger.Warn("the ledger cannot be written; trying again, claims go on", "room", "ledger", "partition", p.id, "err", err)
		}
		pause(ctx, wait)
		next, err := w.cursors(ctx)
		if err == nil && next[p.id] == b.Next {
			return nil // it was written, the answer was lost
		}
	}
}

func (w *Writer) once(ctx context.Context, b *Batch) error {
	ctx, cancel := context.WithTimeout(ctx, appendLimit)
	defer cancel()
	return w.cfg.Book.Append(ctx, b)
}
