package ledger

import (
	"cmp"
	"errors"
	"slices"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// reducer turns steps of the fold into one batch: an entry per transition, and
// the final row of each place. It belongs to one goroutine.
type reducer struct {
	sealer  *engine.Sealer
	batch   Batch
	places  map[placeKey]int // index into rows
	rows    []placeRow
	fences  map[Member]int // by campaign and user
	people  map[fold.User]bool
	touched map[string]bool
	sealed  int // rows whose personal data did not open
}

type placeKey struct {
	campaign string
	claim    int64
}

type placeRow struct {
	Place
	booked bool // the book has it already
}

func newReducer(sealer *engine.Sealer, partition int32, topic string) *reducer {
	r := &reducer{sealer: sealer}
	r.batch.Partition, r.batch.Topic = partition, topic
	r.begin(0)
	return r
}

// begin starts an empty batch at an offset.
func (r *reducer) begin(from int64) {
	r.batch = Batch{Partition: r.batch.Partition, Topic: r.batch.Topic, From: from, Next: from}
	r.places, r.fences = map[placeKey]int{}, map[Member]int{}
	r.people, r.touched = map[fold.User]bool{}, map[string]bool{}
	r.rows, r.sealed = nil, 0
}

// add takes over what one record did.
func (r *reducer) add(s *fold.State, step *fold.Step) {
	if rec := &step.Record; rec.Kind == fold.KindErase && step.Verdict == fold.NoEffect {
		// The fold has let an archived campaign's members go; their rows have not.
		r.erase(Member{Campaign: rec.Campaign, User: rec.User, Offset: step.Offset, At: step.At})
	}
	for i := range step.Transitions {
		t := &step.Transitions[i]
		r.touched[t.Campaign] = true
		r.batch.Entries = append(r.batch.Entries, entryOf(t))
		r.addPlace(s, t)
	}
}

// finish completes the batch with the state that it leads to.
func (r *reducer) finish(s *fold.State) *Batch {
	b := &r.batch
	b.Next, b.LastAt, b.Version, b.Rows, b.Genesis, b.Digest = s.Next(), s.LastAt(), s.Version(), s.Rows(), s.Genesis(), s.Digest()
	for _, row := range r.rows {
		if row.booked {
			b.Changed = append(b.Changed, row.Place)
		} else {
			b.Placed = append(b.Placed, row.Place)
		}
	}
	for id := range r.touched {
		if c := s.Campaign(id); c != nil {
			b.Campaigns = append(b.Campaigns, *c)
		}
	}
	slices.SortFunc(b.Campaigns, func(x, y fold.Campaign) int { return cmp.Compare(x.ID, y.ID) })
	b.People = r.linked()
	return b
}

// linked are the subjects that a row of the batch still links to: who was erased
// again within the batch leaves none behind.
func (r *reducer) linked() []Person {
	links := map[fold.User]bool{}
	for i := range r.rows {
		if !r.rows[i].Erased {
			links[r.rows[i].User] = true
		}
	}
	return slices.DeleteFunc(r.batch.People, func(p Person) bool { return !links[p.User] })
}

func entryOf(t *fold.Transition) Entry {
	e := Entry{Campaign: t.Campaign, Ev: t.Ev, Offset: t.Offset, Change: t.Change, User: t.User, Rank: t.Place.Rank, Ticket: t.Place.Ticket,
		At: t.At, Actor: t.Actor, Reason: t.Reason, Xv: t.Xv, Points: t.Points}
	if t.Change == fold.ErasedMember {
		e.User = fold.User{}
	}
	if t.Change.OfCampaign() {
		e.After = t.After
	}
	if t.From != nil && t.To != nil {
		e.Diff = diff(t.From, t.To)
	}
	return e
}

// addPlace brings the row of the member's place up to a transition.
func (r *reducer) addPlace(s *fold.State, t *fold.Transition) {
	switch {
	case t.Change == fold.ErasedMember:
		r.erase(Member{Campaign: t.Campaign, User: t.User, Offset: t.Offset, At: t.At})
		return
	case t.Place.State == fold.NoPlace:
		return // the campaign's own change
	case t.Place.State == fold.Fenced:
		r.fence(t)
		return
	}
	row := r.row(t.Campaign, t.User, t.Place.Claim, t.Before.Claim == t.Place.Claim && t.Before.State != fold.NoPlace)
	row.Place.Place = t.Place
	switch t.Change {
	case fold.GrantedNow, fold.Promoted:
		row.Points = t.Points
	case fold.EndedNow:
		row.Points = 0
	case fold.AnsweredNow, fold.FencedNow:
		if row.booked && t.Place.State == fold.Granted {
			row.Points = s.Campaign(t.Campaign).Definition.Points
		}
	}
	if len(t.Sealed) > 0 {
		r.open(s, t, row)
	}
}

// row finds or makes a place's row. before says that the place was there
// before this transition: when it is not in the batch, the book has it.
func (r *reducer) row(campaign string, user fold.User, claim int64, before bool) *placeRow {
	key := placeKey{campaign, claim}
	i, ok := r.places[key]
	if !ok {
		i = len(r.rows)
		r.places[key] = i
		r.rows = append(r.rows, placeRow{Place: Place{Campaign: campaign, User: user}, booked: before})
	}
	return &r.rows[i]
}

// fence notes a member who never had a place.
func (r *reducer) fence(t *fold.Transition) {
	key := Member{Campaign: t.Campaign, User: t.User}
	i, ok := r.fences[key]
	if !ok {
		i = len(r.batch.Fences)
		r.fences[key] = i
		r.batch.Fences = append(r.batch.Fences, Fence{Campaign: t.Campaign, User: t.User})
	}
	r.batch.Fences[i].Place = t.Place
}

// erase unlinks the member from the batch's own rows too.
func (r *reducer) erase(t Member) {
	r.batch.Erased = append(r.batch.Erased, t)
	for i := range r.rows {
		row := &r.rows[i]
		if row.Campaign != t.Campaign || row.User != t.User || row.Erased {
			continue
		}
		row.Erased, row.Patch = true, nil
		if p := &row.Place.Place; p.State == fold.Waiting {
			p.State, p.End, p.EndedAt = fold.Ended, t.Offset, t.At
		}
	}
	for i := range r.batch.Entries {
		if e := &r.batch.Entries[i]; e.Campaign == t.Campaign && e.User == t.User {
			e.User = fold.User{}
		}
	}
	if i, ok := r.fences[Member{Campaign: t.Campaign, User: t.User}]; ok {
		r.batch.Fences = append(r.batch.Fences[:i], r.batch.Fences[i+1:]...)
		r.fences = map[Member]int{}
		for j, f := range r.batch.Fences {
			r.fences[Member{Campaign: f.Campaign, User: f.User}] = j
		}
	}
}

// open takes subject and answers out of the sealed bytes. What does not open
// is left out: the grant is a fact all the same.
func (r *reducer) open(s *fold.State, t *fold.Transition, row *placeRow) {
	data, err := r.sealer.Open(t.Campaign, s.Campaign(t.Campaign).Definition.Key, t.User, t.Sealed)
	if err != nil {
		r.sealed++
		return
	}
	if data.Subject != "" && !r.people[t.User] {
		r.people[t.User] = true
		r.batch.People = append(r.batch.People, Person{User: t.User, Subject: plain(data.Subject)})
	}
	answers, err := plainJSON(data.Answers)
	if err == nil {
		answers, err = engine.MergePatch(row.Patch, answers)
	}
	if err != nil {
		r.sealed++
		return
	}
	row.Patch = answers
}

var errClosed = errors.New("the writer has ended")
