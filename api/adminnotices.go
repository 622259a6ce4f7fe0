package api

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"

	"firstcome/engine"
)

// allNotices is GET /v1/admin/notices: all of them, due or not, as they are now.
func (s *Server) allNotices(c *call) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	p, err := c.page(q, noticeList)
	if err != nil {
		return err
	}
	after, err := parseWhen(p.after)
	if err != nil {
		return err
	}
	all, err := c.exactNotices()
	if err != nil {
		return err
	}
	b, next, n := openList(c.buf[:0]), "", 0
	for i := range all {
		at := when{all[i].CreatedAt.UnixMilli(), all[i].ID}
		if p.after != "" && at.compare(after) <= 0 {
			continue
		}
		if n == p.limit {
			next = when{all[i-1].CreatedAt.UnixMilli(), all[i-1].ID}.String()
			break
		}
		n++
		b = append(appendAdminNotice(b, &all[i], false), ',')
	}
	c.buf = c.closeList(b, noticeList, next)
	return c.json(http.StatusOK, c.buf)
}

func (c *call) exactNotices() ([]engine.Notice, error) {
	if c.server.ports.Notices == nil {
		return nil, unavailable.is("")
	}
	ctx, cancel := c.deadline()
	defer cancel()
	return c.server.ports.Notices.Exact(ctx)
}

// addNotice is POST /v1/admin/notices. A repeat with the same content is 200.
func (s *Server) addNotice(c *call) error {
	dryRun, err := c.dryRun()
	if err != nil {
		return err
	}
	f, err := c.adminFields()
	if err != nil {
		return err
	}
	var n engine.Notice
	f.text("id", &n.ID)
	if n.ID == "" {
		n.ID = strings.ToLower(rand.Text()[:12])
	}
	if err := c.readNotice(f, &n); err != nil {
		return err
	}
	if dryRun {
		old, err := c.noticeNow(n.ID)
		switch {
		case err == nil && !old.Same(&n):
			return alreadyExists.is("")
		case err == nil:
			n = old
		case !errors.Is(err, engine.ErrNotFound):
			return err
		default:
			n.Version, n.CreatedAt = 1, n.ChangedAt
		}
		return c.noticeAnswer(http.StatusOK, &n, true)
	}
	if s.ports.Notices == nil {
		return unavailable.is("")
	}
	ctx, cancel := c.deadline()
	defer cancel()
	made, err := s.ports.Notices.Add(ctx, n)
	switch {
	case errors.Is(err, engine.ErrExists) && made.Same(&n):
		return c.noticeAnswer(http.StatusOK, &made, false)
	case err != nil:
		return err
	}
	return c.noticeAnswer(http.StatusCreated, &made, false)
}

// changeNotice is PUT /v1/admin/notices/{id}: the whole notice.
func (s *Server) changeNotice(c *call) error {
	id, version, dryRun, err := c.noticeTarget()
	if err != nil {
		return err
	}
	f, err := c.adminFields()
	if err != nil {
		return err
	}
	n := engine.Notice{ID: id}
	if err := c.readNotice(f, &n); err != nil {
		return err
	}
	if dryRun {
		old, err := c.noticeOf(id, version)
		if err != nil {
			return err
		}
		n.Version, n.CreatedAt = old.Version+1, old.CreatedAt
		return c.noticeAnswer(http.StatusOK, &n, true)
	}
	ctx, cancel := c.deadline()
	defer cancel()
	changed, err := s.ports.Notices.Change(ctx, n, version)
	if err != nil {
		return err
	}
	return c.noticeAnswer(http.StatusOK, &changed, false)
}

// removeNotice is DELETE /v1/admin/notices/{id}: 200 with what was removed.
func (s *Server) removeNotice(c *call) error {
	id, version, dryRun, err := c.noticeTarget()
	if err != nil {
		return err
	}
	old, err := c.noticeOf(id, version)
	if err != nil {
		return err
	}
	if !dryRun {
		ctx, cancel := c.deadline()
		defer cancel()
		gone := engine.Notice{ID: id, ChangedAt: s.ports.Campaigns.Now()}
		if err := s.ports.Notices.Remove(ctx, gone, old.Version); err != nil {
			return err
		}
	}
	return c.noticeAnswer(http.StatusOK, &old, dryRun)
}

// noticeTarget reads what every change of a notice has.
func (c *call) noticeTarget() (id string, version int64, dryRun bool, err error) {
	if id, dryRun, err = c.target(); err != nil {
		return "", 0, false, err
	}
	if c.r.Header["If-Match"] == nil {
		return "", 0, false, preconditionRequired.is("")
	}
	if c.server.ports.Notices == nil {
		return "", 0, false, unavailable.is("")
	}
	version, err = c.ifMatch(0)
	return id, version, dryRun, err
}

// noticeOf is a notice as it is now, if it is of the version.
func (c *call) noticeOf(id string, version int64) (engine.Notice, error) {
	n, err := c.noticeNow(id)
	if err == nil && version != 0 && n.Version != version {
		err = preconditionFailed.is("the notice is at version " + itoa(n.Version))
	}
	return n, err
}

func (c *call) noticeNow(id string) (engine.Notice, error) {
	all, err := c.exactNotices()
	if err != nil {
		return engine.Notice{}, err
	}
	for i := range all {
		if all[i].ID == id {
			return all[i], nil
		}
	}
	return engine.Notice{}, engine.ErrNotFound
}

// readNotice reads what an admin may say of a notice, and checks it.
func (c *call) readNotice(f *fields, n *engine.Notice) error {
	n.Level = "info"
	f.text("title", &n.Title)
	f.prose("body", &n.Body)
	f.text("level", &n.Level)
	f.instant("from", &n.From)
	f.instant("until", &n.Until)
	if err := f.done(); err != nil {
		return err
	}
	n.ChangedAt, n.ChangedBy = c.server.ports.Campaigns.Now(), c.caller.member.Subject
	return n.Validate()
}

func (c *call) noticeAnswer(status int, n *engine.Notice, dryRun bool) error {
	c.w.Header()["Etag"] = []string{versionTag(n.Version)}
	c.buf = appendAdminNotice(c.buf[:0], n, dryRun)
	return c.json(status, c.buf)
}

// appendAdminNotice is a notice as admins see it.
func appendAdminNotice(b []byte, n *engine.Notice, dryRun bool) []byte {
	b = appendNotice(b, n)
	b = appendTime(b, "created_at", n.CreatedAt)
	b = appendTime(b, "changed_at", n.ChangedAt)
	b = appendText(b, "changed_by", n.ChangedBy)
	if dryRun {
		b = appendBool(b, "dry_run", true)
	}
	return closeObject(b)
}
