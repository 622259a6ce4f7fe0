package api

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// The pages keep a token in a cookie that no script can read. Admins' has a
// name of its own: cookies do not tell ports apart, and both doors often stand
// on one host.
const (
	memberCookie = "__Host-fc_session"
	adminCookie  = "__Host-fc_admin"
	// plainPrefix is what a cookie of the trial identity lacks over plain http,
	// where browsers keep nothing that calls itself secure.
	plainPrefix = "__Host-"
	// trialSession is how long a name given on the page is remembered.
	trialSession = 12 * time.Hour
	// cookieMost is how long a token may be in a cookie: browsers drop those
	// beyond 4 KiB, name and attributes included.
	cookieMost = 3800
	// sessionBody bounds the body of POST /session.
	sessionBody = 8 << 10
)

// errNoCookie: the request carries no session.
var errNoCookie = errors.New("no session")

// cookieToken returns the token of the session's cookie. A change that a page of
// somebody else sends along with it is refused: the cookie comes by itself, so
// it does not prove that the member meant it.
func (id *identity) cookieToken(r *http.Request) (string, error) {
	if len(r.Header["Cookie"]) == 0 {
		return "", errNoCookie
	}
	cookie, err := r.Cookie(id.cookie)
	if err != nil && id.trial {
		cookie, err = r.Cookie(strings.TrimPrefix(id.cookie, plainPrefix))
	}
	if err != nil || cookie.Value == "" || len(cookie.Value) > tokenMost {
		return "", errNoCookie
	}
	if err := sameOrigin(r); err != nil {
		return "", err
	}
	return cookie.Value, nil
}

var origins = http.NewCrossOriginProtection()

// sameOrigin refuses changes that come from another site's page.
func sameOrigin(r *http.Request) error {
	if origins.Check(r) != nil {
		return forbidden.is("a page of another origin may not do this")
	}
	return nil
}

// session is what a page is told of who is here.
func (c *call) session(id *identity, who *caller) error {
	b := appendBool(append(c.buf[:0], '{'), "trial", id.trial)
	if who != nil {
		b = appendText(b, "name", who.member.Subject)
		if id.admins {
			b = appendText(b, "role", roleNamed(who.access))
		}
		b = appendTime(b, "expires_at", time.Unix(who.expires, 0))
	}
	c.buf = closeObject(b)
	return c.json(http.StatusOK, c.buf)
}

// whoIsHere is GET /session.
func (s *Server) whoIsHere(id *identity) func(*call) error {
	return func(c *call) error { return c.session(id, id.visitor(c)) }
}

// visitor is who looks at a page: nil for somebody without a session, or with
// one that is good no more, which is then taken away.
func (id *identity) visitor(c *call) *caller {
	who, err := id.caller(c.r)
	if err == nil {
		return who
	}
	var p *problem
	if errors.As(err, &p) && p.kind == unauthenticated && p.because != "" {
		id.forget(c)
	}
	return nil
}

// signIn is POST /session: a name, where this program is its own issuer, or a
// token of whoever is.
func (s *Server) signIn(id *identity) func(*call) error {
	return func(c *call) error {
		if err := sameOrigin(c.r); err != nil {
			return err
		}
		doc, err := c.body(sessionBody)
		if err != nil {
			return err
		}
		if doc == nil {
			return malformed.is("a JSON body is needed")
		}
		var name, role, token string
		var plain bool
		f := readFields(doc)
		f.text("name", &name)
		f.text("role", &role)
		f.text("token", &token)
		f.flag("plain", &plain)
		switch {
		case (name == "") == (token == ""):
			f.refuse("name", "give either a name or a token")
		case name != "" && !goodSubject(name):
			f.refuse("name", "must have at most %d bytes", subjectMost)
		case len(token) > cookieMost:
			f.refuse("token", "is too long for a cookie: at most %d bytes", cookieMost)
		}
		if _, known := roles[role]; role != "" && (!known || !id.admins || token != "") {
			f.refuse("role", "must be viewer, operator or owner, with a name, and on the admins' address")
		}
		if err := f.done(); err != nil {
			return err
		}
		if name != "" {
			if token, err = s.trialToken(c, id, name, role); err != nil {
				return err
			}
		}
		who, err := id.whose(c.r.Context(), token)
		if err != nil {
			return err
		}
		id.keep(c, token, who, plain)
		return c.session(id, who)
	}
}

// trialToken makes a token for a name. Whoever may call themselves admin must
// sit at this machine: another machine's admin brings a token. A host that is a
// name could be anybody's that was pointed here (DNS rebinding).
func (s *Server) trialToken(c *call, id *identity, name, role string) (string, error) {
	if s.issuer == nil || !id.trial {
		return "", forbidden.is("names are taken only by the trial identity; sign in with a token of your identity provider")
	}
	if !id.admins {
		return s.issuer.Mint(name, "", trialSession)
	}
	if role == "" {
		role = "operator"
	}
	remote, err := netip.ParseAddrPort(c.r.RemoteAddr)
	if err != nil || !remote.Addr().Unmap().IsLoopback() || !isLoopback(c.r.Host) || c.r.Header["X-Forwarded-For"] != nil {
		return "", forbidden.is("from another machine an admin signs in with a token: firstcome token --sub NAME --role ROLE")
	}
	return s.issuer.Mint(name, role, trialSession)
}

// signOut is DELETE /session. A repeat is no error.
func (s *Server) signOut(id *identity) func(*call) error {
	return func(c *call) error {
		if err := sameOrigin(c.r); err != nil {
			return err
		}
		id.forget(c)
		c.w.Header()["Cache-Control"] = noStore
		c.status = http.StatusNoContent
		c.w.WriteHeader(c.status)
		return nil
	}
}

// keep sets the cookie. It is secure, except where the trial identity is asked
// over plain http and the browser would drop it: on another host than this
// machine, or when the page found that it did (Safari, on this machine).
func (id *identity) keep(c *call, token string, who *caller, plain bool) {
	cookie := http.Cookie{Name: id.cookie, Value: token, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		MaxAge: max(int(who.expires-int64(skew/time.Second)-id.now().Unix()), 1)}
	if id.trial && !c.encrypted() && (plain || !isLoopback(c.r.Host)) {
		cookie.Name, cookie.Secure = strings.TrimPrefix(id.cookie, plainPrefix), false
	}
	id.forget(c)
	for i, old := range c.w.Header()["Set-Cookie"] {
		if strings.HasPrefix(old, cookie.Name+"=") {
			c.w.Header()["Set-Cookie"][i] = cookie.String()
		}
	}
}

// forget takes the cookie away, under both of its names.
func (id *identity) forget(c *call) {
	gone := http.Cookie{Name: id.cookie, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: -1}
	all := []string{gone.String()}
	if id.trial {
		gone.Name, gone.Secure = strings.TrimPrefix(id.cookie, plainPrefix), false
		all = append(all, gone.String())
	}
	c.w.Header()["Set-Cookie"] = all
}

// encrypted reports whether the browser speaks TLS, with us or with a proxy that
// we trust to say so.
func (c *call) encrypted() bool {
	if c.r.TLS != nil {
		return true
	}
	remote, err := netip.ParseAddrPort(c.r.RemoteAddr)
	return err == nil && trusted(remote.Addr(), c.server.proxies) && strings.EqualFold(c.r.Header.Get("X-Forwarded-Proto"), "https")
}

// isLoopback reports whether a Host header names this machine itself.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// roleNamed is the name of an access; empty: none.
func roleNamed(a access) string {
	for name, role := range roles {
		if role == a {
			return name
		}
	}
	return ""
}

// cookieName is where a door's pages keep their token.
func cookieName(admins bool) string {
	if admins {
		return adminCookie
	}
	return memberCookie
}
