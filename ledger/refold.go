package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// maxViolations bounds how many violations are listed; one is enough to act on.
const maxViolations = 100

// Violation is one promise that does not hold, or one book that says something else.
type Violation struct {
	Rule     string // "cap", "ranks", "once", "promotion", "log", "ledger" or "books"
	Campaign string // empty: the partition as a whole
	Detail   string
}

// Report is what a whole audit found.
type Report struct {
	Campaigns, Places, Records int64
	Violations                 []Violation
}

// Run folds the whole log again from its start, checks the promises at each
// record, and compares the result with the book and the gate. The book may be
// behind: it is compared where its cursor stands.
func (a *Audit) Run(ctx context.Context) (Report, error) {
	topic, _, _, err := a.Log.Describe(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("describe the log: %w", err)
	}
	r := &refold{parts: make([]*refolded, topic.Partitions)}
	for i := range r.parts {
		if r.parts[i], err = a.prepare(ctx, int32(i), topic.ID); err != nil {
			return Report{}, err
		}
	}
	// The log's ends after the book's cursors: what is booked is in the log by then.
	_, starts, ends, err := a.Log.Describe(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("describe the log: %w", err)
	}
	r.ends = ends
	from := make([]int64, topic.Partitions)
	for i, p := range r.parts {
		if starts[i] > 0 {
			p.violate("log", "", "partition %d begins at %d: what came before cannot be audited", i, starts[i])
			from[i] = -1
		}
		if ends[i] == 0 {
			from[i] = -1
		}
	}
	if slices.Max(from) >= 0 { // else there is nothing to read
		err = a.Log.Follow(ctx, from, r) // a partition that was read to its end stops by errEnd
	}
	for i, p := range r.parts {
		if from[i] >= 0 && p.state.Next() < ends[i] && !p.stopped {
			return Report{}, errors.Join(fmt.Errorf("partition %d was read to %d of %d", i, p.state.Next(), ends[i]), err, ctx.Err())
		}
	}
	return a.conclude(ctx, r), nil
}

// refolded is one partition folded again. Owned by its delivery.
type refolded struct {
	id       int32
	state    *fold.State
	snapshot *fold.Snapshot // of the book; nil: it has none
	report   Report
	ranks    map[string]int64
	tickets  map[string]int64
	caps     map[string]int64 // granted before the record
	holds    map[holder]int64 // claim of the active place of each member
	stopped  bool             // by a violation of the log: nothing after it counts
}

type holder struct {
	campaign string
	user     fold.User
}

// refold is the sink of an audit. Each partition is its delivery's alone.
type refold struct {
	ends  []int64
	parts []*refolded
}

func (a *Audit) prepare(ctx context.Context, id int32, topic string) (*refolded, error) {
	p := &refolded{id: id, state: fold.New(id), ranks: map[string]int64{}, tickets: map[string]int64{}, caps: map[string]int64{}, holds: map[holder]int64{}}
	snapshot, of, err := a.Book.Load(ctx, id)
	switch {
	case errors.Is(err, engine.ErrNoSnapshot):
	case err != nil:
		return nil, fmt.Errorf("load partition %d of the book: %w", id, err)
	case of != topic:
		p.violate("ledger", "", "the book of partition %d is of log %s, this is log %s", id, of, topic)
	default:
		p.snapshot = &snapshot
	}
	return p, nil
}

func (p *refolded) violate(rule, campaign, format string, args ...any) {
	if len(p.report.Violations) < maxViolations {
		p.report.Violations = append(p.report.Violations, Violation{rule, campaign, fmt.Sprintf(format, args...)})
	}
}

var errEnd = errors.New("the end of the audit")

// Deliver folds a batch and checks each record.
func (r *refold) Deliver(b engine.Batch) error {
	p := r.parts[b.Partition]
	for _, rec := range b.Records {
		if p.state.Next() >= r.ends[b.Partition] {
			return errEnd
		}
		p.compareAt()
		step, err := p.state.Apply(rec.Offset, rec.At, rec.Value)
		if err != nil {
			p.stopped = true
			p.violate("log", "", "partition %d stops at %d: %v", p.id, rec.Offset, err)
			return err
		}
		p.report.Records++
		p.check(step)
	}
	if p.state.Next() >= r.ends[b.Partition] {
		return errEnd
	}
	return nil
}

// Lost is a violation: committed records are gone.
func (r *refold) Lost(partition int32, err error) {
	r.parts[partition].stopped = true
	r.parts[partition].violate("log", "", "partition %d: %v", partition, err)
}

// check holds one step against the promises, without the fold's own words.
func (p *refolded) check(step *fold.Step) {
	for i := range step.Transitions {
		t := &step.Transitions[i]
		switch t.Change {
		case fold.GrantedNow, fold.Promoted:
			if t.Place.Rank != p.ranks[t.Campaign]+1 {
				p.violate("ranks", t.Campaign, "offset %d gives rank %d after %d", step.Offset, t.Place.Rank, p.ranks[t.Campaign])
			}
			p.ranks[t.Campaign] = t.Place.Rank
		}
		p.checkOnce(step.Offset, t)
		if t.Change == fold.Promoted {
			if t.Place.Ticket <= p.tickets[t.Campaign] {
				p.violate("promotion", t.Campaign, "offset %d promotes ticket %d after %d", step.Offset, t.Place.Ticket, p.tickets[t.Campaign])
			}
			p.tickets[t.Campaign] = t.Place.Ticket
		}
		c := p.state.Campaign(t.Campaign)
		def := &c.Definition
		if !def.Soft && def.Cap != fold.NoCap && c.Granted > def.Cap && c.Granted > p.caps[t.Campaign] {
			p.violate("cap", t.Campaign, "offset %d leads to %d grants, the cap is %d", step.Offset, c.Granted, def.Cap)
		}
		p.caps[t.Campaign] = c.Granted
	}
}

// checkOnce keeps its own list of who has a place: a new one needs that the
// member has none, a promotion that it is the same.
func (p *refolded) checkOnce(offset int64, t *fold.Transition) {
	who := holder{t.Campaign, t.User}
	claim, has := p.holds[who]
	switch t.Change {
	case fold.GrantedNow, fold.Waitlisted:
		if has {
			p.violate("once", t.Campaign, "offset %d gives a second place to the member of claim %d", offset, claim)
		}
		p.holds[who] = offset
	case fold.Promoted:
		if !has || claim != t.Place.Claim {
			p.violate("once", t.Campaign, "offset %d promotes claim %d, which does not wait", offset, t.Place.Claim)
		}
	case fold.EndedNow, fold.ErasedMember:
		delete(p.holds, who)
	}
}

// compareAt compares the book with the fold where the book's cursor stands.
func (p *refolded) compareAt() {
	if p.snapshot == nil || p.snapshot.Next != p.state.Next() {
		return
	}
	if p.state.Digest() != p.snapshot.Digest {
		p.violate("ledger", "", "partition %d at %d: the book's cursor has digest %016x, the log %016x", p.id, p.snapshot.Next, p.snapshot.Digest, p.state.Digest())
	}
	for i := range p.snapshot.Campaigns {
		p.compareCampaign(&p.snapshot.Campaigns[i])
	}
	if n := int64(len(p.snapshot.Campaigns)); n != p.campaigns() {
		p.violate("ledger", "", "partition %d: the book has %d campaigns, the log %d", p.id, n, p.campaigns())
	}
	p.snapshot = nil
}

func (p *refolded) campaigns() (n int64) {
	for range p.state.Campaigns() {
		n++
	}
	return n
}

func (p *refolded) compareCampaign(b *fold.CampaignSnapshot) {
	c := p.state.Campaign(b.Campaign.ID)
	if c == nil {
		p.violate("ledger", b.Campaign.ID, "is in the book and not in the log")
		return
	}
	if c.Granted != b.Campaign.Granted || c.Waiting != b.Campaign.Waiting || c.Seq != b.Campaign.Seq || c.Ev != b.Campaign.Ev {
		p.violate("ledger", c.ID, "the book has %d granted, %d waiting, rank %d, event %d; the log %d, %d, %d, %d", b.Campaign.Granted, b.Campaign.Waiting,
			b.Campaign.Seq, b.Campaign.Ev, c.Granted, c.Waiting, c.Seq, c.Ev)
	}
	seen := 0
	for _, m := range b.Members {
		if place := c.Place(m.User); place != m.Place {
			p.violate("ledger", c.ID, "member %x has %+v in the book and %+v in the log", m.User, m.Place, place)
		}
		seen++
	}
	members := 0
	for range c.Members() {
		members++
	}
	if seen != members {
		p.violate("ledger", c.ID, "the book has %d members, the log %d", seen, members)
	}
}

// conclude compares what stands at the end of the log: the gate, and a book
// whose cursor is there.
func (a *Audit) conclude(ctx context.Context, r *refold) Report {
	var out Report
	for _, p := range r.parts {
		p.compareAt()
		if p.snapshot != nil && len(p.report.Violations) == 0 {
			p.violate("ledger", "", "partition %d: the book's cursor %d is beyond the log's end %d", p.id, p.snapshot.Next, p.state.Next())
		}
		for c := range p.state.Campaigns() {
			out.Campaigns++
			for range c.Members() {
				out.Places++
			}
			if c.Status == fold.Archived || c.Status == fold.Draft {
				continue
			}
			b, err := a.Books(ctx, c.ID)
			if err != nil && ctx.Err() == nil {
				p.violate("log", c.ID, "this node cannot tell its state: %v", err)
			}
			for _, d := range b.Differences {
				p.violate("books", c.ID, "%s", d)
			}
		}
		out.Records += p.report.Records
		out.Violations = append(out.Violations, p.report.Violations...)
	}
	return out
}
