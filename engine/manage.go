package engine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"firstcome/engine/fold"
)

// Verb moves a campaign from one status to the next.
type Verb uint8

// The verbs.
const (
	Publish Verb = iota + 1 // draft -> scheduled
	Open                    // draft, scheduled -> open
	Pause                   // open -> paused
	Resume                  // paused -> open
	Close                   // scheduled, open, paused -> closed
	Archive                 // draft, closed -> archived
)

// moves says, per verb, its record, the statuses it starts from, the status it
// leads to, and those in which it is done already.
var moves = map[Verb]struct {
	kind fold.Kind
	from []fold.Status
	to   fold.Status
	done []fold.Status
}{
	Publish: {fold.KindPublish, []fold.Status{fold.Draft}, fold.Scheduled, []fold.Status{fold.Scheduled, fold.Open, fold.Paused}},
	Open:    {fold.KindOpen, []fold.Status{fold.Draft, fold.Scheduled}, fold.Open, []fold.Status{fold.Open}},
	Pause:   {fold.KindPause, []fold.Status{fold.Open}, fold.Paused, []fold.Status{fold.Paused}},
	Resume:  {fold.KindResume, []fold.Status{fold.Paused}, fold.Open, []fold.Status{fold.Open}},
	Close:   {fold.KindClose, []fold.Status{fold.Scheduled, fold.Open, fold.Paused}, fold.Closed, []fold.Status{fold.Closed}},
	Archive: {fold.KindArchive, []fold.Status{fold.Draft, fold.Closed}, fold.Archived, []fold.Status{fold.Archived}},
}

// Create makes a draft. A repeat with the same content returns it with created
// false; ErrExists with other content. An empty ID is generated. InvalidError.
// A dry run validates and answers what would be.
func (e *Engine) Create(ctx context.Context, c Campaign, by Actor, dryRun bool) (_ Campaign, created bool, _ error) {
	if c.ID == "" {
		c.ID = "c-" + strings.ToLower(rand.Text()[:16])
	}
	complete(&c)
	if err := c.validate(e.Now()); err != nil {
		return c, false, err
	}
	if err := by.validate(false); err != nil {
		return c, false, err
	}
	if err := e.Sync(ctx, c.ID, Read{Exact: !dryRun}); err != nil {
		return c, false, err
	}
	if there, err := e.Campaign(c.ID); err == nil {
		return e.same(c, there)
	}
	if dryRun {
		c.Status, c.Version, c.Ev, c.CreatedAt = fold.Draft, 1, 1, e.Now()
		return c, true, nil
	}
	def, err := definitionOf(&c, e.sealer.NewKey(c.ID))
	if err != nil {
		return c, false, err
	}
	got, err := e.node.partition(c.ID).submit(ctx, &fold.Record{Kind: fold.KindCampaign, Campaign: c.ID, Actor: by.Subject, Reason: by.Reason, Definition: def})
	if err != nil {
		return c, false, err
	}
	there, err := e.Campaign(c.ID)
	if err != nil {
		return c, false, err
	}
	if got.verdict == fold.Done {
		return there, true, nil
	}
	return e.same(c, there)
}

// same answers a repeated creation.
func (e *Engine) same(c, there Campaign) (Campaign, bool, error) {
	mine, err := definitionOf(&c, nil)
	if err != nil {
		return c, false, err
	}
	theirs, err := definitionOf(&there, nil)
	if err != nil {
		return c, false, err
	}
	if !reflect.DeepEqual(mine, theirs) {
		return there, false, ErrExists
	}
	return there, false, nil
}

// definitionOf is a campaign as the log carries it.
func definitionOf(c *Campaign, key []byte) (*fold.Definition, error) {
	def := &fold.Definition{
		Title: c.Title, Description: c.Description, Kind: c.Kind, Counting: c.Counting, Cap: fold.NoCap, Soft: c.CapMode == "soft",
		Points: c.Points, WaitlistCap: c.WaitlistCap, EndPromotion: c.EndPromotion,
		OpensAt: timeMs(c.OpensAt), ClosesAt: timeMs(c.ClosesAt), CancellableUntil: timeMs(c.CancellableUntil), Key: key,
	}
	if c.Cap != nil {
		def.Cap = *c.Cap
	}
	if c.Reclaim == "refused" {
		def.Reclaim = fold.ReclaimRefused
	}
	var err error
	if len(c.Form) > 0 {
		if def.Form, err = json.Marshal(c.Form); err != nil {
			return nil, fmt.Errorf("encode the form: %w", err)
		}
	}
	if len(c.Eligibility) > 0 {
		if def.Eligibility, err = json.Marshal(c.Eligibility); err != nil {
			return nil, fmt.Errorf("encode the rules of eligibility: %w", err)
		}
	}
	if b, err := fold.EncodeDefinition(def); err != nil || len(b) > fold.MaxDefinition-256 { // room for the key
		return nil, &InvalidError{Fields: []FieldError{{Pointer: "", Detail: fmt.Sprintf("is larger than %d bytes in all; shorten the description or the form", fold.MaxDefinition-256)}}}
	}
	return def, nil
}

// Edit replaces the definition of the campaign c.ID when its version still is
// version; ErrVersion, ErrState for what the status does not allow to change,
// InvalidError.
func (e *Engine) Edit(ctx context.Context, c Campaign, version int64, by Actor, dryRun bool) (Campaign, error) {
	if err := e.Sync(ctx, c.ID, Read{Exact: !dryRun}); err != nil {
		return c, err
	}
	there, err := e.Campaign(c.ID)
	if err != nil {
		return c, err
	}
	if there.Version != version {
		return there, ErrVersion
	}
	complete(&c)
	if err := errorsOf(c.validate(e.Now()), by.validate(false)); err != nil {
		return there, err
	}
	if err := there.allows(&c); err != nil {
		return there, err
	}
	def, err := definitionOf(&c, nil)
	if err != nil {
		return there, err
	}
	if dryRun {
		return e.edited(c, there, def), nil
	}
	return e.change(ctx, c.ID, &fold.Record{Kind: fold.KindEdit, Definition: def, Xv: version}, by)
}

// edited is what an edit would make of a campaign.
func (e *Engine) edited(c, there Campaign, def *fold.Definition) Campaign {
	c.Status, c.Version, c.Granted, c.Waiting = there.Status, there.Version+1, there.Granted, there.Waiting
	now, err := definitionOf(&there, nil)
	if err == nil && e.node.partition(c.ID).rules.Load() >= fold.SameIsNoChange && reflect.DeepEqual(now, def) {
		c.Version = there.Version
	}
	return c
}

// change appends an admin's record and returns the campaign after it. The
// fold refuses a record whose version is not the campaign's any more.
func (e *Engine) change(ctx context.Context, id string, r *fold.Record, by Actor) (Campaign, error) {
	r.Campaign, r.Actor, r.Reason = id, by.Subject, by.Reason
	if l := e.ports.Locker; l != nil {
		lockCtx, cancel := context.WithTimeout(ctx, gateBudget)
		lock, err := l.TryLock(lockCtx, "{"+id+"}:lk:admin", 10*scheduleAgain)
		cancel()
		if err == nil {
			defer lock.Unlock(context.WithoutCancel(ctx)) // else it expires
		}
	}
	got, err := e.node.partition(id).submit(ctx, r)
	if err != nil {
		return Campaign{}, err
	}
	there, err := e.Campaign(id)
	if err != nil {
		return there, err
	}
	switch got.verdict {
	case fold.Done, fold.NoEffect:
		return there, nil
	case fold.Refused:
		if there.Version != r.Xv {
			return there, ErrVersion
		}
		return there, ErrState
	}
	return there, ErrNotFound
}

// Move carries out a verb. version 0 means any version; done already is no
// error; ErrState when the status does not allow it.
func (e *Engine) Move(ctx context.Context, id string, verb Verb, version int64, by Actor, dryRun bool) (Campaign, error) {
	m, ok := moves[verb]
	if !ok {
		return Campaign{}, fmt.Errorf("verb %d: %w", verb, ErrState)
	}
	if err := by.validate(false); err != nil {
		return Campaign{}, err
	}
	if err := e.Sync(ctx, id, Read{Exact: !dryRun}); err != nil {
		return Campaign{}, err
	}
	for range 8 { // somebody else's change in between is looked at again; with a version it is an answer
		there, err := e.Campaign(id)
		switch {
		case err != nil:
			return there, err
		case version != 0 && there.Version != version:
			return there, ErrVersion
		case slices.Contains(m.done, there.Status):
			return there, nil
		case !slices.Contains(m.from, there.Status):
			return there, ErrState
		case verb == Publish && there.OpensAt.IsZero():
			return there, &InvalidError{Fields: []FieldError{{Pointer: "/opens_at", Detail: "is needed to publish: it says when the campaign opens by itself; or open it now"}}}
		case dryRun:
			there.Status, there.Version = m.to, there.Version+1
			return there, nil
		}
		there, err = e.change(ctx, id, &fold.Record{Kind: m.kind, Xv: there.Version}, by)
		if err != ErrVersion || version != 0 {
			return there, err
		}
	}
	return Campaign{}, ErrVersion
}

// CapChange says what a change of the cap does.
type CapChange struct {
	From, To         *int64 // nil: no cap
	Granted, Waiting int64  // before
	Promoted         int64  // how many leave the waiting list with a grant
	OverBy           int64  // how many grants there are beyond the new cap: none is taken away
	Promotees        []UserRef
	Members          []string // the promotees' subjects, as far as they are known
}

// UserRef is a pseudonym.
type UserRef = [16]byte

// maxPromotees bounds who is named in a preview.
const maxPromotees = 100

// SetCap changes the cap (nil: none). A dry run changes nothing and tells the
// first 100 promotees.
func (e *Engine) SetCap(ctx context.Context, id string, limit *int64, version int64, by Actor, dryRun bool) (Campaign, CapChange, error) {
	if err := by.validate(!dryRun); err != nil {
		return Campaign{}, CapChange{}, err
	}
	if err := e.Sync(ctx, id, Read{Exact: !dryRun}); err != nil {
		return Campaign{}, CapChange{}, err
	}
	there, change, err := e.preview(ctx, id, limit)
	if err != nil {
		return there, change, err
	}
	switch {
	case there.Version != version:
		return there, change, ErrVersion
	case there.Status == fold.Archived:
		return there, change, ErrState
	}
	next := there
	next.Cap = limit
	if err := next.validate(e.Now()); err != nil {
		return there, change, err
	}
	if dryRun {
		return there, change, nil
	}
	r := &fold.Record{Kind: fold.KindCap, Xv: version, Cap: fold.NoCap}
	if limit != nil {
		r.Cap = *limit
	}
	there, err = e.change(ctx, id, r, by)
	return there, change, err
}

// preview computes what another cap would do, from one state of the fold.
func (e *Engine) preview(ctx context.Context, id string, limit *int64) (Campaign, CapChange, error) {
	p := e.node.partition(id)
	p.mu.RLock()
	if p.state == nil {
		p.mu.RUnlock()
		return Campaign{}, CapChange{}, ErrUnavailable
	}
	c := p.state.Campaign(id)
	if c == nil {
		p.mu.RUnlock()
		return Campaign{}, CapChange{}, ErrNotFound
	}
	there := p.campaignOf(c)
	change := CapChange{From: there.Cap, To: limit, Granted: c.Granted, Waiting: c.Waiting}
	to := fold.NoCap
	if limit != nil {
		to = *limit
		change.OverBy = max(0, c.Granted-to)
	}
	promoted, first := c.Preview(to, maxPromotees)
	change.Promoted = promoted
	claims := make([]int64, len(first))
	for i, u := range first {
		change.Promotees = append(change.Promotees, u)
		claims[i] = c.Place(u).Claim
	}
	p.mu.RUnlock()
	for _, claim := range claims {
		if subject := e.subject(ctx, p, id, claim); subject != "" {
			change.Members = append(change.Members, subject)
		}
	}
	return there, change, nil
}

// subject is a place's member by name, empty when it cannot be known now.
func (e *Engine) subject(ctx context.Context, p *partition, campaign string, claim int64) string {
	if subject, _, _ := p.openUnbooked(campaign, claim); subject != "" {
		return subject
	}
	if e.ports.Register == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, registerBudget)
	defer cancel()
	row, err := e.ports.Register.Place(ctx, campaign, claim)
	if err != nil {
		return ""
	}
	return row.Member
}
