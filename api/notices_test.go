package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"firstcome/engine"
)

// corkboard keeps notices as the ledger does.
type corkboard struct {
	mu      sync.Mutex
	version int64
	all     []engine.Notice
	seen    int64
	err     error
}

func (b *corkboard) Notices(_ context.Context, seen int64) (int64, []engine.Notice, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = seen
	return b.version, slices.Clone(b.all), b.err
}

func (b *corkboard) Exact(ctx context.Context) ([]engine.Notice, error) {
	_, all, err := b.Notices(ctx, 0)
	return all, err
}

func (b *corkboard) find(id string, version int64) (int, error) {
	i := slices.IndexFunc(b.all, func(n engine.Notice) bool { return n.ID == id })
	switch {
	case b.err != nil:
		return i, b.err
	case i < 0:
		return i, engine.ErrNotFound
	case version != 0 && b.all[i].Version != version:
		return i, engine.ErrVersion
	}
	return i, nil
}

func (b *corkboard) Add(_ context.Context, n engine.Notice) (engine.Notice, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i, err := b.find(n.ID, 0); !errors.Is(err, engine.ErrNotFound) {
		return b.all[max(i, 0)], cmp.Or(err, engine.ErrExists)
	}
	b.version++
	n.Version, n.CreatedAt = 1, n.ChangedAt
	b.all = append([]engine.Notice{n}, b.all...)
	return n, nil
}

func (b *corkboard) Change(_ context.Context, n engine.Notice, version int64) (engine.Notice, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, err := b.find(n.ID, version)
	if err == nil {
		b.version++
		n.Version, n.CreatedAt = b.all[i].Version+1, b.all[i].CreatedAt
		b.all[i] = n
	}
	return n, err
}

func (b *corkboard) Remove(_ context.Context, n engine.Notice, version int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, err := b.find(n.ID, version)
	if err == nil {
		b.version++
		b.all = slices.Delete(b.all, i, i+1)
	}
	return err
}

func newCorkHouse(t *testing.T) (*house, *corkboard) {
	b := &corkboard{}
	return newHouseOf(t, newWorld(), Ports{Notices: b}), b
}

func TestNotices(t *testing.T) {
	h, _ := newCorkHouse(t)
	w := h.admin("operator", `POST /v1/admin/notices {"id":"rain","title":"비가 와요","body":"Line\nline","level":"warning"}`)
	want(t, w, 201, "")
	if w.Header().Get("Etag") != `"v1"` || decode(t, w)["changed_by"] != "boss" {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	want(t, h.admin("operator", `POST /v1/admin/notices {"id":"rain","title":"비가 와요","body":"Line\nline","level":"warning"}`), 200, "")
	want(t, h.admin("operator", `POST /v1/admin/notices {"id":"rain","title":"Sun"}`), 409, "already-exists")
	if made := decode(t, h.admin("operator", `POST /v1/admin/notices {"title":"No id"}`)); !isSlug(made["id"].(string)) || made["level"] != "info" {
		t.Errorf("made %v", made)
	}

	first := h.ask("GET /v1/notices")
	want(t, first, 200, "")
	items := decode(t, first)["items"].([]any)
	if len(items) != 2 || !strings.Contains(first.Body.String(), `"id":"rain","title":"비가 와요","body":"Line\nline","level":"warning","version":1}`) {
		t.Fatalf("%s", first.Body)
	}
	etag := first.Header().Get("Etag")
	if cc := first.Header().Get("Cache-Control"); cc != publicCache[0] || etag == "" {
		t.Errorf("Cache-Control %q, ETag %q", cc, etag)
	}
	if again := h.ask("GET /v1/notices", "If-None-Match", etag); again.Code != 304 || again.Body.Len() > 0 || again.Header().Get("Etag") != etag {
		t.Errorf("%d %q", again.Code, again.Body)
	}

	put := `PUT /v1/admin/notices/rain {"title":"Sun"}`
	want(t, h.admin("operator", put), 428, "precondition-required")
	want(t, h.admin("operator", put, "If-Match", `"v7"`), 412, "precondition-failed")
	want(t, h.admin("operator", `PUT /v1/admin/notices/snow {"title":"Sun"}`, "If-Match", "*"), 404, "not-found")
	w = h.admin("operator", put, "If-Match", `"v1"`)
	want(t, w, 200, "")
	if n := decode(t, w); n["version"] != 2.0 || n["body"] != "" || n["level"] != "info" {
		t.Errorf("replaced: %v", n)
	}
	if w := h.ask("GET /v1/notices", "If-None-Match", etag); w.Code != 200 {
		t.Errorf("an old tag: %d", w.Code)
	}
	want(t, h.admin("operator", "DELETE /v1/admin/notices/rain", "If-Match", `"v1"`), 412, "precondition-failed")
	if gone := decode(t, h.admin("operator", "DELETE /v1/admin/notices/rain", "If-Match", `"v2"`)); gone["title"] != "Sun" {
		t.Errorf("removed %v", gone)
	}
	want(t, h.admin("operator", "DELETE /v1/admin/notices/rain", "If-Match", "*"), 404, "not-found")
	want(t, h.admin("viewer", "GET /v1/admin/notices"), 200, "")
	want(t, h.admin("viewer", `POST /v1/admin/notices {"title":"x"}`), 403, "forbidden")
}

func TestNoticesAreChecked(t *testing.T) {
	h, b := newCorkHouse(t)
	for body, pointer := range map[string]string{
		`{}`: "/title",
		`{"title":"` + strings.Repeat("가", 201) + `"}`:                               "/title",
		`{"title":"x","body":"` + strings.Repeat("나", 2001) + `"}`:                   "/body",
		`{"title":"a\u202eb"}`:                                                       "/title",
		`{"title":"a\nb"}`:                                                           "/title",
		`{"title":"x","level":"loud"}`:                                               "/level",
		`{"title":"x","id":"A b"}`:                                                   "/id",
		`{"title":"x","from":"tomorrow"}`:                                            "/from",
		`{"title":"x","version":3}`:                                                  "/version",
		`{"title":"x","from":"2026-03-02T00:00:00Z","until":"2026-03-02T00:00:00Z"}`: "/until",
	} {
		p := want(t, h.admin("operator", "POST /v1/admin/notices "+body), 422, "invalid")
		if got := p["errors"].([]any)[0].(map[string]any)["pointer"]; got != pointer {
			t.Errorf("%s: %v, want %s", body, got, pointer)
		}
	}
	if len(b.all) != 0 {
		t.Errorf("kept %v", b.all)
	}
	longest := `{"title":"` + strings.Repeat("가", 200) + `","body":"` + strings.Repeat("나", 2000) + `"}`
	want(t, h.admin("operator", "POST /v1/admin/notices "+longest), 201, "")
}

func TestNoticesDryRun(t *testing.T) {
	h, b := newCorkHouse(t)
	want(t, h.admin("operator", `POST /v1/admin/notices?dry_run=true {"id":"a","title":"x"}`), 200, "")
	if len(b.all) != 0 {
		t.Fatal("a dry run wrote")
	}
	h.admin("operator", `POST /v1/admin/notices {"id":"a","title":"x"}`)
	want(t, h.admin("operator", `POST /v1/admin/notices?dry_run=true {"id":"a","title":"y"}`), 409, "already-exists")
	want(t, h.admin("operator", `PUT /v1/admin/notices/a?dry_run=true {"title":"y"}`, "If-Match", `"v9"`), 412, "precondition-failed")
	for _, request := range []string{`PUT /v1/admin/notices/a?dry_run=true {"title":"y"}`, `DELETE /v1/admin/notices/a?dry_run=true`} {
		if answer := decode(t, h.admin("operator", request, "If-Match", `"v1"`)); answer["dry_run"] != true {
			t.Errorf("%s: %v", request, answer)
		}
	}
	if len(b.all) != 1 || b.all[0].Title != "x" {
		t.Errorf("a dry run wrote: %v", b.all)
	}
}

// What is due changes with the time alone, and the tag with it.
func TestNoticesComeAndGo(t *testing.T) {
	h, b := newCorkHouse(t)
	b.version = 5
	b.all = []engine.Notice{
		{ID: "later", Title: "t", Level: "info", From: noon.Add(time.Hour), Version: 1},
		{ID: "gone", Title: "t", Level: "info", Until: noon, Version: 1},
		{ID: "now", Title: "t", Level: "info", From: noon, Until: noon.Add(time.Minute), Version: 1},
	}
	w := h.ask("GET /v1/notices")
	if body := w.Body.String(); strings.Count(body, `"id"`) != 1 || !strings.Contains(body, `"id":"now"`) {
		t.Fatal(body)
	}
	before := newSheet(5, b.all, noon.Add(-time.Millisecond))
	if before.etag[0] == w.Header().Get("Etag") || len(before.lines) != 1 || !before.then.Equal(noon) {
		t.Errorf("a moment before: %+v", before)
	}
	h.ask("GET /v1/notices", "If-None-Match", `"3", W/"1772420400000.7", "x"`)
	if b.seen != 1772420400000 {
		t.Errorf("the client has seen %d", b.seen)
	}
}

func TestNoticesPageByPage(t *testing.T) {
	h, b := newCorkHouse(t)
	for i := range 7 {
		b.all = append(b.all, engine.Notice{ID: fmt.Sprint("n", i), Title: "t", Level: "info", Version: 1, CreatedAt: noon.Add(-time.Duration(i/2) * time.Second)})
	}
	for _, list := range []string{"/v1/notices", "/v1/admin/notices"} {
		var got []string
		next := list + "?limit=3"
		for range 4 {
			var w = h.admin("viewer", "GET "+next)
			page := decode(t, w)
			for _, item := range page["items"].([]any) {
				got = append(got, item.(map[string]any)["id"].(string))
			}
			if page["next_cursor"] == nil {
				break
			}
			next = list + "?limit=3&cursor=" + page["next_cursor"].(string)
		}
		if strings.Join(got, " ") != "n0 n1 n2 n3 n4 n5 n6" {
			t.Errorf("%s: %v", list, got)
		}
	}
	want(t, h.ask("GET /v1/notices?limit=0"), 422, "invalid")
	want(t, h.ask("GET /v1/notices?cursor="+cursor("places", "3")), 422, "invalid")
}

func TestNoticesAway(t *testing.T) {
	h, b := newCorkHouse(t)
	b.err = fmt.Errorf("%w: x", engine.ErrOverloaded)
	w := h.ask("GET /v1/notices")
	want(t, w, 503, "overloaded")
	if w.Header().Get("Retry-After") == "" {
		t.Error("without Retry-After")
	}
	h.server.ports.Notices = nil
	want(t, h.ask("GET /v1/notices"), 503, "unavailable")
	want(t, h.admin("operator", `POST /v1/admin/notices {"title":"x"}`), 503, "unavailable")
	want(t, h.admin("operator", `DELETE /v1/admin/notices/x`, "If-Match", "*"), 503, "unavailable")
}
