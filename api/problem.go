package api

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"firstcome/engine"
)

// problem is a refusal on its way to the client (RFC 9457). It is an error, so
// that handlers return it like any other.
type problem struct {
	*kind
	because string              // what was wrong this time; English
	fields  []engine.FieldError // errors[]
	extra   []byte              // members of this kind, each `"name":value,`
	retry   time.Duration       // Retry-After; 0: none
	headers [][2]string
	cause   error // for the log, never shown
}

func (p *problem) Error() string {
	if p.cause != nil {
		return p.code + ": " + p.cause.Error()
	}
	return p.code + ": " + p.because
}

func (p *problem) Unwrap() error { return p.cause }

// is makes a problem of a kind; because may be empty.
func (k *kind) is(because string) *problem { return &problem{kind: k, because: because} }

// asProblem is where errors become problems.
func asProblem(err error) *problem {
	var p *problem
	var invalid *engine.InvalidError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &invalid):
		if invalid.Answers {
			return &problem{kind: invalidAnswers, fields: invalid.Fields}
		}
		return &problem{kind: invalidInput, fields: invalid.Fields}
	case errors.Is(err, engine.ErrNotFound), errors.Is(err, engine.ErrNoPlace):
		return notFound.is("")
	case errors.Is(err, engine.ErrExists):
		return alreadyExists.is("")
	case errors.Is(err, engine.ErrVersion):
		return preconditionFailed.is("")
	case errors.Is(err, engine.ErrState):
		return stateForbids.is("")
	case errors.Is(err, engine.ErrCancellationClosed):
		return cancellationClosed.is("")
	case errors.Is(err, engine.ErrOverloaded):
		return later(overloaded, err)
	case errors.Is(err, engine.ErrStopped):
		return later(stopped, err)
	case errors.Is(err, engine.ErrUnavailable), errors.Is(err, engine.ErrUndecided), errors.Is(err, context.DeadlineExceeded):
		return later(unavailable, err)
	}
	return &problem{kind: internalError, cause: err}
}

// later is a refusal that passes: the client comes back after a time that
// differs from client to client, so that they do not all return at once.
func later(k *kind, cause error) *problem {
	wait := k.wait + time.Duration(rand.Int64N(int64(2*k.wait)))
	return &problem{kind: k, cause: cause, retry: wait}
}

// refusal is where outcomes become problems; nil for those that are answers.
func refusal(d *engine.Decision, now time.Time) *problem {
	switch d.Outcome {
	case engine.SoldOut:
		return &problem{kind: soldOut, extra: appendText(nil, "waitlist", string(d.List))}
	case engine.Early:
		return early(d, now)
	case engine.Paused:
		return &problem{kind: campaignPaused, retry: d.RetryAfter}
	case engine.Late:
		return campaignClosed.is("")
	case engine.Ineligible:
		return &problem{kind: notEligible, extra: appendText(nil, "rule", d.Rule)}
	case engine.Refused:
		return alreadyCancelled.is("")
	case engine.Superseded:
		return superseded.is("")
	}
	return nil
}

// early names the opening and the server's time, so that a client can count
// down by the difference, whatever its own clock shows.
func early(d *engine.Decision, now time.Time) *problem {
	p := &problem{kind: notOpenYet, retry: d.RetryAfter}
	if p.retry <= 0 && !d.OpensAt.IsZero() {
		p.retry = max(d.OpensAt.Sub(now), time.Second)
	}
	if p.retry <= 0 {
		p.retry = notOpenYet.wait
	}
	p.extra = appendTime(appendTime(nil, "opens_at", d.OpensAt), "server_time", now)
	return p
}

// limited is the refusal of a request that came too often.
func limited(rule *rule, wait time.Duration) *problem {
	return &problem{kind: rateLimited, retry: wait, headers: [][2]string{
		{"RateLimit-Policy", rule.policy},
		{"RateLimit", `"` + rule.name + `";r=0;t=` + strconv.FormatInt(seconds(wait), 10)},
	}}
}

// seconds rounds a wait up to whole seconds, at least one, at most an hour.
func seconds(d time.Duration) int64 {
	return min(max(int64((d+time.Second-1)/time.Second), 1), 3600)
}

// instanceMost bounds how much of a request's path is given back.
const instanceMost = 160

// append writes the problem's body.
func (p *problem) append(b []byte, lang language, path string) []byte {
	t := &p.texts[lang]
	b = append(b, '{')
	b = appendText(b, "type", "/problems/"+p.code)
	b = appendText(b, "title", t.title)
	b = appendInt(b, "status", int64(p.status))
	detail := t.detail
	if p.because != "" {
		detail += " (" + p.because + ")"
	}
	b = appendText(b, "detail", detail)
	if len(path) > instanceMost {
		path = path[:instanceMost]
	}
	b = appendText(b, "instance", path)
	b = appendText(b, "code", p.code)
	b = appendBool(b, "retryable", p.retryable)
	b = append(b, p.extra...)
	if len(p.fields) > 0 {
		b = append(appendName(b, "errors"), '[')
		for _, f := range p.fields {
			b = appendText(appendText(append(b, '{'), "pointer", f.Pointer), "detail", f.Detail)
			b = append(closeObject(b), ',')
		}
		b[len(b)-1] = ']'
		b = append(b, ',')
	}
	return closeObject(b)
}

var (
	problemType     = []string{"application/problem+json"}
	noStore         = []string{"no-store"}
	contentLanguage = [...][]string{english: {"en"}, korean: {"ko"}}
)

// refuse answers a request with what err means.
func (c *call) refuse(err error) {
	if errors.Is(err, context.Canceled) && c.r.Context().Err() != nil {
		c.status = statusGone // nobody is there to read an answer
		return
	}
	p := asProblem(err)
	if p.status == http.StatusInternalServerError {
		c.server.log.ErrorContext(c.r.Context(), "a request ended in an error of ours",
			"room", "api", "operation", c.point.operation, "request", c.id, "err", err)
	}
	c.server.metrics.problems.WithLabelValues(p.code).Inc()
	lang := c.language()
	h := c.w.Header()
	h["Content-Type"], h["Cache-Control"], h["Content-Language"] = problemType, noStore, contentLanguage[lang]
	if p.retry > 0 {
		h["Retry-After"] = []string{strconv.FormatInt(seconds(p.retry), 10)}
	}
	for _, kv := range p.headers {
		h.Set(kv[0], kv[1])
	}
	c.buf = p.append(c.buf[:0], lang, c.r.URL.Path)
	c.write(p.status, c.buf)
}
