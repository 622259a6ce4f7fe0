package api

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"firstcome/engine"
)

// pageFile reads a file of the pages.
func pageFile(t *testing.T, name string) string {
	t.Helper()
	b, err := web.ReadFile("web/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sent is how many bytes of a file of the pages go to the browser, before compression.
func sent(t *testing.T, name string) int {
	t.Helper()
	all, err := assets()
	if err != nil {
		t.Fatal(err)
	}
	if a := all[name]; a != nil {
		return len(a.plain)
	}
	return len(pageFile(t, name))
}

func adminModules(t *testing.T) []string {
	t.Helper()
	all, err := fs.Glob(web, "web/admin*.js")
	if err != nil || len(all) < 5 {
		t.Fatalf("the admin's modules are %v, %v", all, err)
	}
	for i := range all {
		all[i] = strings.TrimPrefix(all[i], "web/")
	}
	return all
}

// wordsOf returns the keys of a module of texts, each with what it says: what
// stands between it and the next key.
func wordsOf(t *testing.T, module string) map[string]string {
	t.Helper()
	_, body, found := strings.Cut(module, "export default {")
	if !found {
		t.Fatal("a module of texts exports one object")
	}
	words, depth, key, from := map[string]string{}, 1, "", 0
	last, asked := "", 0 // the newest name or string; conditions that a colon has still to answer
	for i := 0; i < len(body) && depth > 0; i++ {
		switch c := body[i]; {
		case c == '"' || c == '`':
			start := i + 1
			for i++; body[i] != c; i++ {
				if body[i] == '\\' {
					i++
				}
			}
			last = body[start:i]
		case strings.ContainsRune("{[(", rune(c)):
			depth++
		case strings.ContainsRune("}])", rune(c)):
			depth--
		case c == '/' && body[i+1] == '/':
			i += strings.IndexByte(body[i:], '\n')
		case c == '?' && depth == 1:
			asked++
		case c == ':' && depth == 1 && asked > 0:
			asked--
		case c == ':' && depth == 1:
			if key != "" {
				words[key] = body[from:i]
			}
			key, from = last, i+1
		case isName(c) && (i == 0 || !isName(body[i-1])):
			end := i
			for isName(body[end]) {
				end++
			}
			last = body[i:end]
		}
	}
	words[key] = body[from:]
	return words
}

func isName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

var (
	placeholder = regexp.MustCompile(`\{\d\}`)
	spoken      = regexp.MustCompile(`\bt\("([^"]+)"[,)]`)
)

// Both languages say the same things, and everything that the app says.
func TestAdminSpeaksBothLanguages(t *testing.T) {
	en, ko, of := map[string]string{}, map[string]string{}, map[string]string{}
	for _, part := range []string{"", "-board", "-form", "-more"} {
		for key, text := range wordsOf(t, pageFile(t, "text.admin"+part+".en.js")) {
			if en[key] != "" {
				t.Errorf("%s is said twice", key)
			}
			en[key], of[key] = text, part
		}
		maps.Copy(ko, wordsOf(t, pageFile(t, "text.admin"+part+".ko.js")))
	}
	if a, b := slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(ko)); !slices.Equal(a, b) {
		t.Errorf("the languages differ:\n%v\n%v", a, b)
	}
	for key := range en {
		if key == "faults" {
			continue
		}
		a, b := placeholder.FindAllString(en[key], -1), placeholder.FindAllString(ko[key], -1)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%s has the values %v in English and %v in Korean", key, a, b)
		}
	}
	needed := map[string]bool{}
	for _, name := range adminModules(t) {
		text := pageFile(t, name)
		for _, m := range spoken.FindAllStringSubmatch(text, -1) {
			needed[m[1]] = true
			if part := of[m[1]]; part != "" && !strings.Contains(text, `learn("`+part[1:]+`")`) {
				t.Errorf("%s says %q without having learned it", name, m[1])
			}
		}
	}
	for o := engine.Granted; o <= engine.Superseded; o++ {
		needed["d."+o.String()] = true
	}
	for _, status := range statusNames {
		needed["status."+status] = true
	}
	for role := range roles {
		needed["role."+role], needed["may."+role] = true, true
	}
	for _, verb := range []string{"publish", "open", "pause", "resume", "close", "archive"} {
		needed["verb."+verb], needed["means."+verb], needed["done."+verb] = true, true, true
	}
	for _, deed := range []string{"created", "edited", "published", "opened", "paused", "resumed", "closed", "archived", "cap-changed", "cancelled", "erased"} {
		needed["did."+deed] = true
	}
	for key := range needed {
		if _, ok := en[key]; !ok {
			t.Errorf("the app says %q, and nobody knows how", key)
		}
	}
}

var (
	imports = regexp.MustCompile(`(?:^|\n)import [^;]*?"\./([^"]+)"`)
	learns  = regexp.MustCompile(`await learn\("([^"]+)"\)`)
	fetches = regexp.MustCompile(`import\("\./([^"]+)"\)`)
)

// with adds a module and all that it imports.
func with(t *testing.T, all map[string]bool, name string) {
	if all[name] {
		return
	}
	all[name] = true
	for _, m := range learns.FindAllStringSubmatch(pageFile(t, name), -1) {
		all["text.admin-"+m[1]+".ko.js"] = true
	}
	for _, m := range imports.FindAllStringSubmatch(pageFile(t, name), -1) {
		with(t, all, m[1])
	}
}

// adminWeight bounds each view of the app with everything that it loads, unpacked.
const adminWeight = 100 << 10

func TestEachViewOfAdminIsLight(t *testing.T) {
	views := map[string]bool{}
	for _, name := range adminModules(t) {
		for _, m := range fetches.FindAllStringSubmatch(pageFile(t, name), -1) {
			views[m[1]] = true
		}
	}
	if len(views) < 4 {
		t.Fatalf("the views are %v", views)
	}
	for view := range views {
		all := map[string]bool{"admin.html": true, "admin.css": true, "style.css": true, "text.admin.ko.js": true}
		with(t, all, "admin.js")
		with(t, all, view)
		if view != "admin-list.js" && view != "admin-campaign.js" && asksCampaign(t, view) {
			with(t, all, "admin-campaign.js") // a tab of it
		}
		sum := 0
		for name := range all {
			sum += sent(t, name)
		}
		t.Logf("%s: %d bytes, %d files", view, sum, len(all))
		if sum >= adminWeight {
			t.Errorf("%s weighs %d bytes with %v", view, sum, slices.Sorted(maps.Keys(all)))
		}
	}
}

func asksCampaign(t *testing.T, view string) bool {
	return strings.Contains(pageFile(t, "admin-campaign.js"), `import("./`+view+`")`)
}

// Nothing that somebody wrote is ever taken for markup or script, and nothing
// comes from elsewhere.
func TestAdminIsStrict(t *testing.T) {
	for _, name := range append(adminModules(t), "admin.html", "text.admin.en.js", "text.admin.ko.js", "text.admin-more.en.js", "text.admin-more.ko.js", "admin.css") {
		text := pageFile(t, name)
		for _, never := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "http://", "https://", " style=", "javascript:", "url("} {
			if strings.Contains(text, never) {
				t.Errorf("%s has %s", name, never)
			}
		}
	}
	page := pageFile(t, "admin.html")
	if strings.Contains(page, "<style") || regexp.MustCompile(`<script(>|[^>]*>[^<])`).MatchString(page) || regexp.MustCompile(`\son\w+=`).MatchString(page) {
		t.Error("admin.html has a style or a script of its own")
	}
}
