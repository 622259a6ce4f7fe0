package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"firstcome/engine"
)

const noticeList = "notices"

// sheet is the notices that are due between two moments, encoded once.
type sheet struct {
	version     int64
	since, then time.Time // the last moment at which one came or went, and the next
	etag        []string
	lines       []noticeLine
}

type noticeLine struct {
	at   when
	body []byte
}

// forever is when nothing comes or goes any more.
var forever = time.Unix(1<<40, 0)

// notices returns the notices that are due now, as new as the client has seen.
func (a *asker) notices(ctx context.Context) (*sheet, error) {
	s := a.server
	if s.ports.Notices == nil {
		return nil, unavailable.is("")
	}
	version, all, err := s.ports.Notices.Notices(ctx, noticesSeen(a.tags))
	if err != nil {
		return nil, err
	}
	now := s.ports.Campaigns.Now()
	if old := s.notices.Load(); old != nil && old.version == version && !now.Before(old.since) && now.Before(old.then) {
		return old, nil
	}
	fresh := newSheet(version, all, now)
	s.notices.Store(fresh) // an older one may overwrite a newer one for a moment: it is compared at each use
	return fresh, nil
}

func newSheet(version int64, all []engine.Notice, now time.Time) *sheet {
	sh := &sheet{version: version, then: forever}
	for i := range all {
		n := &all[i]
		for _, edge := range [...]time.Time{n.From, n.Until} {
			switch {
			case edge.IsZero():
			case edge.After(now) && edge.Before(sh.then):
				sh.then = edge
			case !edge.After(now) && edge.After(sh.since):
				sh.since = edge
			}
		}
		if n.Due(now) {
			body := closeObject(appendNotice(nil, n))
			sh.lines = append(sh.lines, noticeLine{when{n.CreatedAt.UnixMilli(), n.ID}, append(body, ',')})
		}
	}
	tag := itoa(version)
	if !sh.since.IsZero() {
		tag += "." + itoa(sh.since.UnixMilli())
	}
	sh.etag = []string{`"` + tag + `"`}
	return sh
}

// page appends a page of the notices.
func (sh *sheet) page(b []byte, p page) (_ []byte, next string, err error) {
	after, err := parseWhen(p.after)
	if err != nil {
		return b, "", err
	}
	b, n := openList(b), 0
	for i := range sh.lines {
		if p.after != "" && sh.lines[i].at.compare(after) <= 0 {
			continue
		}
		if n == p.limit { // the line before is the last of the page
			next = sh.lines[i-1].at.String()
			break
		}
		n++
		b = append(b, sh.lines[i].body...)
	}
	return b, next, nil
}

// listNotices is GET /v1/notices.
func (s *Server) listNotices(c *call) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	p, err := c.page(q, noticeList)
	if err != nil {
		return err
	}
	a, err := c.asker()
	if err != nil {
		return err
	}
	ctx, cancel := c.deadline()
	defer cancel()
	sh, err := a.notices(ctx)
	if err != nil {
		return err
	}
	h := c.w.Header()
	if matches(c.r.Header["If-None-Match"], sh.etag[0]) {
		h["Etag"], h["Cache-Control"] = sh.etag, publicCache
		c.status = http.StatusNotModified
		c.w.WriteHeader(c.status)
		return nil
	}
	b, next, err := sh.page(c.buf[:0], p)
	if err != nil {
		return err
	}
	h["Etag"], h["Cache-Control"] = sh.etag, publicCache
	c.buf = c.closeList(b, noticeList, next)
	return c.json(http.StatusOK, c.buf)
}

// noticesSeen is the newest version among the tags that a client brings: it has
// seen that one, perhaps on another node, and is not shown an older one.
func noticesSeen(header []string) (seen int64) {
	for _, line := range header {
		for tag := range strings.SplitSeq(line, ",") {
			tag = strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`)
			version, _, _ := strings.Cut(tag, ".")
			if n, err := strconv.ParseInt(version, 10, 64); err == nil {
				seen = max(seen, n)
			}
		}
	}
	return seen
}

// appendNotice begins the object of a notice, as everybody sees it.
func appendNotice(b []byte, n *engine.Notice) []byte {
	b = appendText(append(b, '{'), "id", n.ID)
	b = appendText(b, "title", n.Title)
	b = appendText(b, "body", n.Body)
	b = appendText(b, "level", n.Level)
	b = appendTime(b, "from", n.From)
	b = appendTime(b, "until", n.Until)
	return appendInt(b, "version", n.Version)
}
