package fold

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// ErrDigest: a snapshot is damaged, or incomplete.
var ErrDigest = errors.New("the snapshot's digest does not match its content")

// Snapshot is a whole state at one offset: what the ledger keeps and what a
// node starts from.
type Snapshot struct {
	Partition int32
	Next      int64 // first offset not applied
	LastAt    int64 // Unix ms of the newest record
	Version   uint8 // of the rules in force
	Rows      int64 // transitions so far: the sum of all campaigns' Ev
	Genesis   Genesis
	Digest    uint64 // must match the restored state's
	Campaigns []CampaignSnapshot
}

// Genesis says whose log a partition belongs to.
type Genesis struct {
	Cluster    [16]byte
	Partitions int32 // 0: no GENESIS record yet
}

// CampaignSnapshot is one campaign with the newest place of each member that
// is linked to it. Archived campaigns come without members.
type CampaignSnapshot struct {
	Campaign Campaign // exported fields only
	Members  []Member
}

// Member is one member's newest place.
type Member struct {
	User  User
	Place Place
}

// Snapshot copies the whole state, campaigns in order of creation, members by user.
func (s *State) Snapshot() Snapshot {
	snapshot := Snapshot{
		Partition: s.partition, Next: s.next, LastAt: s.lastAt, Version: s.version,
		Rows: s.rows, Genesis: s.genesis, Digest: s.Digest(),
		Campaigns: make([]CampaignSnapshot, 0, len(s.order)),
	}
	for _, c := range s.order {
		snapshot.Campaigns = append(snapshot.Campaigns, CampaignSnapshot{Campaign: c.shown(), Members: c.sorted()})
	}
	return snapshot
}

// shown is a copy of the exported fields.
func (c *Campaign) shown() Campaign {
	shown := *c
	shown.members, shown.list = nil, waitlist{}
	shown.defined, shown.sum, shown.hash = 0, 0, 0
	return shown
}

func (c *Campaign) sorted() []Member {
	members := make([]Member, 0, len(c.members))
	for u, p := range c.members {
		members = append(members, Member{User: u, Place: p})
	}
	slices.SortFunc(members, func(a, b Member) int { return bytes.Compare(a.User[:], b.User[:]) })
	return members
}

// Restore returns the state that a snapshot describes, in whatever order it
// lists campaigns and members: it goes on exactly as the state that the
// snapshot was taken of. ErrDigest when it is not whole, ErrUnknown when its
// rules are newer than this build. The snapshot is not kept, but definitions
// are shared; nobody changes those in place.
func Restore(snapshot Snapshot) (*State, error) {
	if snapshot.Version > Version {
		return nil, fmt.Errorf("%w: a snapshot of rules %d", ErrUnknown, snapshot.Version)
	}
	s := New(snapshot.Partition)
	s.next, s.lastAt, s.version = snapshot.Next, snapshot.LastAt, snapshot.Version
	s.rows, s.genesis = snapshot.Rows, snapshot.Genesis
	for i := range snapshot.Campaigns {
		c, err := restore(&snapshot.Campaigns[i])
		if err != nil {
			return nil, err
		}
		if s.byID[c.ID] != nil {
			return nil, fmt.Errorf("%w: %s is there twice", ErrDigest, c.ID)
		}
		s.add(c)
	}
	slices.SortFunc(s.order, func(a, b *Campaign) int { return cmp.Compare(a.Created, b.Created) })
	if got := s.Digest(); got != snapshot.Digest {
		return nil, fmt.Errorf("%w: partition %d at %d has %016x, not %016x", ErrDigest, s.partition, s.next, got, snapshot.Digest)
	}
	if s.next > 0 && s.next%BeaconEvery == 0 {
		s.marks.put(s.next, s.Digest())
	}
	return s, nil
}

// restore rebuilds what a campaign's exported fields do not hold. The waiting
// list follows from the tickets.
func restore(from *CampaignSnapshot) (*Campaign, error) {
	c := from.Campaign.shown()
	if err := c.define(&from.Campaign.Definition); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDigest, c.ID, err)
	}
	c.members = make(map[User]Place, len(from.Members))
	var waiting []Member
	for _, m := range from.Members {
		c.members[m.User] = m.Place
		c.sum += memberHash(m.User, &m.Place)
		if m.Place.State == Waiting {
			waiting = append(waiting, m)
		}
	}
	slices.SortFunc(waiting, func(a, b Member) int { return cmp.Compare(a.Place.Ticket, b.Place.Ticket) })
	for _, m := range waiting {
		c.list.push(m.User, m.Place.Ticket)
	}
	if len(c.members) != len(from.Members) || c.Status != Archived && int64(c.list.live) != c.Waiting {
		return nil, fmt.Errorf("%w: %s has a member twice, or a list of another length", ErrDigest, c.ID)
	}
	return &c, nil
}
