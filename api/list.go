package api

import (
	"net/http"
	"net/url"
	"unicode/utf8"

	"firstcome/engine"
)

const (
	placeList = "places"
	deedList  = "deeds"
	csvType   = "text/csv"
	jsonMedia = "application/json"
)

// searchMost bounds ?q=, in bytes.
const searchMost = subjectMost

// places is GET /v1/admin/campaigns/{id}/claims: a page in JSON, or everything
// in CSV.
func (s *Server) places(c *call) error {
	campaign, err := c.readCampaign()
	if err != nil {
		return err
	}
	q, err := c.query()
	if err != nil {
		return err
	}
	p, err := c.page(q, placeList)
	if err != nil {
		return err
	}
	find, err := placeQuery(q, campaign.ID)
	if err != nil {
		return err
	}
	if find.After, err = p.number(-1); err != nil {
		return err
	}
	if c.media == csvType {
		return c.export(&campaign, find)
	}
	find.Limit = p.limit + 1
	ctx, cancel := c.deadline()
	defer cancel()
	rows, err := s.ports.Register.Places(ctx, find)
	if err != nil {
		return err
	}
	next := ""
	if len(rows) > p.limit {
		rows = rows[:p.limit]
		next = itoa(rows[p.limit-1].ClaimOff)
	}
	b := openList(c.buf[:0])
	for i := range rows {
		b = append(appendPlaceRow(b, &rows[i], campaign.Partition), ',')
	}
	c.buf = c.closeList(b, placeList, next)
	return c.json(http.StatusOK, c.buf)
}

func placeQuery(q url.Values, id string) (engine.PlaceQuery, error) {
	find := engine.PlaceQuery{Campaign: id, State: q.Get("state"), Search: q.Get("q")}
	switch find.State {
	case "", "granted", "waitlisted", "cancelled":
	default:
		return find, badQuery("state", "must be granted, waitlisted or cancelled")
	}
	if len(find.Search) > searchMost || !utf8.ValidString(find.Search) || unclean(find.Search, false) != "" {
		return find, badQuery("q", "must be part of a member's name, at most "+itoa(searchMost)+" bytes without control characters")
	}
	return find, nil
}

func appendPlaceRow(b []byte, row *engine.PlaceRow, partition int32) []byte {
	b = append(b, '{')
	if row.Member != "" {
		b = appendText(b, "member", row.Member)
	}
	claim := engine.Claim{
		State: row.State, Rank: row.Rank, Position: row.Position, GrantID: engine.GrantID(partition, row.ClaimOff),
		ClaimedAt: row.ClaimedAt, EndedAt: row.EndedAt, Answers: row.Answers, Points: row.Points, Booked: row.Booked,
	}
	return appendClaimRow(b, &claim)
}

// appendClaimRow ends the object of one line of an admin's list.
func appendClaimRow(b []byte, claim *engine.Claim) []byte {
	b = appendText(b, "state", claim.State)
	b = appendPlace(b, claim.Rank, claim.Position)
	if claim.GrantID != "" {
		b = appendText(b, "grant_id", claim.GrantID)
	}
	b = appendTime(b, "claimed_at", claim.ClaimedAt)
	b = appendTime(b, "ended_at", claim.EndedAt)
	if claim.Answers != nil {
		b = appendRaw(b, "answers", claim.Answers)
	}
	b = appendInt(b, "points", claim.Points)
	return closeObject(appendLedger(b, claim.Booked))
}

// deeds is GET /v1/admin/campaigns/{id}/audit.
func (s *Server) deeds(c *call) error {
	id, err := c.campaign()
	if err != nil {
		return err
	}
	q, err := c.query()
	if err != nil {
		return err
	}
	p, err := c.page(q, deedList)
	if err != nil {
		return err
	}
	after, err := p.number(0)
	if err != nil {
		return err
	}
	ctx, cancel := c.deadline()
	defer cancel()
	rows, err := s.ports.Register.Deeds(ctx, id, after, p.limit+1)
	if err != nil {
		return err
	}
	next := ""
	if len(rows) > p.limit {
		rows = rows[:p.limit]
		next = itoa(rows[p.limit-1].Ev)
	}
	b := openList(c.buf[:0])
	for i := range rows {
		b = append(appendDeed(b, &rows[i]), ',')
	}
	c.buf = c.closeList(b, deedList, next)
	return c.json(http.StatusOK, c.buf)
}

func appendDeed(b []byte, row *engine.AuditRow) []byte {
	b = appendTime(append(b, '{'), "at", row.At)
	b = appendText(b, "actor", row.Actor)
	b = appendText(b, "action", row.Action)
	b = appendInt(b, "version", row.Version)
	if row.Reason != "" {
		b = appendText(b, "reason", row.Reason)
	}
	if row.Change != nil {
		b = appendRaw(b, "change", row.Change)
	}
	return closeObject(b)
}
