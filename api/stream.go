package api

import (
	"net/http"
	"net/url"
	"time"
)

const eventStream = "text/event-stream"

// events is GET /v1/campaigns/{id}/events.
func (s *Server) events(c *call) error {
	id, err := c.campaign()
	if err != nil {
		return err
	}
	if s.streams == nil {
		return unavailable.elsewhere("this node serves no streams")
	}
	q, err := c.query()
	if err != nil {
		return err
	}
	if err := s.ports.Glances.Following(id); err != nil {
		return err
	}
	if c.media == jsonMedia {
		return c.missing(id, q)
	}
	return c.stream(id, q)
}

// elsewhere is a refusal of a node that does not do this work; another does.
func (k *kind) elsewhere(because string) *problem {
	p := later(k, nil)
	p.because = because
	return p
}

// missing answers with exactly the frames behind ?after=.
func (c *call) missing(id string, q url.Values) error {
	p, err := c.page(q, "events")
	if err != nil {
		return err
	}
	ctx, cancel := c.deadline()
	defer cancel()
	items, position, err := c.server.ports.Feed.Missing(ctx, id, q.Get("after"), p.limit)
	if err != nil {
		return err
	}
	b := append(append(c.buf[:0], `{"items":[`...), items...)
	b = append(b, `],`...)
	c.buf = closeObject(appendText(b, "position", position))
	return c.json(http.StatusOK, c.buf)
}

// idMost bounds what is looked at as an id, in bytes; what is longer is none.
const idMost = 128

// lastSeen is the id of the last frame that the client saw; empty: none. What
// EventSource says of itself is newer than the address that it was made with.
func (c *call) lastSeen(q url.Values) string {
	id := q.Get("last_event_id")
	if h := c.r.Header["Last-Event-Id"]; len(h) > 0 && h[0] != "" {
		id = h[0]
	}
	if len(id) > idMost {
		return "-"
	}
	return id
}

// stream answers with the stream: it writes the head and what the client missed,
// gives the connection to a writer, and is done.
func (c *call) stream(id string, q url.Values) error {
	st, err := c.newStream(id, q)
	if err != nil {
		return err
	}
	if st.reel, err = c.server.ports.Feed.Watch(c.r.Context(), id); err != nil {
		return err
	}
	missed, pos, ok := st.reel.Join(st.after, false)
	if _, _, over := st.reel.Tail(); over && ok && len(missed) == 0 || c.r.Method == http.MethodHead {
		st.reel.Leave()
		return c.headOnly(over)
	}
	if ok {
		st.pos, st.after = pos, ""
	} else {
		st.joining, st.until = true, time.Now().Add(aheadMost)
	}
	if err := c.hijack(st, missed); err != nil {
		st.reel.Leave()
		return err
	}
	return nil
}

// newStream is who wants to watch what, before anything is open.
func (c *call) newStream(id string, q url.Values) (*stream, error) {
	who, err := c.watcher(q)
	if err != nil {
		return nil, err
	}
	st := &stream{campaign: id, address: clientAddress(c.r, c.server.proxies), after: c.lastSeen(q)}
	if who != nil {
		st.user, st.known, st.expires = who.user, true, who.until
		st.news.Store(true)
	}
	return st, nil
}

// headOnly answers HEAD, and tells a client who has seen a stream to its end
// that nothing comes any more: EventSource stays away after 204.
func (c *call) headOnly(over bool) error {
	c.status = http.StatusOK
	if over {
		c.status = http.StatusNoContent
	} else {
		c.streamHead()
	}
	c.w.Header()["Cache-Control"] = noStore
	c.w.WriteHeader(c.status)
	return nil
}

func (c *call) streamHead() {
	h := c.w.Header()
	h["Content-Type"] = []string{eventStream}
	h["Cache-Control"] = noStore
	h["X-Accel-Buffering"] = []string{"no"}
	h["Connection"] = closing
}

// hijack takes the connection out of net/http's hands and gives it to a writer.
func (c *call) hijack(st *stream, missed []byte) error {
	if !c.r.ProtoAtLeast(1, 1) || c.r.ProtoMajor > 1 {
		return errNoStream
	}
	h := c.server.streams
	if err := h.enter(st); err != nil {
		return err
	}
	conn, _, err := http.NewResponseController(c.w).Hijack()
	if err != nil {
		h.leave(st)
		return errNoStream
	}
	sock, err := newSocket(conn)
	if err != nil {
		h.leave(st)
		c.status = http.StatusInternalServerError
		conn.Close()
		c.server.log.ErrorContext(c.r.Context(), "a stream needs a plain socket", "room", "api", "err", err)
		return nil
	}
	c.status = http.StatusOK
	c.streamHead()
	c.buf = appendHead(c.buf[:0], c.w.Header())
	c.buf = append(appendRetry(c.buf), missed...)
	if st.known {
		st.reel.Mind(st.user, true)
	}
	st.wrote = time.Now()
	st.moved = st.wrote
	n, _ := sock.write(c.buf) // a reader that is gone already is found by the writer
	st.sent = int64(n)
	if n < len(c.buf) {
		st.owe(c.buf[n:])
	}
	st.sock.Store(sock)
	h.hand(st)
	return nil
}

// appendHead appends what net/http would write, had it not let go of the
// connection.
func appendHead(b []byte, h http.Header) []byte {
	b = append(b, "HTTP/1.1 200 OK\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	for name, values := range h {
		for _, v := range values {
			b = append(append(append(append(b, "\r\n"...), name...), ": "...), v...)
		}
	}
	return append(b, "\r\n\r\n"...)
}

// errNoStream: only HTTP/1.1 connections can be streams here.
var errNoStream = notAcceptable.is("streams are served over HTTP/1.1; with Accept: application/json the missing frames can be fetched")
