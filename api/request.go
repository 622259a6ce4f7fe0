package api

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"firstcome/engine"
)

// How much of a body is read.
const (
	claimBody = 4 << 10
	adminBody = 64 << 10
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// campaign returns the campaign's id in the path. What cannot be an id is not found.
func (c *call) campaign() (string, error) {
	id := c.r.PathValue("id")
	if !isSlug(id) {
		return "", notFound.is("")
	}
	return id, nil
}

// isSlug reports whether s is ^[a-z0-9][a-z0-9-]{0,62}$.
func isSlug(s string) bool {
	if len(s) == 0 || len(s) > 63 || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// body reads a JSON body of at most most bytes and checks that it can be
// trusted; nil when there is none. The bytes are the caller's to keep.
func (c *call) body(most int64) ([]byte, error) {
	if c.r.ContentLength == 0 || c.r.Body == nil || c.r.Body == http.NoBody {
		return nil, nil
	}
	if c.r.ContentLength > most {
		c.w.Header()["Connection"] = []string{"close"} // do not read on for the next request
		return nil, tooLarge.is("at most " + itoa(most) + " bytes")
	}
	doc, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, most))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge.is("at most " + itoa(most) + " bytes")
	case err != nil:
		return nil, malformed.is("the body ends early")
	case len(doc) == 0:
		return nil, nil
	}
	if err := c.checkMedia(); err != nil {
		return nil, err
	}
	if err := checkJSON(doc); err != nil {
		return nil, malformed.is(err.Error())
	}
	return doc, nil
}

// checkMedia refuses bodies that are declared as anything but JSON. A body that
// is not declared at all is taken at its word.
func (c *call) checkMedia() error {
	if c.r.Header.Get("Content-Encoding") != "" {
		return unsupportedMedia.is("compressed bodies are not read")
	}
	declared := c.r.Header["Content-Type"]
	if len(declared) == 0 {
		return nil
	}
	kind, params, err := mime.ParseMediaType(declared[0])
	switch {
	case err != nil, kind != "application/json" && !(kind == "application/merge-patch+json" && c.r.Method == http.MethodPatch):
		return unsupportedMedia.is("")
	case params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8"):
		return unsupportedMedia.is("JSON is UTF-8")
	}
	return nil
}

// adminFields reads a required body of an admin.
func (c *call) adminFields() (*fields, error) {
	doc, err := c.body(adminBody)
	if err != nil {
		return nil, err
	}
	if doc == nil {
		return nil, malformed.is("a JSON body is needed")
	}
	return readFields(doc), nil
}

// query returns the parameters of the address.
func (c *call) query() (url.Values, error) {
	if c.r.URL.RawQuery == "" {
		return nil, nil
	}
	q, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return nil, malformed.is("the query cannot be read")
	}
	return q, nil
}

// dryRun reads ?dry_run=.
func (c *call) dryRun() (bool, error) {
	q, err := c.query()
	if err != nil {
		return false, err
	}
	switch q.Get("dry_run") {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	}
	return false, badQuery("dry_run", "must be true or false")
}

// badQuery is a parameter with a wrong value.
func badQuery(name, detail string) error {
	return &engine.InvalidError{Fields: []engine.FieldError{{Pointer: "?" + name, Detail: detail}}}
}

// page is what a list is asked for.
type page struct {
	limit int
	after string // the cursor's content; empty: from the start
}

// How long pages are.
const (
	pageDefault = 50
	pageMost    = 200
)

// page reads ?limit= and ?cursor=. list names the list, so that a cursor of
// another one is refused.
func (c *call) page(q url.Values, list string) (page, error) {
	p := page{limit: pageDefault}
	if v := q.Get("limit"); v != "" || q.Has("limit") {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > pageMost {
			return p, badQuery("limit", "must be an integer from 1 to "+strconv.Itoa(pageMost))
		}
		p.limit = n
	}
	if v := q.Get("cursor"); v != "" {
		after, ok := openCursor(list, v)
		if !ok {
			return p, badQuery("cursor", "is not a cursor of this list")
		}
		p.after = after
	}
	return p, nil
}

// number reads a cursor that is a number.
func (p page) number(absent int64) (int64, error) {
	if p.after == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(p.after, 10, 64)
	if err != nil || n < 0 {
		return 0, badQuery("cursor", "is not a cursor of this list")
	}
	return n, nil
}

// cursorMost bounds what is decoded.
const cursorMost = 256

// cursor makes an opaque cursor of a list.
func cursor(list, at string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(list + "|" + at))
}

func openCursor(list, opaque string) (at string, ok bool) {
	if len(opaque) > cursorMost {
		return "", false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(opaque)
	if err != nil {
		return "", false
	}
	at, ok = strings.CutPrefix(string(b), list+"|")
	return at, ok && at != ""
}

// closeList ends a list envelope and names the next page, also in Link; next is
// empty at the end.
func (c *call) closeList(b []byte, list, next string) []byte {
	if next != "" {
		q := c.r.URL.Query()
		q.Set("cursor", cursor(list, next))
		c.w.Header()["Link"] = []string{"<" + c.r.URL.EscapedPath() + "?" + q.Encode() + `>; rel="next"`}
	}
	return endList(b, list, next)
}

// openList begins a list envelope.
func openList(b []byte) []byte { return append(b, `{"items":[`...) }

// endList ends a list envelope.
func endList(b []byte, list, next string) []byte {
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	b = append(b, `],"next_cursor":`...)
	if next == "" {
		return append(b, `null}`...)
	}
	return append(append(append(b, '"'), cursor(list, next)...), `"}`...)
}
