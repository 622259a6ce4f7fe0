package api

import (
	"context"
	"strconv"
	"strings"
	"time"

	"firstcome/engine"
)

// readDeadline is how long a read waits for a newer state before it says 503.
const readDeadline = 3 * time.Second

func (c *call) deadline() (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.r.Context(), readDeadline)
}

const (
	offsetHeader = "X-Log-Offset"
	// offsetCookie and a partition's number name the cookie that carries the
	// newest record of that partition that a browser was told of.
	offsetCookie = "fc_o"
	// offsetsMost bounds how many such cookies are looked at.
	offsetsMost = 16
)

// seen returns the records that an answer must include, because the client was
// told of them: X-Log-Offset, or else the cookies of the last 10 s.
func (c *call) seen() ([]engine.LogOffset, error) {
	if v := c.r.Header[offsetHeader]; len(v) > 0 {
		o, ok := parseOffset(v[0])
		if !ok || len(v) > 1 {
			return nil, malformed.is("X-Log-Offset must be <partition>:<offset>")
		}
		return []engine.LogOffset{o}, nil
	}
	if len(c.r.Header["Cookie"]) == 0 {
		return nil, nil
	}
	var all []engine.LogOffset
	for _, cookie := range c.r.Cookies() {
		partition, ours := strings.CutPrefix(cookie.Name, offsetCookie)
		if !ours || len(all) == offsetsMost {
			continue
		}
		if o, ok := parseOffset(partition + ":" + cookie.Value); ok {
			all = append(all, o)
		}
	}
	return all, nil
}

// read says how new a state of a campaign the request needs.
func (c *call) read(id string) (engine.Read, error) {
	a, err := c.asker()
	if err != nil {
		return engine.Read{}, err
	}
	return a.read(id), nil
}

// exact reports Cache-Control: no-cache.
func (c *call) exact() bool {
	for _, line := range c.r.Header["Cache-Control"] {
		for d := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(d), "no-cache") {
				return true
			}
		}
	}
	return false
}

func parseOffset(s string) (engine.LogOffset, bool) {
	p, o, ok := strings.Cut(s, ":")
	if !ok || !digits(p) || !digits(o) {
		return engine.LogOffset{}, false
	}
	partition, err1 := strconv.ParseInt(p, 10, 32)
	offset, err2 := strconv.ParseInt(o, 10, 64)
	return engine.LogOffset{Partition: int32(partition), Offset: offset, Known: true}, err1 == nil && err2 == nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// tell sets X-Log-Offset.
func (c *call) tell(o engine.LogOffset) {
	if !o.Known {
		return
	}
	var space [32]byte
	b := strconv.AppendInt(space[:0], int64(o.Partition), 10)
	b = strconv.AppendInt(append(b, ':'), o.Offset, 10)
	c.w.Header()[offsetHeader] = []string{string(b)}
}

// remember also leaves the cookie that browsers bring to the next reads. It is
// no secret: it names a record, and whoever forges it only waits longer.
func (c *call) remember(o engine.LogOffset) {
	c.tell(o)
	if !o.Known {
		return
	}
	var space [96]byte
	b := append(space[:0], offsetCookie...)
	b = strconv.AppendInt(b, int64(o.Partition), 10)
	b = strconv.AppendInt(append(b, '='), o.Offset, 10)
	b = append(b, "; Max-Age=10; Path=/v1; HttpOnly; SameSite=Strict"...)
	c.w.Header()["Set-Cookie"] = []string{string(b)}
}
