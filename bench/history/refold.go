package history

import (
	"firstcome/engine/fold"
)

// refold reads the log: by the model, whose word counts, and by the product's
// fold beside it, which has to say the same at every record.
func (k *court) refold() {
	for p := range k.Log {
		k.times = append(k.times, newTimes(len(k.Log[p])))
	}
	k.named()
	lines := map[string][]*Entry{}
	for i := range k.Book {
		lines[k.Book[i].Campaign] = append(lines[k.Book[i].Campaign], &k.Book[i])
	}
	for p := range k.Log {
		r := &refold{court: k, partition: int32(p), model: newModel(int32(p)), times: k.times[p], state: fold.New(int32(p)), lines: lines}
		k.models = append(k.models, r.model)
		r.run()
	}
	for _, d := range k.dockets {
		if len(k.models) > 0 {
			d.course = k.models[d.partition].byID[d.id]
		}
		if d.course == nil {
			continue
		}
		for u, i := range d.users {
			if m := d.course.members[u]; m != nil {
				k.parties[i].m = m
			}
		}
	}
}

type refold struct {
	*court
	partition int32
	model     *model
	state     *fold.State // the product's; nil after it has differed
	times     *times
	lines     map[string][]*Entry // of the book that are not compared yet
	docket    *docket
}

func (r *refold) run() {
	records := r.Log[r.partition]
	wanted := r.wanted()
	for i := range records {
		rec, verdict := r.model.apply(&records[i])
		if r.model.stopped != nil {
			r.stopped(&rec)
			return
		}
		r.cause(&rec, verdict)
		r.product(i, &rec, verdict)
		r.booked()
		if w := wanted[r.model.next]; w != nil {
			r.compare(w)
			delete(wanted, r.model.next)
		}
	}
	if r.state != nil {
		s := r.state.Snapshot()
		if why := r.model.differs(&s); why != "" {
			r.report(ruleReplicas, "", "partition %d: the product's fold differs at its end: %s", r.partition, why)
		}
	}
	for next, w := range wanted {
		r.beyond(next, w)
	}
}

// named takes the answers of cancels: they name the record that they appended.
func (k *court) named() {
	for i := range k.Ops {
		if o := &k.Ops[i]; o.Kind == Cancel && o.Status == 200 && k.names(o) {
			k.times[o.Log.Partition].cause(o.Log.Offset, o.Call, int32(i))
		}
	}
}

// names reports whether an answer names a record that is in the log.
func (k *court) names(o *Op) bool {
	l := &o.Log
	return l.Known && l.Partition >= 0 && int(l.Partition) < len(k.times) && l.Offset >= 0 && l.Offset < int64(len(k.times[l.Partition].known))
}

// stopped is a record that nobody goes beyond: what follows does not exist. The
// product's fold must stop there too.
func (r *refold) stopped(rec *fold.Record) {
	at := r.model.next
	if at < int64(len(r.Log[r.partition])) && r.Log[r.partition][at].Offset != at {
		r.report(ruleDurable, "", "partition %d has a hole: %v", r.partition, r.model.stopped)
		return
	}
	if r.state == nil {
		return
	}
	in := &r.Log[r.partition][at]
	if _, err := r.state.Apply(in.Offset, in.At, in.Value); err == nil {
		r.report(ruleReplicas, "", "partition %d: the product's fold goes beyond %v at %d: %v", r.partition, rec.Kind, at, r.model.stopped)
	}
}

// cause finds the request that a record came from: it must be in the history,
// and the record is not older.
func (r *refold) cause(rec *fold.Record, verdict fold.Verdict) {
	offset, op := r.model.next-1, int32(none)
	switch rec.Kind {
	case fold.KindClaim, fold.KindCancel, fold.KindAnswers:
		op = r.request(rec, verdict)
	}
	if op != none {
		r.times.cause(offset, r.Ops[op].Call, op)
	}
}

func (r *refold) request(rec *fold.Record, verdict fold.Verdict) int32 {
	if r.docket == nil || r.docket.id != rec.Campaign {
		r.docket = r.court.docket(rec.Campaign)
	}
	i, ok := r.docket.users[rec.User]
	if !ok {
		r.phantom(rec)
		return none
	}
	p := &r.parties[i]
	first := p.claim
	switch {
	case rec.Kind == fold.KindCancel && rec.Actor != "":
		return p.cancelFor // an admin whose deeds are not in the history has no bound
	case rec.Kind == fold.KindCancel:
		first = p.cancel
	case rec.Kind == fold.KindAnswers:
		first = p.answer
	case verdict == fold.ClaimGranted || verdict == fold.ClaimWaiting:
		first = r.opened(p, rec)
	}
	if first == none {
		r.phantom(rec)
	}
	return first
}

// opened is the first request that a new place can be of. Its record has seen
// the end of the member's place before, so it came after that.
func (r *refold) opened(p *party, rec *fold.Record) int32 {
	m := r.model.byID[rec.Campaign].members[rec.User]
	if len(m.cancels) == 0 {
		return p.claim
	}
	end := r.times.since[m.cancels[len(m.cancels)-1]]
	for ; p.open < p.to; p.open++ {
		if o := &r.Ops[r.idx[p.open]]; o.Kind == Claim && o.until() >= end {
			return r.idx[p.open]
		}
	}
	return p.claim
}

func (r *refold) phantom(rec *fold.Record) {
	if rec.Kind == fold.KindCancel && rec.Actor != "" {
		return
	}
	name := "a stranger"
	for n, u := range r.Users {
		if r.counts[rulePhantom+" "+rec.Campaign] < mostPerRule && u == rec.User {
			name = n
		}
	}
	r.report(rulePhantom, rec.Campaign, "the log has a %v of %s (%x) at %d:%d, who never asked", rec.Kind, name, rec.User, r.partition, r.model.next-1)
}
