package cache

import (
	"slices"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// tailMost is how many of the last milestones every message carries. Who lost so
// many messages that more than these happened meanwhile reads the kept state.
const tailMost = 8

// account is a campaign's story behind one of its events, as one process tells it to
// another: every milestone behind it, and where the campaign stands. An account that
// begins behind what its hearer knows, or before, leaves nothing out, however
// many messages were lost, doubled or late; so nothing has to be repeated, and
// nobody has to remember what was sent.
type account struct {
	epoch string
	after int64 // every milestone behind this event is in past
	now   mark  // ev 0: there is no such campaign
	past  []milestone
	own   []ownClaim // members' claims that changed lately
}

// ownClaim is what one member is told.
type ownClaim struct {
	user  fold.User
	claim engine.Claim
}

// story is everything that is known of a campaign. Called with part.mu held; the
// milestones are the reel's own.
func (r *Reel) story() account {
	s := account{epoch: r.epoch, now: r.now}
	if !r.complete(0) {
		s.after = r.since
	}
	s.past = r.past.list[r.past.after(s.after):]
	return s
}

// tail is the account with its last milestones only.
func (s account) tail(most int) account {
	if n := len(s.past) - most; n > 0 {
		s.after, s.past = s.past[n-1].ev, s.past[n:]
	}
	return s
}

// learn takes an account from another process. It reports false when something is
// missing between what is known and where the account begins. Called with part.mu
// held, by feeds that no fold feeds.
func (r *Reel) learn(s *account) bool {
	if s.now.ev == 0 {
		r.none = r.now.ev == 0
		return true
	}
	if r.now.ev != 0 && r.epoch != s.epoch {
		r.renew(s)
		return true
	}
	if r.now.ev != 0 && s.after > r.now.ev {
		return false
	}
	known := r.now.ev
	r.epoch, r.none = s.epoch, false
	if known == 0 || s.after < r.since {
		r.since = s.after
	}
	for _, m := range s.past {
		r.past.put(m)
	}
	if s.now.ev > known {
		r.now = s.now
		if r.watchers > 0 {
			r.touch()
		}
	}
	r.forgotten = r.since > 0 && r.now.totals.Status == fold.Archived
	return true
}

// renew begins a reel anew with another log's story, and tells those who watch.
func (r *Reel) renew(s *account) {
	r.epoch, r.now, r.since, r.past = s.epoch, s.now, s.after, past{list: slices.Clone(s.past)}
	if r.watchers > 0 {
		r.told = r.now
		r.put(appendReset(nil, r.epoch, r.now))
		r.frames++
		r.touch() // so that it is noticed
	}
}

// hearOwn takes members' claims, of those who ask for theirs. Called with part.mu held.
func (r *Reel) hearOwn(all []ownClaim) {
	for i := range all {
		if o := &all[i]; r.minds[o.user] > 0 {
			if r.claims == nil {
				r.claims = map[fold.User]engine.Claim{}
			}
			r.claims[o.user] = o.claim
			r.part.own = append(r.part.own, own{r.id, o.user})
		}
	}
}

// put takes a milestone as another process has it.
func (p *past) put(m milestone) {
	i := p.after(m.ev - 1)
	if i < len(p.list) && p.list[i].ev == m.ev {
		return
	}
	p.list = slices.Insert(p.list, i, m)
	if len(p.list) > milestonesMost {
		p.merge()
	}
}
