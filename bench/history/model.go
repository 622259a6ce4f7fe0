package history

import (
	"bytes"
	"errors"
	"fmt"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// model is the rules of protocol.md, section 3, written once more for the judge
// alone. It shares the codec with the product and nothing else, so a mistake in
// the product's fold is a difference between the two, never a verdict.
type model struct {
	partition          int32
	rules              uint8
	next, lastAt, rows int64
	genesis            fold.Genesis
	byID               map[string]*course
	order              []*course // by creation
	stopped            error     // a record that no fold of these rules goes beyond

	at   int64    // of the record that is applied
	said []change // by the last record
}

// modelRules is the newest version of the rules that the model knows.
const modelRules = 2

// change is one numbered event.
type change struct {
	course         *course
	what           fold.Change
	user           fold.User
	place          fold.Place
	points, ev, xv int64
	actor          string
}

// String is one line of a violation's detail.
func (c change) String() string {
	return fmt.Sprintf("%s %d: %v %x %+v by %d points", c.course.id, c.ev, c.what, c.user[:4], c.place, c.points)
}

func newModel(partition int32) *model {
	return &model{partition: partition, rules: 1, byID: map[string]*course{}}
}

// apply takes the next record. After stopped is set nothing more happens.
func (m *model) apply(in *engine.LogRecord) (r fold.Record, verdict fold.Verdict) {
	r, err := fold.Decode(in.Value)
	malformed := errors.Is(err, fold.ErrMalformed)
	switch {
	case in.Offset != m.next:
		m.stopped = fmt.Errorf("offset %d follows %d", in.Offset, m.next-1)
	case err != nil && !malformed:
		m.stopped = err
	case in.Offset == 0 && (malformed || r.Kind != fold.KindGenesis):
		m.stopped = errors.New("it does not begin with GENESIS")
	}
	if m.stopped != nil {
		return r, fold.Invalid
	}
	m.said, m.at = m.said[:0], max(in.At, m.lastAt)
	if malformed {
		r, verdict = fold.Record{}, fold.Invalid
	} else if verdict = m.decide(&r); m.stopped != nil {
		return r, verdict
	}
	m.next, m.lastAt = in.Offset+1, m.at
	m.rows += int64(len(m.said))
	return r, verdict
}

func (m *model) decide(r *fold.Record) fold.Verdict {
	switch r.Kind {
	case fold.KindGenesis:
		return m.begin(fold.Genesis{Cluster: r.Cluster, Partitions: r.Partitions})
	case fold.KindActivate:
		if r.Activate > modelRules {
			m.stopped = fmt.Errorf("rules %d come into force, the model knows %d", r.Activate, modelRules)
		}
		if r.Activate <= m.rules {
			return fold.NoEffect
		}
		m.rules = r.Activate
		return fold.Done
	case fold.KindNoop, fold.KindBeacon:
		return fold.NoEffect
	case fold.KindCampaign:
		return m.create(r)
	}
	c := m.byID[r.Campaign]
	if c == nil {
		return fold.Invalid
	}
	return c.decide(r)
}

func (m *model) begin(g fold.Genesis) fold.Verdict {
	switch {
	case m.genesis == g:
		return fold.NoEffect
	case m.next > 0 || m.partition >= g.Partitions:
		m.stopped = errors.New("a GENESIS of another log")
		return fold.Refused
	}
	m.genesis = g
	return fold.Done
}

func (m *model) create(r *fold.Record) fold.Verdict {
	if m.byID[r.Campaign] != nil {
		return fold.Refused
	}
	c := &course{model: m, id: r.Campaign, d: *r.Definition, status: fold.Draft, xv: 1, created: m.next, createdAt: m.at,
		members: map[fold.User]*member{}, gone: never}
	c.stretches[anything], c.stretches[hidden] = []stretch{{-1, never}}, []stretch{{-1, never}}
	m.byID[c.id] = c
	m.order = append(m.order, c)
	c.say(fold.Created, fold.User{}, fold.Place{}, 0, r.Actor)
	c.mark()
	return fold.Done
}

// differs tells the first difference between the model and what somebody else
// says the state is at the same offset; empty for none.
func (m *model) differs(s *fold.Snapshot) string {
	switch {
	case s.Next != m.next || s.LastAt != m.lastAt || s.Version != m.rules || s.Rows != m.rows || s.Genesis != m.genesis:
		return fmt.Sprintf("next %d, time %d, rules %d, rows %d, and the rules say %d, %d, %d, %d", s.Next, s.LastAt, s.Version, s.Rows,
			m.next, m.lastAt, m.rules, m.rows)
	case len(s.Campaigns) != len(m.order):
		return fmt.Sprintf("%d campaigns, and the rules say %d", len(s.Campaigns), len(m.order))
	}
	for i := range s.Campaigns {
		c := m.byID[s.Campaigns[i].Campaign.ID]
		if c == nil {
			return s.Campaigns[i].Campaign.ID + " is not in the log"
		}
		if why := c.differs(&s.Campaigns[i]); why != "" {
			return c.id + ": " + why
		}
	}
	return ""
}

func (c *course) differs(s *fold.CampaignSnapshot) string {
	o := &s.Campaign
	theirs := [...]int64{int64(o.Status), o.Xv, o.Granted, o.Waiting, o.Seq, o.Wseq, o.Ev, o.Freed, o.CreatedAt, o.Created}
	mine := [...]int64{int64(c.status), c.xv, c.granted, c.waiting, c.seq, c.wseq, c.ev, c.freed, c.createdAt, c.created}
	if theirs != mine {
		return fmt.Sprintf("status, xv, granted, waiting, seq, wseq, ev, freed, created at and by are %v, and the rules say %v", theirs, mine)
	}
	if !same(&c.d, &o.Definition) {
		return "another definition"
	}
	linked := 0
	if c.status != fold.Archived {
		for _, m := range c.members {
			if m.now.State != fold.NoPlace {
				linked++
			}
		}
	}
	if len(s.Members) != linked {
		return fmt.Sprintf("%d members, and the rules say %d", len(s.Members), linked)
	}
	for i := range s.Members {
		if p := c.place(s.Members[i].User); p != s.Members[i].Place {
			return fmt.Sprintf("%x has %+v, and the rules say %+v", s.Members[i].User, s.Members[i].Place, p)
		}
	}
	return ""
}

func same(a, b *fold.Definition) bool {
	return a.Title == b.Title && a.Description == b.Description && a.Kind == b.Kind && a.Counting == b.Counting && a.Cap == b.Cap &&
		a.Soft == b.Soft && a.Points == b.Points && a.WaitlistCap == b.WaitlistCap && a.Reclaim == b.Reclaim && a.EndPromotion == b.EndPromotion &&
		a.OpensAt == b.OpensAt && a.ClosesAt == b.ClosesAt && a.CancellableUntil == b.CancellableUntil &&
		bytes.Equal(a.Form, b.Form) && bytes.Equal(a.Eligibility, b.Eligibility) && bytes.Equal(a.Key, b.Key)
}
