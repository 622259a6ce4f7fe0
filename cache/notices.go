package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"firstcome/engine"
)

// NoticeBook keeps notices. Both books fulfil it and say what each error means.
type NoticeBook interface {
	// Notices returns all notices, newest first, and a version that every change
	// of any of them raises.
	Notices(ctx context.Context) (version int64, all []engine.Notice, err error)
	// AddNotice, ChangeNotice and RemoveNotice change one notice and return the
	// version of all. engine.ErrExists (with the one that is there),
	// engine.ErrNotFound, engine.ErrVersion (0 means any), *engine.InvalidError.
	AddNotice(ctx context.Context, n engine.Notice) (engine.Notice, int64, error)
	ChangeNotice(ctx context.Context, n engine.Notice, version int64) (engine.Notice, int64, error)
	RemoveNotice(ctx context.Context, n engine.Notice, version int64) (int64, error)
}

// allNotices is the id of the only value of its kind.
const allNotices = "all"

// noticesMemory is room for all notices, several times over.
const noticesMemory = 8 << 20

// Bulletin is the notices: read from copies, changed in the book.
type Bulletin struct {
	book    NoticeBook
	reader  *Reader[[]engine.Notice]
	changes *Changes
	guard   *Bulkhead
}

// BulletinConfig of a bulletin.
type BulletinConfig struct {
	Book    NoticeBook
	Store   Store // nil: there is no second level
	Changes *Changes
	Readers *Bulkhead // before the book, for copies
	Admins  *Bulkhead // before the book, for admins
	Metrics *Metrics
	Logger  *slog.Logger
}

// NewBulletin joins the copies to the book.
func NewBulletin(cfg BulletinConfig) (*Bulletin, error) {
	r, err := NewReader(ReaderConfig[[]engine.Notice]{
		Kind: Notices, Store: cfg.Store, Guard: cfg.Readers, Memory: noticesMemory, Metrics: cfg.Metrics, Logger: cfg.Logger,
		Origin: func(ctx context.Context, _ string) (Value[[]engine.Notice], error) {
			version, all, err := cfg.Book.Notices(ctx)
			return Value[[]engine.Notice]{Version: version, Found: len(all) > 0, Data: all}, err
		},
		Encode: func(b []byte, all []engine.Notice) []byte {
			text, _ := json.Marshal(all) // a notice has nothing that JSON has no form for
			return append(b, text...)
		},
		Decode: func(b []byte) (all []engine.Notice, err error) { return all, json.Unmarshal(b, &all) },
	})
	if err != nil {
		return nil, err
	}
	Follow(cfg.Changes, r)
	return &Bulletin{book: cfg.Book, reader: r, changes: cfg.Changes, guard: cfg.Admins}, nil
}

// Notices returns all notices, newest first, due or not, and their version: from
// copies that are not older than seen. engine.ErrOverloaded, engine.ErrUnavailable.
func (b *Bulletin) Notices(ctx context.Context, seen int64) (version int64, all []engine.Notice, err error) {
	v, err := b.reader.Get(ctx, allNotices, seen)
	if err != nil {
		return 0, nil, away("the notices", err)
	}
	return v.Version, v.Data, nil
}

// Exact returns all notices as they are in the book now.
func (b *Bulletin) Exact(ctx context.Context) (all []engine.Notice, err error) {
	err = b.guard.Do(ctx, func(ctx context.Context) error {
		_, all, err = b.book.Notices(ctx)
		return err
	})
	if err != nil {
		return nil, away("the notices", err)
	}
	return all, nil
}

// Add adds a notice. engine.ErrExists, with the one that is there.
func (b *Bulletin) Add(ctx context.Context, n engine.Notice) (engine.Notice, error) {
	made, version, err := b.book.AddNotice(ctx, n)
	return made, b.changed(ctx, version, err)
}

// Change replaces a notice of a version; 0 is any. engine.ErrNotFound, engine.ErrVersion.
func (b *Bulletin) Change(ctx context.Context, n engine.Notice, version int64) (engine.Notice, error) {
	changed, all, err := b.book.ChangeNotice(ctx, n, version)
	return changed, b.changed(ctx, all, err)
}

// Remove removes a notice of a version; 0 is any. engine.ErrNotFound, engine.ErrVersion.
func (b *Bulletin) Remove(ctx context.Context, n engine.Notice, version int64) error {
	all, err := b.book.RemoveNotice(ctx, n, version)
	return b.changed(ctx, all, err)
}

// changed tells all nodes, when there was a change.
func (b *Bulletin) changed(ctx context.Context, version int64, err error) error {
	if err != nil {
		return away("change the notices", err)
	}
	b.reader.Changed(ctx, b.changes, allNotices, version)
	return nil
}

// away makes what the ledger's driver says engine.ErrUnavailable, unless it is an
// answer or a refusal that the caller knows.
func away(what string, err error) error {
	var invalid *engine.InvalidError
	for _, known := range []error{engine.ErrExists, engine.ErrNotFound, engine.ErrVersion, engine.ErrOverloaded, engine.ErrUnavailable, context.Canceled} {
		if errors.Is(err, known) {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if errors.As(err, &invalid) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%w: %s: %w", engine.ErrUnavailable, what, err)
}
