package booktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firstcome/engine"
)

// Notices is what a book keeps beside the book.
type Notices interface {
	Notices(ctx context.Context) (version int64, all []engine.Notice, err error)
	AddNotice(ctx context.Context, n engine.Notice) (engine.Notice, int64, error)
	ChangeNotice(ctx context.Context, n engine.Notice, version int64) (engine.Notice, int64, error)
	RemoveNotice(ctx context.Context, n engine.Notice, version int64) (int64, error)
}

var someday = time.UnixMilli(1_772_420_400_123).UTC()

func notice(id string) engine.Notice {
	return engine.Notice{ID: id, Title: "비가 와요 " + id, Body: "Line 1\nline 2 'quoted' \\ %", Level: "warning",
		From: someday, Until: someday.Add(time.Hour), ChangedAt: someday, ChangedBy: "boss"}
}

func notices(t *testing.T, open func(t *testing.T) Book) {
	book, ctx := open(t), t.Context()
	if version, all, err := book.Notices(ctx); version != 0 || len(all) != 0 || err != nil {
		t.Fatalf("an empty book: %d %v %v", version, all, err)
	}
	made, v1, err := book.AddNotice(ctx, notice("rain"))
	if err != nil || made.Version != 1 || v1 < someday.UnixMilli() {
		t.Fatalf("%+v %d %v", made, v1, err)
	}
	if old, _, err := book.AddNotice(ctx, engine.Notice{ID: "rain", Title: "other", ChangedAt: someday}); !errors.Is(err, engine.ErrExists) || !old.Same(&made) {
		t.Fatalf("the same id again: %+v %v", old, err)
	}
	changed := made
	changed.Title, changed.Until, changed.ChangedAt, changed.ChangedBy = "Sun", time.Time{}, someday.Add(time.Second), "other"
	changed, v2, err := book.ChangeNotice(ctx, changed, 1)
	if err != nil || changed.Version != 2 || v2 <= v1 || !changed.CreatedAt.Equal(someday) {
		t.Fatalf("%+v %d after %d: %v", changed, v2, v1, err)
	}
	if _, _, err := book.ChangeNotice(ctx, changed, 1); !errors.Is(err, engine.ErrVersion) {
		t.Fatalf("an old version: %v", err)
	}
	if _, _, err := book.ChangeNotice(ctx, notice("snow"), 0); !errors.Is(err, engine.ErrNotFound) {
		t.Fatalf("one that is not there: %v", err)
	}
	version, all, err := book.Notices(ctx)
	if err != nil || version != v2 || len(all) != 1 || all[0] != changed {
		t.Fatalf("%d %+v %v, want %+v", version, all, err, changed)
	}
	if _, err := book.RemoveNotice(ctx, changed, 1); !errors.Is(err, engine.ErrVersion) {
		t.Fatalf("remove an old version: %v", err)
	}
	v3, err := book.RemoveNotice(ctx, changed, 2)
	if err != nil || v3 <= v2 {
		t.Fatalf("%d after %d: %v", v3, v2, err)
	}
	if _, err := book.RemoveNotice(ctx, changed, 2); !errors.Is(err, engine.ErrNotFound) {
		t.Fatalf("remove again: %v", err)
	}
	if version, all, err := book.Notices(ctx); version != v3 || len(all) != 0 || err != nil {
		t.Fatalf("%d %v %v", version, all, err)
	}
}

// noticesBounded: the hundred-and-first is refused, in whatever order they come, and
// of changes to one version one wins.
func noticesBounded(t *testing.T, open func(t *testing.T) Book) {
	book, ctx := open(t), t.Context()
	for i := range engine.NoticesMost - 1 {
		if _, _, err := book.AddNotice(ctx, notice(fmt.Sprint("n", i))); err != nil {
			t.Fatal(err)
		}
	}
	var added, changed atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			_, _, err := book.AddNotice(ctx, notice(fmt.Sprint("more", i)))
			var full *engine.InvalidError
			switch {
			case err == nil:
				added.Add(1)
			case !errors.As(err, &full) || !strings.Contains(full.Fields[0].Detail, "100"):
				t.Error(err)
			}
		})
		wg.Go(func() {
			n := notice("n0")
			n.Title = fmt.Sprint("by ", i)
			_, _, err := book.ChangeNotice(ctx, n, 1)
			switch {
			case err == nil:
				changed.Add(1)
			case !errors.Is(err, engine.ErrVersion):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if added.Load() != 1 || changed.Load() != 1 {
		t.Fatalf("%d were added to 99, %d changed the same version", added.Load(), changed.Load())
	}
	if _, all, err := book.Notices(ctx); err != nil || len(all) != engine.NoticesMost {
		t.Fatalf("%d notices: %v", len(all), err)
	}
}
