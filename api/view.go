package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"firstcome/engine"
)

const (
	// partDeadline is how long a part of the view may take: it is short, so that a
	// part that is slow does not make the others slow.
	partDeadline = 300 * time.Millisecond
	// partsMost bounds how many parts are under way. It is reached when parts hang
	// that nobody waits for any more; then a part is late at once.
	partsMost = 4096
)

// part is one piece of a page: the name it has in the view, and what its own call
// answers, appended to b.
type part struct {
	name string
	read func(ctx context.Context, b []byte) ([]byte, error)
	mine bool // of one member
}

// parted is a part's answer.
type parted struct {
	body []byte
	late string // why there is no body; empty: there is one, or none was asked for
}

// view is GET /v1/view: what a page needs, in one call. Each part is read as by its
// own call, side by side, and who is late is left out.
func (s *Server) view(c *call) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	id := q.Get("campaign_id")
	if q.Has("campaign_id") && !isSlug(id) {
		return badQuery("campaign_id", "must match ^[a-z0-9][a-z0-9-]{0,62}$")
	}
	a, err := c.asker()
	if err != nil {
		return err
	}
	stranger := ""
	if a.caller, err = s.memberGate.caller(c.r); err != nil {
		stranger = asProblem(err).code
	} else if err := s.meters.of(a.caller.member.Subject).plain(); err != nil {
		return err
	}
	var offset atomic.Pointer[engine.LogOffset]
	parts := a.parts(id, &offset)
	answers := s.together(c.r.Context(), parts, stranger)
	if o := offset.Load(); o != nil && answers[partMe].body != nil {
		c.tell(*o)
	}
	c.buf = appendView(c.buf[:0], parts, answers)
	return c.json(http.StatusOK, c.buf)
}

// partMe is where the caller's claim stands among the parts.
const partMe = 3

// parts are the pieces of the page, in the order in which they are shown. One
// without a read was not asked for.
func (a *asker) parts(id string, offset *atomic.Pointer[engine.LogOffset]) []part {
	s, first := a.server, page{limit: pageDefault}
	all := []part{
		{name: "time", read: func(_ context.Context, b []byte) ([]byte, error) { return appendNow(b, s.ports.Campaigns.Now()), nil }},
		{name: "campaigns", read: func(ctx context.Context, b []byte) ([]byte, error) {
			b, next, err := a.listed(ctx, b, first, isShown)
			return endList(b, campaignList, next), err
		}},
		{name: "campaign"},
		{name: "me", mine: true},
		{name: "points", mine: true, read: func(ctx context.Context, b []byte) ([]byte, error) {
			claims, err := a.history(ctx)
			return appendPoints(b, claims), err
		}},
		{name: "notices", read: func(ctx context.Context, b []byte) ([]byte, error) {
			sh, err := a.notices(ctx)
			if err != nil {
				return b, err
			}
			b, next, err := sh.page(b, first)
			return endList(b, noticeList, next), err
		}},
	}
	if id == "" {
		return all
	}
	all[2].read = func(ctx context.Context, b []byte) ([]byte, error) {
		p, _, err := a.published(ctx, id)
		if err != nil {
			return b, err
		}
		return append(b, p.body...), nil
	}
	all[partMe].read = func(ctx context.Context, b []byte) ([]byte, error) {
		claim, err := a.claim(ctx, id)
		if err == nil {
			offset.Store(&claim.Offset)
		}
		return appendClaim(b, &claim), err
	}
	return all
}

// together reads the parts side by side, each until its deadline. stranger says why
// nothing of a member can be read; empty: the caller is one.
func (s *Server) together(ctx context.Context, parts []part, stranger string) []parted {
	type answer struct {
		n int
		parted
	}
	answers, missing := make([]parted, len(parts)), 0
	done := make(chan answer, len(parts)) // so that a part that nobody waits for can end
	for n := range parts {
		p := &parts[n]
		switch {
		case p.mine && stranger != "":
			answers[n].late = stranger
		case p.mine && s.streamsOnly:
			answers[n].late = unavailable.code
		case p.read == nil:
		case s.parts.enter() != nil:
			answers[n].late = overloaded.code
		default:
			answers[n].late = "timeout" // until it is here
			missing++
			go func() {
				defer s.parts.leave()
				done <- answer{n, s.one(ctx, p)}
			}()
		}
	}
	limit := time.NewTimer(partDeadline)
	defer limit.Stop()
	for ; missing > 0; missing-- {
		select {
		case a := <-done:
			answers[a.n] = a.parted
		case <-limit.C:
			return answers
		}
	}
	return answers
}

// one reads one part. A bug in it is that part's loss alone.
func (s *Server) one(ctx context.Context, p *part) (out parted) {
	ctx, cancel := context.WithTimeout(ctx, partDeadline)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "a part of the view ended in a panic: a bug of ours",
				slog.String("room", "api"), slog.String("part", p.name), slog.Any("err", v))
			out = parted{late: internalError.code}
		}
	}()
	body, err := p.read(ctx, nil)
	switch {
	case err == nil:
		return parted{body: body}
	case ctx.Err() != nil && !errors.Is(err, engine.ErrOverloaded):
		return parted{late: "timeout"}
	}
	return parted{late: asProblem(err).code}
}

func appendView(b []byte, parts []part, answers []parted) []byte {
	b = append(b, '{')
	for n := range parts {
		if answers[n].body == nil {
			b = append(appendName(b, parts[n].name), "null,"...)
			continue
		}
		b = appendRaw(b, parts[n].name, answers[n].body)
	}
	b = append(b, `"late":[`...)
	for n := range parts {
		if late := answers[n].late; late != "" {
			b = append(closeObject(appendText(appendText(append(b, '{'), "part", parts[n].name), "reason", late)), ',')
		}
	}
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, ']', '}')
}
