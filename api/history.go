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
	b, next := historyPage(c.buf[:0], p.limit, p.after != "", after, claims)
	c.buf = c.closeList(b, historyList, next)
	return c.json(http.StatusOK, c.buf)
}

// historyPage appends a page of a history.
func historyPage(b []byte, limit int, goesOn bool, after when, claims []engine.Claim) (_ []byte, next string) {
	if goesOn {
		start, _ := slices.BinarySearchFunc(claims, after, func(c engine.Claim, w when) int { return whenClaimed(&c).compare(w) })
		if start < len(claims) && whenClaimed(&claims[start]) == after {
			start++
		}
		claims = claims[start:]
	}
	if len(claims) > limit {
		claims = claims[:limit]
		next = whenClaimed(&claims[limit-1]).String()
	}
	b = openList(b)
	for i := range claims {
		b = append(appendClaim(b, &claims[i]), ',')
	}
	return b, next
}

// points is GET /v1/me/points.
func (s *Server) points(c *call) error {
	claims, err := c.mine()
	if err != nil {
		return err
	}
	c.buf = appendPoints(c.buf[:0], claims)
	return c.json(http.StatusOK, c.buf)
}

// appendPoints appends the sum of a history's points.
func appendPoints(b []byte, claims []engine.Claim) []byte {
	var total int64
	for i := range claims {
		total += pointsOf(&claims[i])
	}
	b = append(appendInt(append(b, '{'), "total", total), `"by_campaign":[`...)
	for i := range claims {
		if n := pointsOf(&claims[i]); n != 0 {
			b = appendText(append(b, '{'), "campaign", claims[i].Campaign)
			b = append(closeObject(appendInt(b, "points", n)), ',')
		}
	}
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, ']', '}')
}

// pointsOf is what a place is worth now: a cancelled one took its points back.
func pointsOf(claim *engine.Claim) int64 {
	if claim.State != "granted" {
		return 0
	}
	return claim.Points
}

// mine reads the caller's history.
func (c *call) mine() ([]engine.Claim, error) {
	a, err := c.asker()
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.deadline()
	defer cancel()
	return a.history(ctx)
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
