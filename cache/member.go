package cache

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"firstcome/engine"
	"firstcome/engine/fold"
)

const (
	// grantsMost bounds a member's record: the newest places. It is what the engine
	// shows of a history, too.
	grantsMost = 1000
	// pastMemory is the bytes of records in this process; beyond it those used least go.
	pastMemory = 16 << 20
	// pastWait bounds one look for a member's past, Redis and the ledger together.
	pastWait = time.Second
)

// PastBook is what the ledger knows of archived campaigns. Both books fulfil it.
type PastBook interface {
	engine.Register
	engine.Booked
	// Archived returns the campaigns of a partition that were archived behind an
	// offset, in that order, as far as the ledger has come. What it told once
	// never changes.
	Archived(ctx context.Context, partition int32, after int64) ([]engine.ArchivedCampaign, error)
}

// Archivings tells what a node's folds know. *engine.Engine fulfils it.
type Archivings interface {
	// Archived names the log and tells, per partition, how many of its campaigns
	// are archived. It only grows.
	Archived() (log string, counts []int64)
}

// HistoryConfig of a history. All but Store are required.
type HistoryConfig struct {
	Book    PastBook
	Store   Store      // nil: records are in memory alone
	Folds   Archivings // may be set after New, before the first read
	Members *Bulkhead  // before what members read of the ledger
	Admins  *Bulkhead  // before what admins read of it
	Metrics *Metrics
	Logger  *slog.Logger
}

// History is the engine's Register with copies before it. A member's places in archived
// campaigns are a compact record in memory and in Redis, and only what was archived since
// is read from the ledger, and appended. A record is believed if it reaches as far as the
// folds of this node, so it is never older than what its member was shown. Everything
// else goes to the ledger: members and admins each through a bulkhead of their own.
type History struct {
	cfg     HistoryConfig
	memory  *otter.Cache[fold.User, *record]
	flights singleflight.Group

	mu      sync.RWMutex // guards the fields below; held for a few steps, never during a read
	log     string       // the log whose archive it is
	archive archive      // its slices are replaced, never changed
	stands  numbers
}

var _ engine.Register = (*History)(nil)

// NewHistory joins the copies to the book. It starts nothing.
func NewHistory(cfg HistoryConfig) (*History, error) {
	memory, err := otter.New(&otter.Options[fold.User, *record]{
		MaximumWeight: pastMemory,
		Weigher:       func(_ fold.User, r *record) uint32 { return uint32(len(r.raw) + 160*len(r.rows) + heldOverhead) },
	})
	if err != nil {
		return nil, fmt.Errorf("keep histories in memory: %w", err)
	}
	return &History{cfg: cfg, memory: memory, stands: numbers{}}, nil
}

// Join says whose archive it is. Call it before the first read.
func (h *History) Join(folds Archivings) { h.cfg.Folds = folds }

// History returns the member's place in each archived campaign, newest first, without
// subject and answers. engine.ErrOverloaded.
func (h *History) History(ctx context.Context, user fold.User, limit int) ([]engine.PlaceRow, error) {
	log, need := h.cfg.Folds.Archived()
	if !anyOf(need) {
		return nil, nil
	}
	log = shortName(log)
	if r, ok := h.memory.GetIfPresent(user); ok && h.isOf(log) && r.covers(need) {
		h.read(fromMemory)
		return first(r.rows, limit), nil
	}
	// Everybody who needs more than a flight under way brings waits for another.
	for {
		mine := false
		answer := h.flights.DoChan(log+string(user[:]), func() (any, error) { mine = true; return h.find(ctx, log, user, need) })
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case a := <-answer:
			if !mine {
				h.cfg.Metrics.joined.WithLabelValues(Past.kind.name).Inc()
			}
			if a.Err != nil {
				return nil, a.Err
			}
			if r := a.Val.(*record); mine || r.covers(need) {
				return first(r.rows, limit), nil
			}
		}
	}
}

// find is one flight: the record in Redis, and the ledger for what that lacks.
func (h *History) find(ctx context.Context, log string, user fold.User, need []int64) (*record, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pastWait)
	defer cancel()
	known, err := h.know(ctx, log, need)
	if err != nil {
		return nil, err
	}
	key := Past.Key(log, user)
	r, known := h.kept(ctx, log, key, known)
	if r != nil && r.covers(need) {
		h.read(fromRedis)
		h.memory.Set(user, r)
		return r, nil
	}
	rows, err := h.booked(ctx, user, known)
	if err != nil {
		return nil, err
	}
	h.read(fromSource)
	more := h.grow(r, rows, known)
	h.memory.Set(user, more)
	h.keep(ctx, key, r, more)
	return more, nil
}

// kept is the record in Redis; nil when it cannot be read, empty when there is none. It
// may speak of campaigns that another node knew first: then this one learns of them.
func (h *History) kept(ctx context.Context, log string, key Key, known archive) (*record, archive) {
	if h.cfg.Store == nil {
		return nil, known
	}
	raw, err := h.cfg.Store.Get(ctx, key)
	if err != nil {
		return nil, known // Redis' own metrics tell
	}
	r, err := readRecord(raw, known)
	var beyond *beyondError
	for range known { // once for each partition, at most
		if !errors.As(err, &beyond) {
			break
		}
		need := make([]int64, len(known))
		need[beyond.partition] = beyond.count
		larger, lost := h.know(ctx, log, need)
		if lost != nil {
			break
		}
		known = larger
		r, err = readRecord(raw, known)
	}
	if err != nil {
		h.cfg.Logger.ErrorContext(ctx, "a member's record in redis cannot be read: the ledger answers", "room", "cache", "err", err)
		return nil, known
	}
	return r, known
}

// keep appends to the record in Redis what it lacks. When somebody else did, or Redis is
// away, or the record would be too large, the next reader asks the ledger again.
func (h *History) keep(ctx context.Context, key Key, old, more *record) {
	if h.cfg.Store == nil || old == nil || len(more.raw) > Past.kind.most {
		return
	}
	tail := more.raw[len(old.raw):]
	if done, err := h.cfg.Store.Append(ctx, key, len(old.raw), tail, Past.kind.vary(Past.kind.life)); err == nil && done {
		h.cfg.Metrics.appended.Add(float64(len(tail)))
	}
}

// grow adds to a record (nil: begins one) the rows of campaigns that it does not cover.
func (h *History) grow(old *record, rows []engine.PlaceRow, known archive) *record {
	reach := make([]int64, len(known))
	for p := range known {
		reach[p] = int64(len(known[p]))
	}
	if old == nil {
		old = &record{}
	}
	raw := append(make([]byte, 0, len(old.raw)+16), old.raw...)
	if len(raw) == 0 {
		raw = append(raw, recordFormat)
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	more := &record{rows: old.rows[:len(old.rows):len(old.rows)], reach: reach}
	for i := range rows {
		r := rows[i]
		at, ok := h.stands[r.Campaign]
		if !ok || int64(at.number) >= reach[at.partition] || at.partition < len(old.reach) && int64(at.number) < old.reach[at.partition] {
			continue // not archived, or known
		}
		raw = appendGrant(raw, &r, at, &known[at.partition][at.number])
		r.User, r.Member, r.Answers = fold.User{}, "", nil
		more.rows = append(more.rows, r)
	}
	more.raw = appendReach(raw, reach, old.reach)
	sortNewest(more.rows)
	return more
}

// booked reads the member's rows of the ledger, through the bulkhead. Afterwards it looks
// whether the ledger still is as far as it was: it may have been set aside meanwhile, and
// a book that is written anew lacks rows that a record must not lack for long.
func (h *History) booked(ctx context.Context, user fold.User, known archive) (rows []engine.PlaceRow, err error) {
	err = h.cfg.Members.Do(ctx, func(ctx context.Context) error {
		if rows, err = h.cfg.Book.History(ctx, user, grantsMost); err != nil {
			return err
		}
		next, _, err := h.cfg.Book.Cursors(ctx, int32(len(known)))
		if err != nil {
			return err
		}
		for p, all := range known {
			if n := len(all); n > 0 && next[p] <= all[n-1].Offset {
				return fmt.Errorf("%w: the ledger is being written anew", engine.ErrUnavailable)
			}
		}
		return nil
	})
	return rows, err
}

// Place, Places, Deeds and Totals are the ledger's own, behind the bulkheads.
func (h *History) Place(ctx context.Context, campaign string, claim int64) (row engine.PlaceRow, err error) {
	err = h.cfg.Members.Do(ctx, func(ctx context.Context) error {
		row, err = h.cfg.Book.Place(ctx, campaign, claim)
		return err
	})
	return row, err
}

// Places returns a page of a campaign's list.
func (h *History) Places(ctx context.Context, q engine.PlaceQuery) (rows []engine.PlaceRow, err error) {
	err = h.cfg.Admins.Do(ctx, func(ctx context.Context) error {
		rows, err = h.cfg.Book.Places(ctx, q)
		return err
	})
	return rows, err
}

// Deeds returns a campaign's audit trail.
func (h *History) Deeds(ctx context.Context, campaign string, after int64, limit int) (rows []engine.AuditRow, err error) {
	err = h.cfg.Admins.Do(ctx, func(ctx context.Context) error {
		rows, err = h.cfg.Book.Deeds(ctx, campaign, after, limit)
		return err
	})
	return rows, err
}

// Totals returns a campaign's state as far as the ledger has come.
func (h *History) Totals(ctx context.Context, campaign string) (t engine.Totals, err error) {
	err = h.cfg.Admins.Do(ctx, func(ctx context.Context) error {
		t, err = h.cfg.Book.Totals(ctx, campaign)
		return err
	})
	return t, err
}

func (h *History) read(from string) { h.cfg.Metrics.reads.WithLabelValues(Past.kind.name, from).Inc() }

// shortName names a log in a few bytes: there is a key for each member.
func shortName(log string) string {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(log)) // a hash takes everything
	return strconv.FormatUint(sum.Sum64(), 36)
}

func anyOf(counts []int64) bool {
	for _, n := range counts {
		if n > 0 {
			return true
		}
	}
	return false
}

// first returns a copy of the first rows: the caller may change them.
func first(rows []engine.PlaceRow, limit int) []engine.PlaceRow {
	return append([]engine.PlaceRow(nil), rows[:min(limit, len(rows))]...)
}
