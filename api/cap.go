package api

import (
	"net/http"

	"firstcome/engine"
)

// setCap is PUT /v1/admin/campaigns/{id}/cap.
func (s *Server) setCap(c *call) error {
	id, dryRun, err := c.target()
	if err != nil {
		return err
	}
	if c.r.Header["If-Match"] == nil {
		return preconditionRequired.is("")
	}
	f, err := c.adminFields()
	if err != nil {
		return err
	}
	var limit *int64
	if !f.limit("cap", &limit) {
		f.refuse("cap", "is needed: a number of grants, or null for none")
	}
	reason := readReason(f, !dryRun)
	if err := f.done(); err != nil {
		return err
	}
	campaign, err := s.ports.Campaigns.Campaign(id)
	if err != nil {
		return err
	}
	version, err := c.expected(&campaign)
	if err != nil {
		return err
	}
	campaign, change, err := s.ports.Verbs.SetCap(c.r.Context(), id, limit, version, c.actor(reason), dryRun)
	if err != nil {
		return err
	}
	s.changed(dryRun)
	if !dryRun {
		return c.campaignAnswer(http.StatusOK, &campaign, false)
	}
	return c.preview(&campaign, &change)
}

// preview tells what a change of the cap would do. Members whom the register
// does not know by name are counted and not listed.
func (c *call) preview(campaign *engine.Campaign, change *engine.CapChange) error {
	c.w.Header()["Etag"] = []string{versionTag(campaign.Version)}
	b := appendBool(append(c.buf[:0], '{'), "dry_run", true)
	b = append(b, `"cap":{`...)
	b = appendLimit(b, "from", change.From)
	b = append(closeObject(appendLimit(b, "to", change.To)), ',')
	b = appendInt(b, "granted", change.Granted)
	b = appendInt(b, "waiting", change.Waiting)
	b = appendInt(b, "promoted", change.Promoted)
	b = appendInt(b, "over_by", change.OverBy)
	c.buf = closeObject(appendTexts(b, "promoted_members", change.Members))
	return c.json(http.StatusOK, c.buf)
}

// appendLimit appends a number that may be none.
func appendLimit(b []byte, name string, n *int64) []byte {
	if n == nil {
		return appendRaw(b, name, []byte("null"))
	}
	return appendInt(b, name, *n)
}
