package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

//go:embed web
var web embed.FS

var pages = template.Must(template.ParseFS(web, "web/*.html"))

// policy is what a page may do: run and show what comes from here, talk to here,
// and nothing else. Not one page has a script or a style of its own in it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// asset is a file of the pages as it is sent, plain and packed.
type asset struct {
	media            []string
	plain, packed    []byte
	etag, packedETag []string
}

var mediaTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// loadAssets reads all files that pages load.
func loadAssets() (map[string]*asset, error) {
	all := map[string]*asset{}
	entries, err := fs.ReadDir(web, "web")
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	for _, e := range entries {
		media, known := mediaTypes[path.Ext(e.Name())]
		if !known {
			continue
		}
		a := &asset{media: []string{media}}
		if a.plain, err = web.ReadFile("web/" + e.Name()); err != nil {
			return nil, fmt.Errorf("read the pages: %w", err)
		}
		if a.packed, err = packed(a.plain); err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.Name(), err)
		}
		tag := contentTag(a.plain)
		a.etag, a.packedETag = []string{`"` + tag + `"`}, []string{`"` + tag + `.gz"`}
		all[e.Name()] = a
	}
	return all, nil
}

// openPages reads the pages' files, and the key that the trial identity signs with.
func (s *Server) openPages(id Identity) (err error) {
	if s.assets, err = loadAssets(); err != nil {
		return err
	}
	if id.Trial() {
		s.issuer, err = NewIssuer(id)
	}
	return err
}

func packed(plain []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func contentTag(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

var (
	revalidate   = []string{"no-cache"}
	varyEncoding = []string{"Accept-Encoding"}
	gzipped      = []string{"gzip"}
)

// asset is GET /assets/{file}. Pages and their modules change together, so each
// use asks whether the copy is still the one; the answer is 304 and no body.
func (s *Server) asset(c *call) error {
	a := s.assets[c.r.PathValue("file")]
	if a == nil {
		return notFound.is("")
	}
	h := c.w.Header()
	body, etag := a.plain, a.etag
	if acceptsGzip(c.r.Header["Accept-Encoding"]) {
		body, etag = a.packed, a.packedETag
		h["Content-Encoding"] = gzipped
	}
	h["Content-Type"], h["Etag"], h["Cache-Control"], h["Vary"] = a.media, etag, revalidate, varyEncoding
	c.cached(etag[0], body)
	return nil
}

// cached sends a body unless the client has it.
func (c *call) cached(etag string, body []byte) {
	if matches(c.r.Header["If-None-Match"], etag) {
		h := c.w.Header()
		delete(h, "Content-Type")
		delete(h, "Content-Encoding")
		c.status = http.StatusNotModified
		c.w.WriteHeader(c.status)
		return
	}
	c.write(http.StatusOK, body)
}

func acceptsGzip(header []string) bool {
	for _, line := range header {
		for part := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") {
				return weight(params) > 0
			}
		}
	}
	return false
}

// languageCookie keeps the language that somebody chose on a page.
const languageCookie = "fc_lang"

// pageLanguage is ?lang=, which is kept, or else what was kept, or else what the
// browser asks for.
func (c *call) pageLanguage() language {
	if strings.Contains(c.r.URL.RawQuery, "lang=") {
		switch chosen := c.r.URL.Query().Get("lang"); chosen {
		case "ko", "en":
			c.w.Header().Add("Set-Cookie", (&http.Cookie{Name: languageCookie, Value: chosen, Path: "/", MaxAge: int((365 * 24 * time.Hour).Seconds()),
				Secure: c.encrypted(), SameSite: http.SameSiteLaxMode}).String())
			return languageOf[chosen]
		}
	}
	if kept, err := c.r.Cookie(languageCookie); err == nil {
		if l, ok := languageOf[kept.Value]; ok {
			return l
		}
	}
	return c.language()
}

var languageOf = map[string]language{"en": english, "ko": korean}

// pageFrame is what every page is drawn with.
type pageFrame struct {
	Lang, Other string // "ko", and the language that the reader may switch to
	Korean      bool
	Member      string // who is here; empty: nobody
	Trial       bool   // a name is enough to sign in
	Title       string
	Text        string // what the page is about, for previews of its address
	Path        string
	Data        any
}

func (c *call) frame() pageFrame {
	lang := c.pageLanguage()
	return pageFrame{Lang: contentLanguage[lang][0], Other: contentLanguage[1-lang][0], Korean: lang == korean, Path: c.r.URL.Path}
}

// app is a page that works: status and what it is about may be known before it is drawn.
func (s *Server) app(name string, id *identity, about func(*call, *pageFrame) int) func(*call) error {
	return func(c *call) error {
		who := id.visitor(c)
		f := c.frame()
		f.Trial, f.Title = id.trial, "firstcome"
		if who != nil {
			f.Member = who.member.Subject
		}
		status := http.StatusOK
		if about != nil {
			status = about(c, &f)
		}
		return c.html(name, status, &f)
	}
}

// aboutCampaign names the campaign in the page's head. One that is not known is
// "not found" for machines; people get the page all the same, which shows the
// campaign as soon as it is published.
func (s *Server) aboutCampaign(c *call, f *pageFrame) int {
	campaign, err := s.ports.Campaigns.Campaign(c.r.PathValue("id"))
	if err != nil || campaign.Status == fold.Draft {
		return http.StatusNotFound
	}
	f.Title, f.Text = campaign.Title, preview(&campaign)
	return http.StatusOK
}

// previewMost bounds what is shown of a description beside a link, in characters.
const previewMost = 160

func preview(c *engine.Campaign) string {
	text := []rune(strings.Join(strings.Fields(c.Description), " "))
	if len(text) > previewMost {
		return string(text[:previewMost-1]) + "…"
	}
	return string(text)
}

// html sends a page. Who is here is on it, so nobody but its reader may keep it.
func (c *call) html(name string, status int, f *pageFrame) error {
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, name, f); err != nil {
		return fmt.Errorf("draw %s: %w", name, err)
	}
	h := c.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", f.Lang)
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Accept-Language, Cookie")
	if status != http.StatusOK {
		c.write(status, out.Bytes())
		return nil
	}
	etag := `"` + contentTag(out.Bytes()) + `"`
	h.Set("Etag", etag)
	c.cached(etag, out.Bytes())
	return nil
}

// wantsPage reports whether a person asks, by a browser's address bar or a link.
func (c *call) wantsPage() bool {
	return (c.r.Method == http.MethodGet || c.r.Method == http.MethodHead) && !strings.HasPrefix(c.r.URL.Path, "/v1/") &&
		negotiate(c.r.Header["Accept"], []string{jsonMedia, "text/html"}) == "text/html"
}

// nowhere answers for what is not there: to people with a page.
func (c *call) nowhere() error {
	if !c.wantsPage() {
		return notFound.is("")
	}
	f := c.frame()
	f.Title = notFound.texts[languageOf[f.Lang]].title
	return c.html("nowhere.html", http.StatusNotFound, &f)
}
