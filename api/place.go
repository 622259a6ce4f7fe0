package api

import "firstcome/engine"

// place sends a claim as its member sees it.
func (c *call) place(status int, claim *engine.Claim) error {
	c.buf = appendClaim(c.buf[:0], claim)
	return c.json(status, c.buf)
}

func appendClaim(b []byte, claim *engine.Claim) []byte {
	b = append(b, '{')
	b = appendText(b, "campaign", claim.Campaign)
	b = appendText(b, "state", claim.State)
	b = appendPlace(b, claim.Rank, claim.Position)
	if claim.Ticket > 0 {
		b = appendInt(b, "ticket", claim.Ticket)
	}
	if claim.GrantID != "" {
		b = appendText(b, "grant_id", claim.GrantID)
	}
	b = appendTime(b, "claimed_at", claim.ClaimedAt)
	if decided(claim.State) {
		b = appendLedger(b, claim.Booked)
		b = appendInt(b, "points", claim.Points)
	}
	if claim.Answers != nil {
		b = appendRaw(b, "answers", claim.Answers)
	}
	b = appendInt(b, "poll_after_ms", pollClaim(claim))
	return closeObject(b)
}

func appendPlace(b []byte, rank, position int64) []byte {
	if rank > 0 {
		b = appendInt(b, "rank", rank)
	}
	if position > 0 {
		b = appendInt(b, "position", position)
	}
	return b
}

func appendLedger(b []byte, booked bool) []byte {
	if booked {
		return append(b, `"ledger":"booked",`...)
	}
	return append(b, `"ledger":"queued",`...)
}

func decided(state string) bool { return state != "none" && state != "deciding" }

// pollClaim is how long a client without the stream should wait before it looks
// again: the further back in the list, the longer.
func pollClaim(claim *engine.Claim) int64 {
	switch {
	case claim.State == "deciding":
		return 1000
	case claim.State == "waitlisted":
		return min(3000+100*claim.Position, 30_000)
	case decided(claim.State) && !claim.Booked:
		return 3000
	case decided(claim.State):
		return 30_000
	}
	return 5000
}
