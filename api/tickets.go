package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"net/url"
	"time"

	"firstcome/engine/fold"
)

// ticketLives is how long a ticket opens streams. It stands in an address, which
// others may log.
const ticketLives = 60 * time.Second

// A ticket is, in base64: when it ends and when the token behind it does (Unix
// s), the member's pseudonym, and an HMAC of those. Any node of the cluster can
// read it, and nobody learns a name from it.
const (
	ticketBody = 8 + 8 + len(fold.User{})
	ticketMAC  = 16
)

// watcher is who watches.
type watcher struct {
	user  fold.User
	until time.Time // then it must be proved anew
}

// ticketRefused: what ?ticket= holds opens nothing.
var ticketRefused = &problem{kind: unauthenticated, because: "the ticket is not valid any more: ask for another one",
	headers: [][2]string{{"WWW-Authenticate", `Bearer realm="firstcome"`}}}

// makeTicket is POST /v1/stream-tickets.
func (s *Server) makeTicket(c *call) error {
	if s.ports.Glances == nil {
		return unavailable.elsewhere("this node knows no members")
	}
	ends := time.Now().Add(ticketLives).Truncate(time.Second)
	w := watcher{s.ports.Glances.User(c.caller.member.Subject), time.Unix(c.caller.expires, 0)}
	b := appendText(append(c.buf[:0], '{'), "ticket", s.sealTicket(w, ends))
	c.buf = closeObject(appendTime(b, "expires_at", ends))
	return c.json(http.StatusOK, c.buf)
}

func (s *Server) sealTicket(w watcher, ends time.Time) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(ends.Unix()))
	b = binary.BigEndian.AppendUint64(b, uint64(w.until.Unix()))
	b = append(b, w.user[:]...)
	return base64.RawURLEncoding.EncodeToString(append(b, s.ticketMAC(b)...))
}

func (s *Server) ticketMAC(body []byte) []byte {
	h := hmac.New(sha256.New, s.ticketKey[:])
	h.Write(body)
	return h.Sum(nil)[:ticketMAC]
}

func (s *Server) openTicket(ticket string) (*watcher, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	if err != nil || len(b) != ticketBody+ticketMAC || !hmac.Equal(b[ticketBody:], s.ticketMAC(b[:ticketBody])) {
		return nil, ticketRefused
	}
	if time.Now().Unix() > int64(binary.BigEndian.Uint64(b)) {
		return nil, ticketRefused
	}
	return &watcher{fold.User(b[16:ticketBody]), time.Unix(int64(binary.BigEndian.Uint64(b[8:])), 0)}, nil
}

// watcher is who asks for a stream: by ticket, or as anywhere else; nil when the
// request names nobody. Who names somebody must prove it; but a session that a
// browser sends by itself, and that is over, keeps nobody from what all may see.
func (c *call) watcher(q url.Values) (*watcher, error) {
	if q.Has("ticket") {
		return c.server.openTicket(q.Get("ticket"))
	}
	who, err := c.server.memberGate.caller(c.r)
	var p *problem
	if errors.As(err, &p) && p.kind == unauthenticated && len(c.r.Header["Authorization"]) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &watcher{c.server.ports.Glances.User(who.member.Subject), time.Unix(who.expires, 0)}, nil
}
