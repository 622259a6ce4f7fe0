package api

import (
	"strconv"
	"strings"
)

// negotiate picks the offered media type that Accept likes best, the first of
// equals; empty when it likes none (RFC 9110, 12.5.1).
func negotiate(accept []string, offered []string) string {
	if len(accept) == 0 || (len(accept) == 1 && (accept[0] == "*/*" || accept[0] == offered[0])) {
		return offered[0]
	}
	best, bestQ := "", 0.0
	for _, o := range offered {
		if q := quality(accept, o); q > bestQ {
			best, bestQ = o, q
		}
	}
	return best
}

// quality is the weight of the most specific range that covers a media type.
func quality(accept []string, media string) float64 {
	kind, _, _ := strings.Cut(media, "/")
	q, rank := 0.0, 0
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			span, params, _ := strings.Cut(part, ";")
			r := 0
			switch span = strings.ToLower(strings.TrimSpace(span)); span {
			case media:
				r = 3
			case kind + "/*":
				r = 2
			case "*/*":
				r = 1
			}
			if r > rank {
				q, rank = weight(params), r
			}
		}
	}
	return q
}

// weight reads q=; 1 when there is none, 0 when it is no number from 0 to 1.
func weight(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || q < 0 || q > 1 {
				return 0
			}
			return q
		}
	}
	return 1
}

// language is the one that the reader likes best of those that there are.
func (c *call) language() language {
	header := c.r.Header["Accept-Language"]
	if len(header) == 0 {
		return c.server.language
	}
	return preferred(header, c.server.language)
}

// preferred reads Accept-Language by primary tags; the first of equals wins,
// and def stands in when no tag is known.
func preferred(header []string, def language) language {
	best, bestQ := def, 0.0
	for _, line := range header {
		for part := range strings.SplitSeq(line, ",") {
			tag, params, _ := strings.Cut(part, ";")
			primary, _, _ := strings.Cut(strings.TrimSpace(tag), "-")
			var l language
			switch {
			case strings.EqualFold(primary, "ko"):
				l = korean
			case strings.EqualFold(primary, "en"):
				l = english
			case primary == "*":
				l = def
			default:
				continue
			}
			if q := weight(params); q > bestQ {
				best, bestQ = l, q
			}
		}
	}
	return best
}
