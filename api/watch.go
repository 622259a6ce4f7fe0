package api

import (
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// showMetrics is GET /metrics. No token is asked for: scrapers have none, and
// the numbers name nobody.
func (s *Server) showMetrics(c *call) error {
	from := s.gatherer
	if from == nil {
		from = prometheus.NewRegistry()
	}
	c.status = http.StatusOK
	promhttp.HandlerFor(from, promhttp.HandlerOpts{}).ServeHTTP(c.w, c.r)
	return nil
}

// profile is GET /debug/pprof/…. The command line is not shown: it may hold secrets.
func (s *Server) profile(c *call) error {
	name := c.r.PathValue("profile")
	c.status = http.StatusOK
	switch name {
	case "cmdline":
		c.status = 0
		return notFound.is("")
	case "profile":
		pprof.Profile(c.w, c.r)
	case "trace":
		pprof.Trace(c.w, c.r)
	case "symbol":
		pprof.Symbol(c.w, c.r)
	default:
		pprof.Index(c.w, c.r)
	}
	return nil
}
