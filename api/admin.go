package api

import (
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"firstcome/engine"
)

// reasonMost bounds a reason, in characters.
const reasonMost = 500

// adminCampaign is GET /v1/admin/campaigns/{id}.
func (s *Server) adminCampaign(c *call) error {
	campaign, err := c.readCampaign()
	if err != nil {
		return err
	}
	return c.campaignAnswer(http.StatusOK, &campaign, false)
}

// campaignAnswer sends a campaign to an admin. Its ETag names the definition's
// version alone: an edit is not outdated by claims.
func (c *call) campaignAnswer(status int, campaign *engine.Campaign, dryRun bool) error {
	etag := versionTag(campaign.Version)
	c.w.Header()["Etag"] = []string{etag}
	if !dryRun && campaign.Next > 0 {
		c.tell(engine.LogOffset{Partition: campaign.Partition, Offset: campaign.Next - 1, Known: true})
	}
	if c.r.Method == http.MethodGet {
		// The version says nothing about the live numbers, so a 304 would lie.
		return c.json(status, c.server.prints.of(campaign).body)
	}
	b := appendDefinition(c.buf[:0], campaign)
	if dryRun {
		b = appendBool(b, "dry_run", true)
	}
	c.buf = appendLive(b, campaign)
	return c.json(status, c.buf)
}

func versionTag(version int64) string { return `"v` + itoa(version) + `"` }

// actor is the caller as the audit trail will name it.
func (c *call) actor(reason string) engine.Actor {
	return engine.Actor{Subject: c.caller.member.Subject, Reason: reason}
}

// changed notes that a campaign is not what it was, so that this node's lists
// show it at once.
func (s *Server) changed(dryRun bool) {
	if !dryRun {
		s.changes.Add(1)
	}
}

// create is POST /v1/admin/campaigns.
func (s *Server) create(c *call) error {
	dryRun, err := c.dryRun()
	if err != nil {
		return err
	}
	f, err := c.adminFields()
	if err != nil {
		return err
	}
	var campaign engine.Campaign
	f.text("id", &campaign.ID)
	if campaign.ID != "" && !isSlug(campaign.ID) {
		f.refuse("id", "must match ^[a-z0-9][a-z0-9-]{0,62}$")
	}
	readDefinition(f, &campaign)
	if err := f.done(); err != nil {
		return err
	}
	made, created, err := s.ports.Verbs.Create(c.r.Context(), campaign, c.actor(""), dryRun)
	if err != nil {
		return err
	}
	s.changed(dryRun)
	if !created || dryRun {
		return c.campaignAnswer(http.StatusOK, &made, dryRun)
	}
	c.w.Header()["Location"] = []string{"/v1/admin/campaigns/" + made.ID}
	return c.campaignAnswer(http.StatusCreated, &made, false)
}

// edit is PATCH /v1/admin/campaigns/{id}: a merge patch of the definition.
func (s *Server) edit(c *call) error {
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
	// The patch is merged into what the admin has seen, so this node must have
	// seen it too.
	if err := s.ports.Campaigns.Sync(c.r.Context(), id, engine.Read{Exact: true}); err != nil {
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
	if version != campaign.Version {
		return preconditionFailed.is("the campaign is at version " + itoa(campaign.Version))
	}
	readDefinition(f, &campaign)
	if err := f.done(); err != nil {
		return err
	}
	campaign, err = s.ports.Verbs.Edit(c.r.Context(), campaign, version, c.actor(""), dryRun)
	if err != nil {
		return err
	}
	s.changed(dryRun)
	return c.campaignAnswer(http.StatusOK, &campaign, dryRun)
}

// target reads what every change of a campaign has: the id and ?dry_run=.
func (c *call) target() (id string, dryRun bool, err error) {
	if id, err = c.campaign(); err != nil {
		return "", false, err
	}
	dryRun, err = c.dryRun()
	return id, dryRun, err
}

// expected reads If-Match for a campaign.
func (c *call) expected(current *engine.Campaign) (int64, error) { return c.ifMatch(current.Version) }

// ifMatch reads If-Match: the version that it names, 0 when it is absent, the
// current one for *. Tags are compared strongly (RFC 9110, 13.1.1).
func (c *call) ifMatch(current int64) (int64, error) {
	header := c.r.Header["If-Match"]
	if header == nil {
		return 0, nil
	}
	named := int64(-1)
	for tag := range strings.SplitSeq(strings.Join(header, ","), ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" {
			return current, nil
		}
		quoted, ok := strings.CutPrefix(tag, `"v`)
		digitsOnly, ok2 := strings.CutSuffix(quoted, `"`)
		version, err := strconv.ParseInt(digitsOnly, 10, 64)
		if !ok || !ok2 || err != nil || version < 1 {
			continue
		}
		if version == current {
			return version, nil
		}
		named = version
	}
	if named < 0 {
		return 0, preconditionFailed.is("If-Match must name a version, as " + versionTag(max(current, 1)))
	}
	return named, nil
}

// moves returns the handler of a verb: POST /v1/admin/campaigns/{id}/….
func (s *Server) moves(verb engine.Verb) func(*call) error {
	return func(c *call) error {
		id, dryRun, err := c.target()
		if err != nil {
			return err
		}
		reason, err := c.optionalReason()
		if err != nil {
			return err
		}
		var version int64
		if c.r.Header["If-Match"] != nil {
			campaign, err := s.ports.Campaigns.Campaign(id)
			if err != nil {
				return err
			}
			if version, err = c.expected(&campaign); err != nil {
				return err
			}
		}
		campaign, err := s.ports.Verbs.Move(c.r.Context(), id, verb, version, c.actor(reason), dryRun)
		if err != nil {
			return err
		}
		s.changed(dryRun)
		return c.campaignAnswer(http.StatusOK, &campaign, dryRun)
	}
}

// optionalReason reads a body that may be absent and may give a reason.
func (c *call) optionalReason() (string, error) {
	doc, err := c.body(adminBody)
	if err != nil || doc == nil {
		return "", err
	}
	f := readFields(doc)
	reason := readReason(f, false)
	return reason, f.done()
}

func readReason(f *fields, needed bool) string {
	reason := ""
	f.text("reason", &reason)
	if needed && strings.TrimSpace(reason) == "" {
		f.refuse("reason", "is needed: the audit trail tells it to everybody who asks why")
	}
	if utf8.RuneCountInString(reason) > reasonMost {
		f.refuse("reason", "must be at most %d characters", reasonMost)
	}
	return reason
}

// cancelFor is POST /v1/admin/campaigns/{id}/cancellations.
func (s *Server) cancelFor(c *call) error {
	id, dryRun, err := c.target()
	if err != nil {
		return err
	}
	f, err := c.adminFields()
	if err != nil {
		return err
	}
	subject := ""
	f.text("member", &subject)
	if !goodSubject(subject) {
		f.refuse("member", "must be the subject of a member, of 1 to %d bytes", subjectMost)
	}
	reason := readReason(f, !dryRun)
	if err := f.done(); err != nil {
		return err
	}
	claim, err := s.ports.Verbs.CancelFor(c.r.Context(), id, subject, c.actor(reason), dryRun)
	if err != nil {
		return err
	}
	c.tell(claim.Offset)
	b := appendText(append(c.buf[:0], '{'), "member", subject)
	if dryRun {
		b = appendBool(b, "dry_run", true)
	}
	c.buf = appendClaimRow(b, &claim)
	return c.json(http.StatusOK, c.buf)
}
