package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"firstcome/bench/stack"
)

// hostile are texts that would run if a page took them for markup, code or an
// address. Each calls alert, which the watch over every page reports.
var hostile = []string{
	`<script>alert(1)</script>`,
	`</script><script>alert(2)</script>`,
	`<img src=x onerror=alert(3)>`,
	`"><svg onload=alert(4)>`,
	`' onmouseover='alert(5)' autofocus onfocus='alert(5)`,
	`javascript:alert(6)`,
	`<a href="javascript:alert(7)">seven</a>`,
	`<iframe srcdoc="<script>parent.alert(8)</script>"></iframe>`,
	`<details open ontoggle=alert(9)>nine</details>`,
	`{{constructor.constructor('alert(10)')()}}${alert(10)}`,
	`<!--<img src="--><img src=x onerror=alert(11)//">`,
	`<form action=//evil.example><input autofocus onfocus=alert(12)>`,
	`<base href=//evil.example><link rel=stylesheet href=//evil.example/x.css>`,
	`<meta http-equiv=refresh content="0;url=javascript:alert(14)">`,
	`<math><mtext><table><mglyph><style><img src=x onerror=alert(15)>`,
	`&lt;img src=x onerror=alert(16)&gt;`,
	`<style>@import "//evil.example/x.css"; * { background: url(//evil.example/y) }</style>`,
	`=cmd|' /C calc'!A0`,
	`__proto__`,
	`${7*7} %s %n ../../etc/passwd`,
}

// harmless fails unless the page shows each text as it is, and nothing in it has
// become markup.
func (b *tab) harmless(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.sees(text)
	}
	if found := eval[string](b, `[...document.querySelectorAll("*")].filter(e => [...e.attributes].some(a => a.name.startsWith("on")
		|| /^\s*javascript:/i.test(a.value) && ["href", "src", "action", "formaction"].includes(a.name))
		|| ["IFRAME", "OBJECT", "EMBED", "BASE", "MATH"].includes(e.tagName) || e.tagName === "SCRIPT" && !e.src
		|| e.tagName === "STYLE").map(e => e.outerHTML.slice(0, 200)).join("\n")`); found != "" {
		b.t.Errorf("markup of a stranger is on the page:\n%s", found)
	}
}

// hostileForm asks questions in the words of the corpus.
func hostileForm() []map[string]any {
	var form []map[string]any
	for i, text := range hostile {
		form = append(form, map[string]any{"id": fmt.Sprintf("q%d", i), "label": text, "type": "text"})
	}
	form[0] = map[string]any{"id": "q0", "label": hostile[0], "type": "choice", "choices": hostile[:10]}
	return form
}

// Nothing that admins or members write is ever run: in lists, on the page of a
// campaign, in a form, in an answer, in a name.
func TestStrangersWordsAreOnlyWords(t *testing.T) {
	t.Parallel()
	h := own(t, nil)
	base := stack.Unique("hostile")
	for i, text := range hostile {
		h.open(t, fmt.Sprintf("%s-%d", base, i), text, map[string]any{"cap": 3, "description": text})
	}
	id := base + "-all"
	h.open(t, id, hostile[2], map[string]any{"cap": 3, "description": strings.Join(hostile, "\n"), "form": hostileForm()})
	b := on(laptop).sits(t)
	b.open(h.members() + "/")
	b.harmless(hostile...)
	b.open(h.page(id))
	b.signsIn(hostile[2])
	b.harmless(hostile...)
	answers := map[string]string{"q0": hostile[0]}
	for i := 1; i < len(hostile); i++ {
		answers[fmt.Sprintf("q%d", i)] = hostile[i]
	}
	body, err := json.Marshal(map[string]any{"answers": answers})
	if err != nil {
		t.Fatal(err)
	}
	if r := h.claim(t, id, hostile[2], string(body)); r.status != http.StatusCreated {
		t.Fatalf("%d %s", r.status, r.raw)
	}
	b.has("rank")
	b.harmless(hostile[:10]...) // what was answered
	b.reload()
	b.has("rank")
	b.harmless(hostile[:10]...)
	h.admin(t, "POST", "/campaigns/"+id+"/pause", reasonFor(t, hostile[3]))
	for _, text := range hostile {
		body, err := json.Marshal(map[string]string{"title": text, "body": text})
		if err != nil {
			t.Fatal(err)
		}
		h.admin(t, "POST", "/notices", string(body))
	}
	adminIsUnharmed(t, h, id)
	b.open(h.members() + "/")
	b.harmless(hostile...)
	b.open(h.members() + "/live")
	b.harmless(hostile...)
}

func reasonFor(t *testing.T, text string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"reason": text})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// adminIsUnharmed looks at all of it in the admins' app.
func adminIsUnharmed(t *testing.T, h *house, id string) {
	t.Helper()
	a := on(laptop).sits(t)
	a.arrives(h, "minji", "owner")
	a.harmless(hostile...)
	for view, texts := range map[string][]string{
		"#/c/" + id: {hostile[2]}, "#/c/" + id + "/claims": hostile[2:3], "#/c/" + id + "/audit": {hostile[3]},
		"#/c/" + id + "/edit": {hostile[2]}, "#/notices": hostile, "#/calendar": nil,
	} {
		a.open(h.admins() + "/" + view)
		a.harmless(texts...)
	}
	a.open(h.admins() + "/#/c/" + id + "/claims")
	a.has("claim-row")
	a.until(patience, "the answers", `(e => { for (const d of e.querySelectorAll("details")) d.open = true; return true })(document.body)`)
	a.harmless(hostile[1:5]...)
	if csv := a.downloads(id+".csv", "csv"); !containsAll(csv, "'=cmd|' /C calc'!A0") {
		t.Errorf("a formula is not defused in the list: %s", csv)
	}
}
