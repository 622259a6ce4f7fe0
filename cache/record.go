package cache

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"firstcome/engine"
)

// A member's record is what the member had in archived campaigns, in the order in which
// it was learned, so that more is only ever appended:
//
//	record = format { entry | mark }
//	mark   = 0 n { partition count }    it reaches as far as the count-th archived campaign of the partition
//	entry  = head partition number claim [rank] [ticket] [position] time [ended] [points]
//
// A campaign is a partition and the number of its archiving there, from 0; what all its
// entries share is looked up: the claim's offset counts from the campaign's own record,
// the time from its opening, and points are written only where they differ. All numbers
// are varints.
const recordFormat = 1

// archivedMost bounds what is believed to be a number of campaigns.
const archivedMost = 1 << 31

// The bits of a head. A state is never 0, so a head is no mark.
const (
	headState    = 3 // see states
	headRank     = 1 << 2
	headTicket   = 1 << 3
	headPosition = 1 << 4
	headEnded    = 1 << 5
	headPoints   = 1 << 6
)

var states = [...]string{1: "granted", 2: "waitlisted", 3: "cancelled"}

// archive is the archived campaigns of all partitions, each in the order of archiving.
type archive [][]engine.ArchivedCampaign

// numbers says where each archived campaign stands.
type numbers map[string]stand

// stand is where a campaign stands in the archive.
type stand struct {
	partition int
	number    int
}

// record is a member's record, read.
type record struct {
	raw   []byte
	rows  []engine.PlaceRow // newest first
	reach []int64           // by partition: how many archived campaigns it covers
}

// covers reports whether the record knows of as many archived campaigns as are needed.
func (r *record) covers(need []int64) bool {
	for p, n := range need {
		if n > 0 && (p >= len(r.reach) || r.reach[p] < n) {
			return false
		}
	}
	return true
}

// appendReach says how far a record reaches, where that is further than before.
func appendReach(b []byte, reach, before []int64) []byte {
	var changed []int
	for p, n := range reach {
		if n > 0 && (p >= len(before) || n > before[p]) {
			changed = append(changed, p)
		}
	}
	if len(changed) == 0 {
		return b
	}
	b = binary.AppendUvarint(append(b, 0), uint64(len(changed)))
	for _, p := range changed {
		b = binary.AppendUvarint(b, uint64(p))
		b = binary.AppendUvarint(b, uint64(reach[p]))
	}
	return b
}

// appendGrant writes a row of an archived campaign.
func appendGrant(b []byte, r *engine.PlaceRow, at stand, c *engine.ArchivedCampaign) []byte {
	head := byte(max(slices.Index(states[:], r.State), 1))
	optional := [...]struct {
		bit   byte
		value int64
	}{{headRank, r.Rank}, {headTicket, r.Ticket}, {headPosition, r.Position}}
	for _, o := range optional {
		if o.value != 0 {
			head |= o.bit
		}
	}
	if !r.EndedAt.IsZero() {
		head |= headEnded
	}
	if r.Points != c.Points {
		head |= headPoints
	}
	b = binary.AppendUvarint(append(b, head), uint64(at.partition))
	b = binary.AppendUvarint(b, uint64(at.number))
	b = binary.AppendVarint(b, r.ClaimOff-c.Created)
	for _, o := range optional {
		if o.value != 0 {
			b = binary.AppendVarint(b, o.value)
		}
	}
	b = binary.AppendVarint(b, r.ClaimedAt.UnixMilli()-c.Base.UnixMilli())
	if head&headEnded != 0 {
		b = binary.AppendVarint(b, r.EndedAt.UnixMilli()-r.ClaimedAt.UnixMilli())
	}
	if head&headPoints != 0 {
		b = binary.AppendVarint(b, r.Points)
	}
	return b
}

// varints reads varints until the first that is damaged.
type varints struct {
	b   []byte
	bad bool
	// beyond is how many archived campaigns of which partition must be known to
	// read on; count 0: what is bad is damaged.
	beyond struct {
		partition int
		count     int64
	}
}

func (s *varints) unsigned(below int) int {
	v, n := binary.Uvarint(s.b)
	if n <= 0 || v >= uint64(below) {
		s.bad = true
		return 0
	}
	s.b = s.b[n:]
	return int(v)
}

// campaigns reads a number of a partition's archived campaigns, for which beside that
// many also more must be known.
func (s *varints) campaigns(p int, more int64, known archive) int64 {
	v := int64(s.unsigned(archivedMost))
	if !s.bad && v+more > int64(len(known[p])) {
		s.bad, s.beyond.partition, s.beyond.count = true, p, v+more
	}
	return v
}

func (s *varints) signed() int64 {
	v, n := binary.Varint(s.b)
	if n <= 0 {
		s.bad = true
		return 0
	}
	s.b = s.b[n:]
	return v
}

// beyondError says that a record speaks of archived campaigns that are not known here.
type beyondError struct {
	partition int
	count     int64 // how many must be known
}

func (e *beyondError) Error() string {
	return fmt.Sprintf("a record speaks of %d archived campaigns of partition %d", e.count, e.partition)
}

// readRecord reads a record. *beyondError when it must be read again with a larger
// archive. Of two entries of one campaign the later counts.
func readRecord(raw []byte, known archive) (*record, error) {
	r := &record{raw: raw, reach: make([]int64, len(known))}
	if len(raw) == 0 {
		return r, nil
	}
	if raw[0] != recordFormat {
		return nil, errDamaged
	}
	s, at := &varints{b: raw[1:]}, map[string]int{}
	for len(s.b) > 0 && !s.bad {
		head := s.b[0]
		s.b = s.b[1:]
		if head == 0 {
			r.readReach(s, known)
			continue
		}
		row := readGrant(s, head, known)
		if s.bad {
			break
		}
		if i, again := at[row.Campaign]; again {
			r.rows[i] = row
			continue
		}
		at[row.Campaign] = len(r.rows)
		r.rows = append(r.rows, row)
	}
	switch {
	case s.beyond.count > 0:
		return nil, &beyondError{s.beyond.partition, s.beyond.count}
	case s.bad:
		return nil, errDamaged
	}
	sortNewest(r.rows)
	return r, nil
}

func (r *record) readReach(s *varints, known archive) {
	for range s.unsigned(len(known) + 1) {
		p := s.unsigned(len(known))
		if s.bad {
			return
		}
		r.reach[p] = max(r.reach[p], s.campaigns(p, 0, known))
	}
}

func readGrant(s *varints, head byte, known archive) (row engine.PlaceRow) {
	state := int(head & headState)
	p := s.unsigned(len(known))
	if s.bad || state == 0 || head > headPoints|(headPoints-1) {
		s.bad = true
		return row
	}
	number := s.campaigns(p, 1, known)
	if s.bad {
		return row
	}
	c := &known[p][number]
	row = engine.PlaceRow{Campaign: c.ID, State: states[state], ClaimOff: c.Created + s.signed(), Points: c.Points, Booked: true}
	for _, o := range [...]struct {
		bit  byte
		into *int64
	}{{headRank, &row.Rank}, {headTicket, &row.Ticket}, {headPosition, &row.Position}} {
		if head&o.bit != 0 {
			*o.into = s.signed()
		}
	}
	row.ClaimedAt = after(c.Base, s.signed())
	if head&headEnded != 0 {
		row.EndedAt = after(row.ClaimedAt, s.signed())
	}
	if head&headPoints != 0 {
		row.Points = s.signed()
	}
	return row
}

// after adds milliseconds to a time, without the bounds of a Duration.
func after(t time.Time, ms int64) time.Time { return time.UnixMilli(t.UnixMilli() + ms).UTC() }

// sortNewest sorts as the ledger does: newest first, then by campaign.
func sortNewest(rows []engine.PlaceRow) {
	slices.SortFunc(rows, func(a, b engine.PlaceRow) int {
		return cmp.Or(b.ClaimedAt.Compare(a.ClaimedAt), cmp.Compare(a.Campaign, b.Campaign))
	})
}
