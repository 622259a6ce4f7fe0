package api

import (
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const aPerson = "text/html,application/xhtml+xml,*/*;q=0.8"

// visit opens a page as a browser does.
func (h *house) visit(door http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequest("GET", target, nil)
	r.Header.Set("Accept", aPerson)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	return w
}

// pagesOf are all pages of both doors, with the status that each answers.
func (h *house) pagesOf() map[string]*httptest.ResponseRecorder {
	all := map[string]*httptest.ResponseRecorder{"admins /": h.visit(h.server.Admins(), "/"), "admins nowhere": h.visit(h.server.Admins(), "/nowhere")}
	for _, p := range []string{"/", "/c/noon", "/c/none", "/c/draft", "/live", "/docs", "/problems/sold-out", "/problems/none", "/nowhere"} {
		all[p] = h.visit(h.server.Members(), p)
	}
	return all
}

func TestPagesAreStrict(t *testing.T) {
	missing := map[string]bool{"/c/none": true, "/c/draft": true, "/problems/none": true, "/nowhere": true, "admins nowhere": true}
	own := regexp.MustCompile(`<style|<script(>|[^>]*>[^<])|\s(style|on\w+)=|javascript:`)
	outside := regexp.MustCompile(`(src|href|action)="(https?:)?//|url\(|@import`)
	for page, w := range newHouse(t).pagesOf() {
		if status := map[bool]int{false: 200, true: 404}[missing[page]]; w.Code != status {
			t.Errorf("%s answers %d, want %d", page, w.Code, status)
		}
		h := w.Header()
		if got := h.Get("Content-Security-Policy"); got != "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'" {
			t.Errorf("%s may: %s", page, got)
		}
		for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Content-Type": "text/html; charset=utf-8", "Cache-Control": "private, no-cache", "Cross-Origin-Opener-Policy": "same-origin"} {
			if h.Get(name) != value {
				t.Errorf("%s: %s is %q", page, name, h.Get(name))
			}
		}
		body := w.Body.String()
		if found := own.FindString(body); found != "" {
			t.Errorf("%s has %q in it", page, found)
		}
		if found := outside.FindString(body); found != "" {
			t.Errorf("%s loads from elsewhere: %q", page, found)
		}
		if !regexp.MustCompile(`<html lang="(en|ko)">`).MatchString(body) || !strings.Contains(body, "<main") || !strings.Contains(body, `name="viewport"`) {
			t.Errorf("%s lacks a language, a landmark or a viewport", page)
		}
	}
}

// Programs are told in JSON what people are told on a page.
func TestNowhereAnswersAsItIsAsked(t *testing.T) {
	h := newHouse(t)
	want(t, h.ask("GET /nowhere"), 404, "not-found")
	want(t, h.ask("GET /nowhere", "Accept", "application/json"), 404, "not-found")
	want(t, h.ask("GET /v1/nowhere", "Accept", aPerson), 404, "not-found")
	want(t, h.ask("POST /nowhere {}", "Accept", aPerson), 404, "not-found")
}

func TestAssets(t *testing.T) {
	h := newHouse(t)
	for name := range h.server.assets {
		w := h.ask("GET /assets/" + name)
		etag := w.Header().Get("Etag")
		if w.Code != 200 || etag == "" || w.Header().Get("Cache-Control") != "no-cache" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
		packed := h.ask("GET /assets/"+name, "Accept-Encoding", "br, gzip")
		z, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plain, err := io.ReadAll(z)
		if err != nil || string(plain) != w.Body.String() || packed.Header().Get("Etag") == etag || packed.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s is another one when it is packed: %v %v", name, err, packed.Header())
		}
		again := h.ask("GET /assets/"+name, "If-None-Match", etag)
		if again.Code != 304 || again.Body.Len() > 0 {
			t.Errorf("%s again: %d with %d bytes", name, again.Code, again.Body.Len())
		}
	}
	if w := h.ask("GET /assets/style.css", "Accept-Encoding", "gzip;q=0"); w.Header().Get("Content-Encoding") != "" {
		t.Error("who refuses gzip gets gzip")
	}
	for _, none := range []string{"member.html", "none.js", "..%2Fdocs.go", "%2e%2e"} {
		if w := h.ask("GET /assets/" + none); w.Code != 404 {
			t.Errorf("%s: %d", none, w.Code)
		}
	}
}

// modules are the pages' own scripts, without the admin's.
func modules(t *testing.T) []string {
	t.Helper()
	var all []string
	assets, err := assets()
	if err != nil {
		t.Fatal(err)
	}
	for name := range assets {
		if strings.HasSuffix(name, ".js") && !strings.Contains(name, "admin") {
			all = append(all, name)
		}
	}
	if len(all) < 9 {
		t.Fatalf("the modules are %v", all)
	}
	return all
}

// What others write is shown as text and never parsed; nothing comes from elsewhere.
func TestModulesAreStrict(t *testing.T) {
	for _, name := range append(modules(t), "style.css", "member.css") {
		text := pageFile(t, name)
		for _, never := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "http://", "https://", "javascript:", "url(", "@import", "localStorage"} {
			if strings.Contains(text, never) {
				t.Errorf("%s has %s", name, never)
			}
		}
	}
}

var loads = regexp.MustCompile(`(?:src|href)="/assets/([^"]+)"`)

// Each page with everything that it loads, in either language, unpacked.
func TestEachPageIsLight(t *testing.T) {
	h := newHouse(t)
	for _, page := range []string{"/", "/c/noon", "/live", "/docs", "/problems/sold-out", "/nowhere"} {
		for _, lang := range []string{"en", "ko"} {
			w := h.visit(h.server.Members(), page, "Accept-Language", lang)
			all, preloaded := map[string]bool{}, map[string]bool{}
			for _, m := range loads.FindAllStringSubmatch(w.Body.String(), -1) {
				preloaded[m[1]] = true
				with(t, all, m[1])
			}
			if all["base.js"] && !all["text."+lang+".js"] {
				t.Errorf("%s in %s does not load its words early", page, lang)
			}
			sum := w.Body.Len()
			for name := range all {
				sum += sent(t, name)
				if !preloaded[name] {
					t.Errorf("%s finds out late that it needs %s", page, name)
				}
			}
			if sum >= 100<<10 {
				t.Errorf("%s in %s weighs %d bytes: %v", page, lang, sum, slices.Sorted(maps.Keys(all)))
			}
		}
	}
}

// Both languages have the same keys, all that the modules say, and words for
// every refusal that a member can meet.
func TestPagesSpeakBothLanguages(t *testing.T) {
	en, ko := wordsOf(t, pageFile(t, "text.en.js")), wordsOf(t, pageFile(t, "text.ko.js"))
	if a, b := slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(ko)); !slices.Equal(a, b) {
		t.Errorf("the languages differ:\n%v\n%v", a, b)
	}
	needed := map[string]bool{}
	for _, name := range modules(t) {
		for _, m := range spoken.FindAllStringSubmatch(pageFile(t, name), -1) {
			if !strings.HasSuffix(m[1], ".") {
				needed[m[1]] = true
			}
		}
	}
	for _, k := range []*kind{notOpenYet, soldOut, campaignPaused, campaignClosed, notEligible, alreadyCancelled, superseded, invalidAnswers, cancellationClosed,
		rateLimited, overloaded, unavailable, stopped, internalError, malformed, unauthenticated, forbidden, notFound, tooLarge, invalidInput, stateForbids} {
		needed["problem."+k.code], needed["problem."+k.code+".text"] = true, true
	}
	for _, status := range statusNames {
		if status != "draft" {
			needed["status."+status] = true
		}
	}
	for key := range needed {
		if _, ok := en[key]; !ok {
			t.Errorf("the pages say %q, and nobody knows how", key)
		}
	}
}

func TestThePageSpeaksAsItIsAsked(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.DefaultLanguage = "ko" })
	for _, tt := range []struct{ target, accept, cookie, lang string }{
		{"/", "", "", "ko"}, {"/", "en-GB,en;q=0.9", "", "en"}, {"/", "fr", "", "ko"}, {"/", "en", "fc_lang=ko", "ko"}, {"/", "en", "fc_lang=fr", "en"},
		{"/?lang=en", "ko", "fc_lang=ko", "en"}, {"/?lang=xx", "ko", "", "ko"}, {"/problems/sold-out?lang=en", "ko", "", "en"}, {"/c/noon?lang=en", "ko", "", "en"},
	} {
		w := h.visit(h.server.Members(), tt.target, "Accept-Language", tt.accept, "Cookie", tt.cookie)
		if !strings.Contains(w.Body.String(), `<html lang="`+tt.lang+`">`) || w.Header().Get("Content-Language") != tt.lang {
			t.Errorf("%+v is answered in %s", tt, w.Header().Get("Content-Language"))
		}
		kept := strings.Contains(w.Header().Get("Set-Cookie"), "fc_lang="+tt.lang)
		if chosen := strings.Contains(tt.target, "lang=en"); kept != chosen {
			t.Errorf("%+v: Set-Cookie %q", tt, w.Header().Get("Set-Cookie"))
		}
	}
}

// What a campaign is called stands in the head of its page, whatever it is called.
func TestHostileTitleInTheHead(t *testing.T) {
	h := newHouse(t)
	c := h.campaigns["noon"]
	c.Title, c.Description = `</title><script>alert(1)</script>"><img src=x onerror=alert(2)>`, `"><script>alert(3)</script>`
	h.campaigns["noon"] = c
	body := h.visit(h.server.Members(), "/c/noon").Body.String()
	if strings.Contains(body, "<script>") || strings.Contains(body, "<img src=x") || !strings.Contains(body, "&lt;/title&gt;") {
		t.Error(body)
	}
}

// The modules that know no page are tested where they run; without node they are
// tested by the journeys of bench/browser alone.
func TestModulesInNode(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	dir := t.TempDir()
	files := map[string]string{"package.json": `{"type":"module"}`}
	for _, name := range []string{"clock.js", "member-state.js"} {
		files[name] = pageFile(t, name)
	}
	tests, err := os.ReadFile("testdata/pages.test.js")
	if err != nil {
		t.Fatal(err)
	}
	files["pages.test.js"] = string(tests)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), node, "--test", "pages.test.js")
	cmd.Dir, cmd.WaitDelay = dir, 10*time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
