package api

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

var pages = template.Must(template.ParseFS(web, "web/*.html"))

// policy is what a page may do: run and show what comes from here, talk to here,
// and nothing else. Not one page has a script or a style of its own in it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// openPages reads the pages' files, and the key that the trial identity signs with.
func (s *Server) openPages(id Identity) (err error) {
	if s.assets, err = assets(); err != nil {
		return err
	}
	if id.Trial() {
		s.issuer, err = NewIssuer(id)
	}
	return err
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
