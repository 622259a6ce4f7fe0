package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

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

// docsData is what the documents' page shows.
type docsData struct {
	Title      string
	Operations []operation
}

// serveDocs is GET /docs: the document as a page that needs no script.
func (s *Server) serveDocs(doc []byte) func(*call) error {
	read := sync.OnceValues(func() (docsData, error) {
		title, all, err := operations(doc)
		return docsData{title, all}, err
	})
	return func(c *call) error {
		data, err := read()
		if err != nil {
			return err
		}
		f := c.frame()
		f.Lang, f.Other, f.Korean = "en", "ko", false // the document speaks English
		f.Title, f.Data = data.Title, data
		return c.html("docs.html", http.StatusOK, &f)
	}
}

// problemPage is GET /problems/{code}: what a problem's type leads to.
func (s *Server) problemPage(c *call) error {
	k := kindOf(c.r.PathValue("code"))
	if k == nil {
		return c.nowhere()
	}
	f := c.frame()
	t := k.texts[languageOf[f.Lang]]
	f.Title = t.title
	f.Data = map[string]any{"Code": k.code, "Status": k.status, "Retryable": k.retryable, "Detail": t.detail, "Next": t.next}
	return c.html("problem.html", http.StatusOK, &f)
}
