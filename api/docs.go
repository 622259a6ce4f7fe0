package api

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

//go:embed web
var web embed.FS

var pages = template.Must(template.ParseFS(web, "web/*.html"))

// serveDocument is GET /openapi.json.
func (s *Server) serveDocument(doc []byte) func(*call) error {
	return func(c *call) error {
		c.w.Header().Set("Cache-Control", "public, max-age=300")
		return c.json(http.StatusOK, doc)
	}
}

// operation is one line of the documents' page.
type operation struct {
	Method, Path, ID, Summary, Description string
	Answers                                []answerLine
}

type answerLine struct{ Code, Text string }

// described is what the page shows of an operation in the document.
type described struct {
	OperationID, Summary, Description string
	Responses                         map[string]struct {
		Ref         string `json:"$ref"`
		Description string
	}
}

// operations lists a document's operations by path.
func operations(doc []byte) (title string, all []operation, err error) {
	var d struct {
		Info       struct{ Title string }
		Paths      map[string]map[string]json.RawMessage
		Components struct {
			Responses map[string]struct{ Description string }
		}
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		return "", nil, fmt.Errorf("read the document: %w", err)
	}
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			raw, ok := d.Paths[path][method]
			if !ok {
				continue
			}
			var op described
			if err := json.Unmarshal(raw, &op); err != nil {
				return "", nil, fmt.Errorf("read %s %s of the document: %w", method, path, err)
			}
			line := operation{strings.ToUpper(method), path, op.OperationID, op.Summary, op.Description, nil}
			for _, code := range slices.Sorted(maps.Keys(op.Responses)) {
				text := op.Responses[code].Description
				if ref := op.Responses[code].Ref; ref != "" {
					text = d.Components.Responses[ref[strings.LastIndexByte(ref, '/')+1:]].Description
				}
				line.Answers = append(line.Answers, answerLine{code, text})
			}
			all = append(all, line)
		}
	}
	return d.Info.Title, all, nil
}

// serveDocs is GET /docs: the document as a page that needs no script.
func (s *Server) serveDocs(doc []byte) func(*call) error {
	read := sync.OnceValues(func() (map[string]any, error) {
		title, all, err := operations(doc)
		return map[string]any{"Title": title, "Operations": all}, err
	})
	return func(c *call) error {
		data, err := read()
		if err != nil {
			return err
		}
		return c.html("docs.html", http.StatusOK, data)
	}
}

// html sends a page. It may load its style from here and nothing else from
// anywhere.
func (c *call) html(name string, status int, data any) error {
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, name, data); err != nil {
		return fmt.Errorf("draw %s: %w", name, err)
	}
	h := c.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Vary", "Accept-Language")
	c.write(status, out.Bytes())
	return nil
}

// style is GET /docs/style.css.
func (s *Server) style(c *call) error {
	css, err := web.ReadFile("web/style.css")
	if err != nil {
		return fmt.Errorf("read the style: %w", err)
	}
	c.w.Header().Set("Content-Type", "text/css; charset=utf-8")
	c.w.Header().Set("Cache-Control", "public, max-age=300")
	c.write(http.StatusOK, css)
	return nil
}

// problemPage is GET /problems/{code}: what a problem's type leads to.
func (s *Server) problemPage(c *call) error {
	k := kindOf(c.r.PathValue("code"))
	if k == nil {
		return notFound.is("")
	}
	lang := c.language()
	t := k.texts[lang]
	c.w.Header()["Content-Language"] = contentLanguage[lang]
	return c.html("problem.html", http.StatusOK, map[string]any{
		"Lang": contentLanguage[lang][0], "Code": k.code, "Status": k.status, "Retryable": k.retryable,
		"Title": t.title, "Detail": t.detail, "Next": t.next, "Korean": lang == korean,
	})
}
