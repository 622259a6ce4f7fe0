package engine

import (
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"time"

	"firstcome/engine/fold"
)

// info is a campaign's definition as this process reads it. Never changed in place.
type info struct {
	def         *fold.Definition
	form        []Question
	eligibility []Rule
	key         []byte // wrapped data key
	direct      bool   // counting: direct
	soft        bool
	opensAt     time.Time
	closesAt    time.Time
}

func newInfo(c *fold.Campaign, log *slog.Logger) *info {
	def := c.Definition
	i := &info{def: &def, key: def.Key, direct: def.Counting == "direct", soft: def.Soft, opensAt: msTime(def.OpensAt), closesAt: msTime(def.ClosesAt)}
	for _, part := range []struct {
		data []byte
		into any
	}{{def.Form, &i.form}, {def.Eligibility, &i.eligibility}} {
		if len(part.data) == 0 {
			continue
		}
		if err := json.Unmarshal(part.data, part.into); err != nil {
			log.Error("a campaign's definition does not parse: somebody else wrote it", "campaign", c.ID, "err", err)
		}
	}
	return i
}

func msTime(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func timeMs(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

var kinds = base32.HexEncoding.WithPadding(base32.NoPadding)

// GrantID names a place for ever: partition and offset of the member's own
// claim, in base32 (RFC 4648, extended hex alphabet, which sorts as it counts).
func GrantID(partition int32, claim int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(claim))
	b[0], b[1] = byte(partition>>8), byte(partition)
	return kinds.EncodeToString(b[:])
}

// claimOf is a place as its member sees it. Called with mu held.
func (p *partition) claimOf(c *fold.Campaign, i *info, user fold.User, place fold.Place) Claim {
	out := Claim{Campaign: c.ID, State: stateOf(place.State), Offset: LogOffset{Partition: p.id, Offset: place.Last, Known: true}}
	if place.State == fold.NoPlace || place.State == fold.Fenced {
		out.Offset = p.at(p.next.Load())
		return out
	}
	out.Rank, out.Ticket = place.Rank, place.Ticket
	out.GrantID = GrantID(p.id, place.Claim)
	out.ClaimedAt, out.EndedAt = msTime(place.At), msTime(place.EndedAt)
	out.Booked = place.Last < p.node.booked[p.id].Load()
	if place.State == fold.Granted {
		out.Points = i.def.Points
	}
	if place.State == fold.Waiting {
		out.Position = c.Position(user)
	}
	return out
}

func stateOf(s fold.PlaceState) string {
	switch s {
	case fold.Granted:
		return "granted"
	case fold.Waiting:
		return "waitlisted"
	case fold.Ended:
		return "cancelled"
	}
	return "none"
}

func listOf(c *fold.Campaign) ListState {
	switch {
	case c.Definition.WaitlistCap == 0:
		return NoList
	case c.Waiting < c.Definition.WaitlistCap:
		return ListOpen
	}
	return ListFull
}

// campaignOf is a campaign as people see it. Called with mu held.
func (p *partition) campaignOf(c *fold.Campaign) Campaign {
	i := p.desks[c.ID].info.Load()
	def := i.def
	out := Campaign{
		ID: c.ID, Title: def.Title, Description: def.Description, Kind: def.Kind, CapMode: "hard", Counting: def.Counting,
		Points: def.Points, WaitlistCap: def.WaitlistCap, Reclaim: "allowed", EndPromotion: def.EndPromotion,
		OpensAt: i.opensAt, ClosesAt: i.closesAt, CancellableUntil: msTime(def.CancellableUntil),
		Form: i.form, Eligibility: i.eligibility,
		Status: c.Status, Granted: c.Granted, Waiting: c.Waiting, Version: c.Xv, Ev: c.Ev, CreatedAt: msTime(c.CreatedAt),
		Partition: p.id, Next: p.state.Next(), Epoch: p.node.topic.ID,
	}
	if def.Cap != fold.NoCap {
		limit := def.Cap
		out.Cap = &limit
	}
	if def.Soft {
		out.CapMode = "soft"
	}
	if def.Reclaim == fold.ReclaimRefused {
		out.Reclaim = "refused"
	}
	return out
}

// Campaign returns any campaign, drafts too; ErrNotFound, ErrUnavailable while
// this node still reads the log. A stopped partition shows its last state.
func (e *Engine) Campaign(id string) (Campaign, error) {
	p := e.node.partition(id)
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.state == nil {
		return Campaign{}, ErrUnavailable
	}
	c := p.state.Campaign(id)
	if c == nil {
		return Campaign{}, ErrNotFound
	}
	return p.campaignOf(c), nil
}

// Campaigns returns all campaigns, newest first.
func (e *Engine) Campaigns() []Campaign {
	var all []Campaign
	for _, p := range e.node.parts {
		p.mu.RLock()
		if p.state != nil {
			for c := range p.state.Campaigns() {
				all = append(all, p.campaignOf(c))
			}
		}
		p.mu.RUnlock()
	}
	sortNewest(all)
	return all
}

// Totals returns a campaign's state in this node's fold. ErrNotFound.
func (e *Engine) Totals(id string) (Totals, error) {
	p := e.node.partition(id)
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.state == nil {
		return Totals{}, ErrUnavailable
	}
	c := p.state.Campaign(id)
	if c == nil {
		return Totals{}, ErrNotFound
	}
	return Totals{Granted: c.Granted, Waiting: c.Waiting, Seq: c.Seq, Offset: p.state.Next(), Digest: c.Digest()}, nil
}

// Rows is the number of ledger rows that this node's folds ask for, per partition.
func (e *Engine) Rows() []int64 {
	rows := make([]int64, len(e.node.parts))
	for i, p := range e.node.parts {
		p.mu.RLock()
		if p.state != nil {
			rows[i] = p.state.Rows()
		}
		p.mu.RUnlock()
	}
	return rows
}
