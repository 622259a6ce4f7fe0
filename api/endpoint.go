package api

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// access is who may use a route.
type access uint8

const (
	anyone access = iota
	asMember
	asViewer   // reads
	asOperator // runs campaigns
	asOwner    // also throttle and audit
)

// charge is what a route costs its member. Claims are counted when it is known
// whether they go beyond memory.
type charge uint8

const (
	free charge = iota
	counted
	costly
)

// route is one line of the table of contents.
type route struct {
	pattern   string // of net/http.ServeMux
	operation string // operationId in openapi/, and the metrics' label
	access    access
	charge    charge
	handle    func(*call) error
}

// endpoint serves one route: everything that all routes have in common.
type endpoint struct {
	route
	server *Server
	gate   *identity // who may come in; nil where anyone may
	crowd  *meters   // of client addresses; nil: they are not counted
	lane   *lane     // nil: health and the like, never shed
	media  []string  // what it can answer with, best first; nil: whatever is asked for
	timer  observer
}

// statusGone is counted when the client left before the answer (as nginx does).
const statusGone = 499

// call is one request under way. It is used again afterwards: nothing may keep
// it, or its buffer, beyond the handler's return.
type call struct {
	w       http.ResponseWriter
	r       *http.Request
	server  *Server
	point   *endpoint
	caller  *caller // nil where anyone may come in
	media   string  // what Accept and the endpoint agreed on
	id      string  // Request-Id
	status  int     // 0: nothing written yet
	buf     []byte
	started time.Time
}

var calls = sync.Pool{New: func() any { return &call{buf: make([]byte, 0, 1024)} }}

// bufferKept bounds the buffers that are used again.
const bufferKept = 64 << 10

var noSniff = []string{"nosniff"}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := calls.Get().(*call)
	c.w, c.r, c.server, c.point = w, r, e.server, e
	c.started = time.Now()
	c.id = requestID(r)
	h := w.Header()
	h["Request-Id"] = []string{c.id}
	h["X-Content-Type-Options"] = noSniff
	defer c.end()
	if err := c.serve(); err != nil {
		c.refuse(err)
	}
}

func (c *call) serve() error {
	e := c.point
	if err := e.lane.enter(); err != nil {
		return err
	}
	defer e.lane.leave()
	if err := c.admit(); err != nil {
		return err
	}
	return e.handle(c)
}

// admit answers who asks, whether they may, and in what form they want it.
func (c *call) admit() (err error) {
	e := c.point
	if e.crowd != nil {
		if err := e.crowd.of(clientAddress(c.r, e.server.proxies)).plain(); err != nil {
			return err
		}
	}
	if e.gate != nil {
		if c.caller, err = e.gate.caller(c.r); err != nil {
			return err
		}
		if e.access > c.caller.access {
			return &problem{kind: forbidden, headers: [][2]string{{"WWW-Authenticate", `Bearer realm="firstcome", error="insufficient_scope"`}}}
		}
	}
	if e.charge != free {
		if err := c.charge(e.charge); err != nil {
			return err
		}
	}
	if e.media != nil {
		if c.media = negotiate(c.r.Header["Accept"], e.media); c.media == "" {
			return notAcceptable.is("this address answers " + strings.Join(e.media, ", "))
		}
	}
	return nil
}

// charge counts the request against its member's limits.
func (c *call) charge(how charge) error {
	m := c.server.meters.of(c.caller.member.Subject)
	if how == costly {
		return m.spend()
	}
	return m.plain()
}

// end keeps the books of a request and gives the call back.
func (c *call) end() {
	if v := recover(); v != nil {
		c.recovered(v)
	}
	c.point.timer.observe(c.status, time.Since(c.started))
	if cap(c.buf) > bufferKept {
		c.buf = make([]byte, 0, 1024)
	}
	*c = call{buf: c.buf[:0]}
	calls.Put(c)
}

// recovered answers for a bug of ours; an aborted stream stays aborted, so that
// its reader sees that it is not whole.
func (c *call) recovered(v any) {
	if v == http.ErrAbortHandler {
		panic(v)
	}
	c.server.log.LogAttrs(c.r.Context(), slog.LevelError, "a request ended in a panic: a bug of ours",
		slog.String("room", "api"), slog.String("operation", c.point.operation), slog.String("request", c.id), slog.Any("err", v))
	if c.status == 0 {
		c.refuse(internalError.is(""))
	}
}

// write sends a whole answer. The headers must be set.
func (c *call) write(status int, body []byte) {
	c.status = status
	if len(body) > 2048 { // below, net/http counts by itself
		c.w.Header()["Content-Length"] = []string{itoa(int64(len(body)))}
	}
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // the reader may be gone; nothing is to be done about it
}

var jsonType = []string{"application/json"}

// json sends a JSON answer that nobody may keep.
func (c *call) json(status int, body []byte) error {
	h := c.w.Header()
	h["Content-Type"] = jsonType
	if h["Cache-Control"] == nil {
		h["Cache-Control"] = noStore
	}
	c.write(status, body)
	return nil
}

// requestID is the trace's id where the client sent one (W3C Trace Context), so
// that both sides' logs can be laid side by side; else a random one.
func requestID(r *http.Request) string {
	if v := r.Header["Traceparent"]; len(v) == 1 && len(v[0]) == 55 && v[0][2] == '-' && v[0][35] == '-' && isHex(v[0][3:35]) {
		return v[0][3:35]
	}
	var id [32]byte
	for half := range 2 {
		n := rand.Uint64()
		for i := range 16 {
			id[half*16+i] = hexDigits[n&15]
			n >>= 4
		}
	}
	return string(id[:])
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// door is the set of routes of one listener.
type door struct {
	server  *Server
	mux     *http.ServeMux
	unknown *endpoint
}

var closing = []string{"close"}

// ServeHTTP finds the endpoint. Paths that net/http would redirect to a cleaner
// form are unknown here: no client of an API writes them on purpose.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d.server.leaving.Load() {
		w.Header()["Connection"] = closing
	}
	if !isClean(r.URL.Path) {
		d.unknown.ServeHTTP(w, r)
		return
	}
	d.mux.ServeHTTP(w, r)
}

// isClean reports whether a path is rooted and has no empty, . or .. element.
func isClean(p string) bool {
	return p != "" && p[0] == '/' && (p == "/" || len(path.Clean(p)) == len(strings.TrimSuffix(p, "/")))
}

// door builds a listener's routes.
func (s *Server) door(routes []route, gate *identity, crowd *meters, laneOf func(route) *lane) *door {
	d := &door{server: s, mux: http.NewServeMux()}
	for _, r := range routes {
		if because := s.elsewhere(&r); because != "" {
			r.handle = func(*call) error { return unavailable.elsewhere(because) }
		}
		e := &endpoint{route: r, server: s, media: mediaOf[r.operation], timer: s.metrics.observer(r.operation)}
		if r.access != anyone {
			e.gate = gate
		}
		if _, path, _ := strings.Cut(r.pattern, " "); strings.HasPrefix(path, "/v1/") {
			e.lane, e.crowd = laneOf(r), crowd
			if e.media == nil {
				e.media = jsonOnly
			}
		}
		d.mux.Handle(r.pattern, e)
	}
	d.unknown = &endpoint{route: route{operation: "unknown", handle: d.missing}, server: s, timer: s.metrics.observer("unknown")}
	d.mux.Handle("/", d.unknown)
	return d
}

var jsonOnly = []string{jsonMedia}

// mediaOf names what an operation can answer with, where that is not JSON alone.
var mediaOf = map[string][]string{
	"listClaims":     {jsonMedia, csvType},
	"watchCampaign":  {eventStream, jsonMedia},
	"followCampaign": {eventStream},
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// missing answers for addresses that no route has, and for methods that the
// address does not know.
func (d *door) missing(c *call) error {
	var allow []string
	probe := *c.r
	for _, m := range methods {
		probe.Method = m
		if _, pattern := d.mux.Handler(&probe); pattern != "" && pattern != "/" {
			allow = append(allow, m)
		}
	}
	if len(allow) == 0 || !isClean(probe.URL.Path) {
		return c.nowhere()
	}
	return &problem{kind: methodNotAllowed, headers: [][2]string{{"Allow", strings.Join(allow, ", ")}}}
}
