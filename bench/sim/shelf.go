package sim

import (
	"context"
	"fmt"
	"sync"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/ledger"
)

// shelf is the database of the book: tables with the constraints that the real
// ones have.
type shelf struct {
	mu    sync.Mutex
	drift time.Duration // of its clock
	// guarded by mu
	cursors   map[int32]cursor
	campaigns map[string]heading
	places    map[placeKey]ledger.Place
	fences    map[memberKey]fold.Place
	entries   map[entryKey]ledger.Entry
	ranks     map[rankKey]int64   // unique (campaign, rank): whose
	active    map[memberKey]int64 // unique (campaign, user) where active: which
	rate      int64
}

type cursor struct {
	next, lastAt, rows int64
	topic              string
	version            uint8
	genesis            fold.Genesis
	digest             uint64
}

type heading struct {
	partition int32
	campaign  fold.Campaign
	def       []byte
}

type (
	placeKey struct {
		campaign string
		claim    int64
	}
	memberKey struct {
		campaign string
		user     fold.User
	}
	entryKey struct {
		campaign string
		ev       int64
	}
	rankKey struct {
		campaign string
		rank     int64
	}
)

func newShelf() *shelf {
	return &shelf{cursors: map[int32]cursor{}, campaigns: map[string]heading{}, places: map[placeKey]ledger.Place{}, fences: map[memberKey]fold.Place{},
		entries: map[entryKey]ledger.Entry{}, ranks: map[rankKey]int64{}, active: map[memberKey]int64{}}
}

// write is the transaction of a batch.
func (s *shelf) write(b *ledger.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, there := s.cursors[b.Partition]
	if there && c.topic != b.Topic || c.next != b.From {
		return ledger.ErrBehind
	}
	for i := range b.Erased {
		s.erase(&b.Erased[i])
	}
	for i := range b.Changed {
		if err := s.change(&b.Changed[i]); err != nil {
			return err
		}
	}
	for _, f := range b.Fences {
		s.fences[memberKey{f.Campaign, f.User}] = f.Place
	}
	for i := range b.Campaigns {
		def, err := fold.EncodeDefinition(&b.Campaigns[i].Definition)
		if err != nil {
			return fmt.Errorf("encode a definition: %w", err)
		}
		s.campaigns[b.Campaigns[i].ID] = heading{b.Partition, b.Campaigns[i], def}
	}
	for i := range b.Placed {
		if err := s.place(&b.Placed[i]); err != nil {
			return err
		}
	}
	for _, e := range b.Entries {
		k := entryKey{e.Campaign, e.Ev}
		if _, twice := s.entries[k]; twice {
			return &ledger.RuleError{Rule: "entries_pkey", Detail: fmt.Sprint(k)}
		}
		s.entries[k] = e
	}
	s.cursors[b.Partition] = cursor{b.Next, b.LastAt, b.Rows, b.Topic, b.Version, b.Genesis, b.Digest}
	return nil
}

// change updates a row that must be there.
func (s *shelf) change(p *ledger.Place) error {
	k := placeKey{p.Campaign, p.Place.Claim}
	old, there := s.places[k]
	if !there {
		return &ledger.RuleError{Rule: "places", Detail: fmt.Sprintf("%v is not there", k)}
	}
	s.unlink(&old)
	old.Place, old.Points = p.Place, p.Points
	return s.link(k, &old)
}

// place inserts a row that must not be there.
func (s *shelf) place(p *ledger.Place) error {
	k := placeKey{p.Campaign, p.Place.Claim}
	if _, twice := s.places[k]; twice {
		return &ledger.RuleError{Rule: "places_pkey", Detail: fmt.Sprint(k)}
	}
	row := *p
	return s.link(k, &row)
}

func (s *shelf) unlink(p *ledger.Place) {
	delete(s.ranks, rankKey{p.Campaign, p.Place.Rank})
	if s.active[memberKey{p.Campaign, p.User}] == p.Place.Claim {
		delete(s.active, memberKey{p.Campaign, p.User})
	}
}

func (s *shelf) link(k placeKey, p *ledger.Place) error {
	if p.Place.Rank > 0 {
		r := rankKey{p.Campaign, p.Place.Rank}
		if other, taken := s.ranks[r]; taken {
			return &ledger.RuleError{Rule: "places_rank", Detail: fmt.Sprintf("%v is %d's", r, other)}
		}
		s.ranks[r] = k.claim
	}
	if p.Place.Active() && !p.Erased {
		m := memberKey{p.Campaign, p.User}
		if other, taken := s.active[m]; taken {
			return &ledger.RuleError{Rule: "places_active", Detail: fmt.Sprintf("%v has %d", m, other)}
		}
		s.active[m] = k.claim
	}
	s.places[k] = *p
	return nil
}

// erase takes a member out of its rows.
func (s *shelf) erase(m *ledger.Member) {
	for k, p := range s.places {
		if k.campaign != m.Campaign || p.User != m.User || p.Erased || k.claim >= m.Offset {
			continue
		}
		s.unlink(&p)
		p.Erased = true
		if p.Place.State == fold.Waiting {
			p.Place.State, p.Place.End, p.Place.EndedAt = fold.Ended, m.Offset, m.At
		}
		if p.Place.Rank > 0 {
			s.ranks[rankKey{p.Campaign, p.Place.Rank}] = k.claim
		}
		s.places[k] = p
	}
	if k := (memberKey{m.Campaign, m.User}); s.fences[k].Last < m.Offset {
		delete(s.fences, k)
	}
}

// load reads a partition's state.
func (s *shelf) load(partition int32) (fold.Snapshot, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := ledger.NewLoader(partition)
	c, there := s.cursors[partition]
	if !there {
		return l.Snapshot, "", engine.ErrNoSnapshot
	}
	l.Snapshot.Next, l.Snapshot.LastAt, l.Snapshot.Rows, l.Snapshot.Version = c.next, c.lastAt, c.rows, c.version
	l.Snapshot.Genesis, l.Snapshot.Digest = c.genesis, c.digest
	for _, h := range s.campaigns {
		if h.partition == partition {
			if err := l.Campaign(h.campaign, h.def); err != nil {
				return l.Snapshot, "", err
			}
		}
	}
	for k, p := range s.places {
		if h := s.campaigns[k.campaign]; h.partition == partition && h.campaign.Status != fold.Archived && !p.Erased {
			l.Member(k.campaign, p.User, p.Place)
		}
	}
	for k, p := range s.fences {
		if h := s.campaigns[k.campaign]; h.partition == partition && h.campaign.Status != fold.Archived {
			p.State = fold.Fenced
			l.Member(k.campaign, k.user, p)
		}
	}
	return l.Snapshot, c.topic, nil
}

// book is the shelf as one process reaches it: ledger.Book, ledger.Rates, engine.TimeSource.
type book struct {
	s    *shelf
	host *host
}

func (b *book) ask(ctx context.Context, do func()) error {
	if err := b.host.travel(ctx, toBook); err != nil {
		return err
	}
	do()
	if b.host.loses(toBook) {
		return errLost
	}
	return b.host.travel(ctx, toBook)
}

func (b *book) Append(ctx context.Context, batch *ledger.Batch) error {
	var err error
	if lost := b.ask(ctx, func() { err = b.s.write(batch) }); lost != nil {
		return lost
	}
	return err
}

func (b *book) Load(ctx context.Context, partition int32) (s fold.Snapshot, topic string, err error) {
	if lost := b.ask(ctx, func() { s, topic, err = b.s.load(partition) }); lost != nil {
		return s, "", lost
	}
	return s, topic, err
}

func (b *book) Cursors(ctx context.Context, partitions int32) (next, rows []int64, err error) {
	next, rows = make([]int64, partitions), make([]int64, partitions)
	err = b.ask(ctx, func() {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		for p, c := range b.s.cursors {
			next[p], rows[p] = c.next, c.rows
		}
	})
	return next, rows, err
}

func (b *book) Rate(ctx context.Context) (rate int64, err error) {
	err = b.ask(ctx, func() {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		rate = b.s.rate
	})
	return rate, err
}

func (b *book) SetRate(ctx context.Context, rowsPerSecond int64) error {
	return b.ask(ctx, func() {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		b.s.rate = rowsPerSecond
	})
}

func (b *book) Now(ctx context.Context) (now time.Time, err error) {
	err = b.ask(ctx, func() {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		now = time.Now().Add(b.s.drift)
	})
	return now, err
}
