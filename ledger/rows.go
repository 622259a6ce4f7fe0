package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// Null is a user as a column: nil when there is none.
func Null(u fold.User) []byte {
	if u == (fold.User{}) {
		return nil
	}
	return u[:]
}

// Link is the member of a place as a column: nil when the row lost it.
func (p *Place) Link() []byte {
	if p.Erased {
		return nil
	}
	return p.User[:]
}

// UserOf is the reverse of Null and Link.
func UserOf(b []byte) fold.User {
	var u fold.User
	copy(u[:], b)
	return u
}

// PlaceColumns is what every query of places selects, in the order of ScanPlace.
const PlaceColumns = `p.campaign, p.claim_off, p.user_ref, coalesce(n.subject, ''), p.state, p.rank, p.wseq, p.at, p.ended_at, p.points, p.answers`

// ScanPlace reads a row of PlaceColumns.
func ScanPlace(scan func(...any) error) (engine.PlaceRow, error) {
	var (
		r         engine.PlaceRow
		user      []byte
		state     int64
		at, ended int64
		answers   *string
	)
	if err := scan(&r.Campaign, &r.ClaimOff, &user, &r.Member, &state, &r.Rank, &r.Ticket, &at, &ended, &r.Points, &answers); err != nil {
		return r, fmt.Errorf("read a place: %w", err)
	}
	r.User, r.State, r.Booked = UserOf(user), StateName(fold.PlaceState(state)), true
	r.ClaimedAt, r.EndedAt = Time(at), Time(ended)
	if answers != nil {
		r.Answers = json.RawMessage(*answers)
	}
	return r, nil
}

// DeedColumns is what a query of the audit trail selects, in the order of ScanDeed.
const DeedColumns = `ev, at, actor, kind, xv, reason, change`

// DeedKinds are the entries that an audit trail shows (numbers of fold.Change):
// what admins and the scheduler did to the campaign, and the cancellations and
// erasures that somebody else asked for. An index has the same words.
const DeedKinds = `(kind <= 9 OR kind IN (13, 16) AND actor <> '')`

// ScanDeed reads a row of DeedColumns.
func ScanDeed(scan func(...any) error) (engine.AuditRow, error) {
	var (
		r      engine.AuditRow
		at     int64
		kind   int64
		change *string
	)
	if err := scan(&r.Ev, &at, &r.Actor, &kind, &r.Version, &r.Reason, &change); err != nil {
		return r, fmt.Errorf("read a deed: %w", err)
	}
	r.At, r.Action = Time(at), fold.Change(kind).String()
	if change != nil {
		r.Change = json.RawMessage(*change)
	}
	return r, nil
}

// MilestoneColumns is what a query of milestones selects, in the order of ScanMilestone.
const MilestoneColumns = `e.campaign, e.ev, e.off, e.at, e.kind, e.granted, e.waiting, e.cap`

// MilestoneKinds are the entries that a stream tells one by one for ever: the
// campaign's own changes, of campaigns that are not archived (status 6). Those
// of older books do not say where the campaign stood, and are left out.
const MilestoneKinds = `c.status <> 6 AND e.kind <= 9 AND e.granted IS NOT NULL`

// ScanMilestone reads a row of MilestoneColumns.
func ScanMilestone(scan func(...any) error) (engine.Change, error) {
	var c engine.Change
	var kind int64
	var limit *int64
	if err := scan(&c.Campaign, &c.Ev, &c.Offset, &c.At, &kind, &c.After.Granted, &c.After.Waiting, &limit); err != nil {
		return c, fmt.Errorf("read a milestone: %w", err)
	}
	c.What, c.After.Cap = fold.Change(kind), fold.NoCap
	if limit != nil {
		c.After.Cap = *limit
	}
	c.After.Status = c.What.Status()
	return c, nil
}

// ArchivedColumns is what a query of archived campaigns selects, in the order of ScanArchived.
const ArchivedColumns = `c.id, e.off, c.created, c.created_at, c.definition`

// ArchivedWhere are the archived campaigns (status 6) and what archived each (kind 8).
// The index of deeds has the first words.
const ArchivedWhere = `e.kind <= 9 AND e.kind = 8 AND c.status = 6`

// ScanArchived reads a row of ArchivedColumns.
func ScanArchived(scan func(...any) error) (engine.ArchivedCampaign, error) {
	var c engine.ArchivedCampaign
	var made int64
	var definition []byte
	if err := scan(&c.ID, &c.Offset, &c.Created, &made, &definition); err != nil {
		return c, fmt.Errorf("read an archived campaign: %w", err)
	}
	def, err := fold.DecodeDefinition(definition)
	if err != nil {
		return c, fmt.Errorf("the definition of %s: %w", c.ID, err)
	}
	c.Base, c.Points = Time(made), def.Points
	if def.OpensAt != 0 {
		c.Base = Time(def.OpensAt)
	}
	return c, nil
}

// Totals are the columns of After: nil for the members' lines, and where there is no cap.
func (e *Entry) Totals() (granted, waiting, limit *int64) {
	if !e.Change.OfCampaign() {
		return nil, nil, nil
	}
	if e.After.Cap != fold.NoCap {
		limit = &e.After.Cap
	}
	return &e.After.Granted, &e.After.Waiting, limit
}

// Time is a column of Unix milliseconds, 0 for none.
func Time(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Loader collects a partition's rows into a snapshot of its fold.
type Loader struct {
	Snapshot fold.Snapshot
	index    map[string]int
	newest   map[Member]int64 // by campaign and user: claim offset of the newest place
	at       map[Member]int
}

// NewLoader begins a snapshot.
func NewLoader(partition int32) *Loader {
	return &Loader{Snapshot: fold.Snapshot{Partition: partition}, index: map[string]int{}, newest: map[Member]int64{}, at: map[Member]int{}}
}

// Campaign adds a header. An error means that the definition does not parse.
func (l *Loader) Campaign(c fold.Campaign, definition []byte) error {
	def, err := fold.DecodeDefinition(definition)
	if err != nil {
		return fmt.Errorf("the definition of %s: %w", c.ID, err)
	}
	c.Definition = *def
	l.index[c.ID] = len(l.Snapshot.Campaigns)
	l.Snapshot.Campaigns = append(l.Snapshot.Campaigns, fold.CampaignSnapshot{Campaign: c})
	return nil
}

// Member adds a member's place or fence; the newest of a member's places
// counts, and a place before a fence. Members of archived campaigns are not
// part of the fold.
func (l *Loader) Member(campaign string, user fold.User, place fold.Place) {
	i, ok := l.index[campaign]
	if !ok || l.Snapshot.Campaigns[i].Campaign.Status == fold.Archived {
		return
	}
	c, key := &l.Snapshot.Campaigns[i], Member{Campaign: campaign, User: user}
	if j, there := l.at[key]; there {
		if place.Claim > l.newest[key] {
			c.Members[j].Place, l.newest[key] = place, place.Claim
		}
		return
	}
	l.at[key], l.newest[key] = len(c.Members), place.Claim
	c.Members = append(c.Members, fold.Member{User: user, Place: place})
}

// LikePattern makes a LIKE pattern that finds text anywhere, with \ as escape.
func LikePattern(text string) string {
	out := make([]rune, 0, len(text)+2)
	out = append(out, '%')
	for _, r := range text {
		if r == '%' || r == '_' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(append(out, '%'))
}

// CheckCount holds a campaign's header against its counted rows.
func CheckCount(campaign string, t engine.Totals, granted, waiting int64) error {
	if t.Granted != granted || t.Waiting != waiting {
		return &RuleError{Rule: "totals", Detail: fmt.Sprintf("%s says %d granted and %d waiting, its rows say %d and %d", campaign, t.Granted, t.Waiting, granted, waiting)}
	}
	return nil
}

// Gap is a stretch of a campaign's waiting list: tickets above Low, up to High.
type Gap struct {
	Campaign  string
	Low, High int64
}

// Gaps are the stretches between the waiting rows of a page. Counting who waits
// in each gives every position, and reads no part of the list twice.
func Gaps(rows []engine.PlaceRow) (gaps []Gap) {
	for i := range rows {
		r := &rows[i]
		if r.State != StateName(fold.Waiting) {
			continue
		}
		g := Gap{Campaign: r.Campaign, High: r.Ticket}
		if n := len(gaps); n > 0 && gaps[n-1].Campaign == g.Campaign && gaps[n-1].High < g.High {
			g.Low = gaps[n-1].High
		}
		gaps = append(gaps, g)
	}
	return gaps
}

// Position fills in the live places in the list from the counts of Gaps.
func Position(rows []engine.PlaceRow, gaps []Gap, counts []int64) {
	next, sum := 0, int64(0)
	for i := range rows {
		if rows[i].State != StateName(fold.Waiting) {
			continue
		}
		if gaps[next].Low == 0 {
			sum = 0
		}
		sum += counts[next]
		rows[i].Position = sum
		next++
	}
}
