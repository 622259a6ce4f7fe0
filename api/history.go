package api

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"firstcome/engine"
)

const historyList = "mine"

// history is GET /v1/me/claims.
func (s *Server) history(c *call) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	p, err := c.page(q, historyList)
	if err != nil {
		return err
	}
	after, err := parseWhen(p.after)
	if err != nil {
		return err
	}
	claims, err := c.mine()
	if err != nil {
		return err
	}
	if p.after != "" {
		start, _ := slices.BinarySearchFunc(claims, after, func(c engine.Claim, w when) int { return whenClaimed(&c).compare(w) })
		if start < len(claims) && whenClaimed(&claims[start]) == after {
			start++
		}
		claims = claims[start:]
	}
	next := ""
	if len(claims) > p.limit {
		claims = claims[:p.limit]
		next = whenClaimed(&claims[p.limit-1]).String()
	}
	b := openList(c.buf[:0])
	for i := range claims {
		b = append(appendClaim(b, &claims[i]), ',')
	}
	c.buf = c.closeList(b, historyList, next)
	return c.json(http.StatusOK, c.buf)
}

// points is GET /v1/me/points.
func (s *Server) points(c *call) error {
	claims, err := c.mine()
	if err != nil {
		return err
	}
	var total int64
	for i := range claims {
		total += pointsOf(&claims[i])
	}
	b := append(appendInt(append(c.buf[:0], '{'), "total", total), `"by_campaign":[`...)
	for i := range claims {
		if n := pointsOf(&claims[i]); n != 0 {
			b = appendText(append(b, '{'), "campaign", claims[i].Campaign)
			b = append(closeObject(appendInt(b, "points", n)), ',')
		}
	}
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	c.buf = append(b, ']', '}')
	return c.json(http.StatusOK, c.buf)
}

// pointsOf is what a place is worth now: a cancelled one took its points back.
func pointsOf(claim *engine.Claim) int64 {
	if claim.State != "granted" {
		return 0
	}
	return claim.Points
}

// mine reads the caller's history, newest first, as new as all records that the
// client was told of, in whatever partitions they are.
func (c *call) mine() ([]engine.Claim, error) {
	seen, err := c.seen()
	if err != nil {
		return nil, err
	}
	if len(seen) == 0 {
		seen = []engine.LogOffset{{}}
	}
	ctx, cancel := c.deadline()
	defer cancel()
	var claims []engine.Claim
	for _, o := range seen {
		read := engine.Read{After: o, Exact: c.exact()}
		if claims, err = c.server.ports.Claims.History(ctx, c.caller.member, read); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(claims, func(a, b engine.Claim) int { return whenClaimed(&a).compare(whenClaimed(&b)) })
	return claims, nil
}

// when orders lists: newest first, then by campaign. Its text is a cursor's content.
type when struct {
	ms       int64
	campaign string
}

func whenClaimed(c *engine.Claim) when { return when{c.ClaimedAt.UnixMilli(), c.Campaign} }

func (w when) compare(v when) int {
	return cmp.Or(cmp.Compare(v.ms, w.ms), cmp.Compare(w.campaign, v.campaign))
}

func (w when) String() string { return strconv.FormatInt(w.ms, 10) + "." + w.campaign }

func parseWhen(s string) (when, error) {
	if s == "" {
		return when{}, nil
	}
	ms, campaign, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil || !isSlug(campaign) {
		return when{}, badQuery("cursor", "is not a cursor of this list")
	}
	return when{n, campaign}, nil
}
