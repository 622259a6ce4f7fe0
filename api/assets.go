package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/tdewolff/minify/v2"
	"github.com/tdewolff/minify/v2/css"
	"github.com/tdewolff/minify/v2/js"
	"github.com/tdewolff/minify/v2/svg"
)

// web is written to be read; what is sent has no comments and no indentation.
//
//go:embed web
var web embed.FS

var mediaTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// asset is a file of the pages as it is sent, plain and packed.
type asset struct {
	media            []string
	plain, packed    []byte
	etag, packedETag []string
}

// assets are all files that pages load, by name.
var assets = sync.OnceValues(func() (map[string]*asset, error) {
	all := map[string]*asset{}
	entries, err := fs.ReadDir(web, "web")
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	small := minifier()
	for _, e := range entries {
		media, known := mediaTypes[path.Ext(e.Name())]
		if !known {
			continue
		}
		if all[e.Name()], err = loadAsset(small, e.Name(), media); err != nil {
			return nil, err
		}
	}
	return all, nil
})

// minifier keeps the names of variables: a fault that somebody reports can be read.
func minifier() *minify.M {
	m := minify.New()
	m.Add("text/javascript", &js.Minifier{KeepVarNames: true})
	m.Add("text/css", &css.Minifier{})
	m.Add("image/svg+xml", &svg.Minifier{})
	return m
}

func loadAsset(small *minify.M, name, media string) (*asset, error) {
	source, err := web.ReadFile("web/" + name)
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	a := &asset{media: []string{media}}
	if a.plain, err = small.Bytes(media, source); err != nil {
		return nil, fmt.Errorf("shorten %s: %w", name, err)
	}
	if a.packed, err = packed(a.plain); err != nil {
		return nil, fmt.Errorf("pack %s: %w", name, err)
	}
	tag := contentTag(a.plain)
	a.etag, a.packedETag = []string{`"` + tag + `"`}, []string{`"` + tag + `.gz"`}
	return a, nil
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
