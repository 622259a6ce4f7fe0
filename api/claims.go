package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"firstcome/engine"
)

// claim is POST /v1/campaigns/{id}/claims.
func (s *Server) claim(c *call) error {
	id, err := c.campaign()
	if err != nil {
		return err
	}
	call, err := c.claimCall(id)
	if err != nil {
		if limit := c.charge(counted); limit != nil {
			return limit // who sends nonsense does not send it for nothing
		}
		return err
	}
	d, err := s.ports.Claims.Claim(c.r.Context(), call)
	if err != nil {
		return err
	}
	return c.decision(id, &d)
}

func (c *call) claimCall(id string) (engine.ClaimCall, error) {
	call := engine.ClaimCall{Campaign: id, Member: c.caller.member, Costly: c.server.meters.of(c.caller.member.Subject).spend}
	read, err := c.read(id)
	if err != nil {
		return call, err
	}
	call.After, call.Exact = read.After, read.Exact
	doc, err := c.body(claimBody)
	if err != nil || doc == nil {
		return call, err
	}
	f := readFields(doc)
	ifFull := ""
	f.text("if_full", &ifFull)
	if ifFull != "" && ifFull != "refuse" && ifFull != "waitlist" {
		f.refuse("if_full", "must be refuse or waitlist")
	}
	call.Waitlist = ifFull == "waitlist"
	call.Answers, err = readAnswers(f)
	if err != nil {
		return call, err
	}
	return call, f.done()
}

// readAnswers takes the member answers: an object by question id. Wrong ones
// are the form's business, so they are told apart from the rest of the body.
func readAnswers(f *fields) (map[string]json.RawMessage, error) {
	v, ok := f.take("answers")
	if !ok || v == nil {
		return nil, nil
	}
	at := &fields{pointer: "/answers", wrong: new([]engine.FieldError)}
	at.object(v)
	answers := make(map[string]json.RawMessage, len(at.left))
	for _, m := range at.left {
		if why := uncleanValue(m.Value); why != "" {
			at.refuse(m.Name, "%s", why)
		}
		answers[m.Name] = m.Value
	}
	if len(*at.wrong) > 0 {
		return nil, &engine.InvalidError{Fields: *at.wrong, Answers: true}
	}
	return answers, nil
}

// uncleanValue looks at every text of an answer.
func uncleanValue(v json.RawMessage) string {
	switch v[0] {
	case '"':
		return unclean(unquote(v), true)
	case '[':
		for _, e := range elements(v) {
			if why := uncleanValue(e); why != "" {
				return why
			}
		}
	case '{':
		return "must be a text, a number, true, false or a list of texts"
	}
	return ""
}

var replayed = []string{"true"}

// decision answers a claim. It and appendClaim are on the way of every tap.
func (c *call) decision(id string, d *engine.Decision) error {
	c.server.metrics.outcome(d.Outcome)
	offset := d.Offset
	if !offset.Known {
		offset = d.Claim.Offset
	}
	switch d.Outcome {
	case engine.Granted, engine.Waitlisted:
		c.remember(offset)
		c.w.Header()["Location"] = []string{"/v1/campaigns/" + id + "/claims/me"}
		return c.place(http.StatusCreated, &d.Claim)
	case engine.Repeated:
		c.remember(offset)
		c.w.Header()["Idempotent-Replayed"] = replayed
		return c.place(http.StatusOK, &d.Claim)
	case engine.Deciding:
		c.tell(offset)
		return c.undecided(id, d.RetryAfter)
	}
	c.tell(offset)
	if p := refusal(d, c.server.ports.Campaigns.Now()); p != nil {
		return p
	}
	return errors.New("the engine answered a claim with " + d.Outcome.String())
}

// undecided says that there is no answer yet. The way on is to send the same
// request again: it finds the place, or asks anew.
func (c *call) undecided(id string, wait time.Duration) error {
	h := c.w.Header()
	h["Location"] = []string{"/v1/campaigns/" + id + "/claims/me"}
	h["Retry-After"] = []string{itoa(seconds(wait))}
	return c.place(http.StatusAccepted, &engine.Claim{Campaign: id, State: "deciding"})
}

// myClaim is GET /v1/campaigns/{id}/claims/me.
func (s *Server) myClaim(c *call) error {
	id, err := c.campaign()
	if err != nil {
		return err
	}
	a, err := c.asker()
	if err != nil {
		return err
	}
	ctx, cancel := c.deadline()
	defer cancel()
	claim, err := a.claim(ctx, id)
	if err != nil {
		return err
	}
	c.tell(claim.Offset)
	return c.place(http.StatusOK, &claim)
}

// cancel is DELETE /v1/campaigns/{id}/claims/me.
func (s *Server) cancel(c *call) error {
	id, err := c.campaign()
	if err != nil {
		return err
	}
	read, err := c.read(id)
	if err != nil {
		return err
	}
	claim, err := s.ports.Claims.Cancel(c.r.Context(), id, c.caller.member, read)
	return c.changed(id, &claim, err)
}

// answer is PATCH /v1/campaigns/{id}/claims/me: answers are merged.
func (s *Server) answer(c *call) error {
	id, err := c.campaign()
	if err != nil {
		return err
	}
	read, err := c.read(id)
	if err != nil {
		return err
	}
	doc, err := c.body(claimBody)
	if err != nil {
		return err
	}
	if doc == nil {
		return malformed.is("a JSON body is needed")
	}
	f := readFields(doc)
	answers, err := readAnswers(f)
	if err != nil {
		return err
	}
	if answers == nil {
		f.refuse("answers", "is needed")
	}
	if err := f.done(); err != nil {
		return err
	}
	claim, err := s.ports.Claims.Answer(c.r.Context(), id, c.caller.member, answers, read)
	return c.changed(id, &claim, err)
}

// changed answers a member's change of a place.
func (c *call) changed(id string, claim *engine.Claim, err error) error {
	if errors.Is(err, engine.ErrUndecided) {
		return c.undecided(id, 0)
	}
	if err != nil {
		return err
	}
	c.remember(claim.Offset)
	return c.place(http.StatusOK, claim)
}
