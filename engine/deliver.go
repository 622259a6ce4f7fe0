package engine

import (
	"bytes"
	"fmt"
	"time"

	"firstcome/engine/fold"
)

// chunk is how many records are applied while readers wait.
const chunk = 128

// genesisAgain is how long a first record may stay unread until it is sent anew.
const genesisAgain = 2 * time.Second

// wakes is what one chunk has to tell once the state may be read again. Owned
// by the one delivery of a partition under way, and reused.
type wakes struct {
	owns    []woken
	placed  []flightKey
	touched map[*desk]struct{}
	newest  uint64 // largest own Nr
	beacons []fold.Record
	news    []Change // reused; empty when nobody watches
}

type woken struct {
	own  *own
	read read
}

func (w *wakes) reset() {
	w.owns, w.placed, w.beacons, w.news, w.newest = w.owns[:0], w.placed[:0], w.beacons[:0], w.news[:0], 0
	clear(w.touched)
}

// Deliver takes the log's next batch of one partition.
func (n *Node) Deliver(b Batch) error {
	p := n.parts[b.Partition]
	for recs := b.Records; len(recs) > 0; {
		k := min(len(recs), chunk)
		if err := p.apply(recs[:k]); err != nil {
			return err
		}
		recs = recs[k:]
	}
	if len(b.Records) > 0 {
		p.grown = n.elapsed()
	}
	if b.At.IsZero() {
		return nil
	}
	at := int64(b.At.Sub(n.base))
	if err := p.shrunk(b.End, at); err != nil {
		p.halt(err)
		return err
	}
	p.heard.Store(max(p.heard.Load(), at))
	p.end.Store(max(p.end.Load(), b.End))
	p.marks.add(b.End, at)
	if known := p.marks.reached(p.next.Load()); known > p.known.Load() {
		p.known.Store(known)
	}
	if b.End == 0 && p.next.Load() == 0 {
		p.begin()
	}
	return nil
}

// shrunk is the run-time check that the log still holds what was read from it:
// it was asked after the newest record had arrived, and ends before it. An
// answer to an older question may end earlier.
func (p *partition) shrunk(end, at int64) error {
	if next := p.next.Load(); end < next && at > p.grown {
		return fmt.Errorf("%w: it ends at %d, and records up to %d were read from it", ErrLogLost, end, next-1)
	}
	return nil
}

// Lost stops a partition that the log cannot follow any more.
func (n *Node) Lost(partition int32, err error) { n.parts[partition].halt(err) }

// begin writes the partition's first record. Two nodes that begin together
// write two; the fold takes the first and the second says the same.
func (p *partition) begin() {
	if now := p.node.elapsed(); now-p.begun > int64(genesisAgain) {
		p.begun = now
		err := p.append(&fold.Record{Kind: fold.KindGenesis, Cluster: p.node.sealer.Cluster(), Partitions: int32(len(p.node.parts))}, &own{})
		if err != nil {
			p.node.log.Warn("cannot begin the partition; trying again", "partition", p.id, "err", err)
		}
	}
}

// apply folds a few records and wakes who waits for them.
func (p *partition) apply(recs []LogRecord) error {
	w := &p.wakes
	w.reset()
	p.lastPeer = 0
	p.mu.Lock()
	for _, rec := range recs {
		step, err := p.state.Apply(rec.Offset, rec.At, rec.Value)
		if err != nil {
			p.mu.Unlock()
			p.halt(err)
			return err
		}
		p.note(step)
	}
	for d := range w.touched { // in any order: each desk is its own
		d.observe(p.state.Campaign(d.id))
	}
	first := recs[0].Offset == 0
	p.next.Store(p.state.Next())
	p.rules.Store(uint32(p.state.Version()))
	p.mu.Unlock()

	if first {
		if err := p.checkGenesis(); err != nil {
			p.node.stop(err)
			return err
		}
	}
	p.node.metrics.applied.Add(float64(len(recs)))
	for _, o := range w.owns {
		o.own.done <- o.read
	}
	for _, k := range w.placed {
		p.flights.place(k.campaign, k.user)
	}
	if len(w.news) > 0 {
		p.node.ports.News.Tell(p.id, w.news)
	}
	p.told.Store(p.next.Load() + 1)
	p.barrier.passed(w.newest)
	p.waits.wake(p.next.Load())
	for i := range w.beacons {
		_ = p.append(&w.beacons[i], &own{}) // a beacon that does not fit is left out
	}
	return nil
}

// stop ends the whole node: the log is not this cluster's.
func (n *Node) stop(err error) {
	select {
	case n.fatal <- err:
	default:
	}
}

// note takes from a step what others wait for. Called with mu held.
func (p *partition) note(step *fold.Step) {
	w := &p.wakes
	for i := range step.Transitions {
		p.noteTransition(&step.Transitions[i])
	}
	r := &step.Record
	if r.Node == p.node.id {
		w.newest = max(w.newest, r.Nr)
		o, lost := p.appends.take(r.Nr)
		for _, l := range lost {
			p.settle(l, read{lost: true})
		}
		if o != nil {
			p.settle(o, p.readOf(step))
		}
	} else if r.Node != 0 && r.Node != p.lastPeer && !p.starting() { // who wrote what is read at the start may be gone
		p.lastPeer = r.Node
		p.node.sawPeer(r.Node)
	}
	switch {
	case r.Kind == 0:
		p.passOver(step.Offset)
	case step.Verdict == fold.Diverged:
		p.diverged(r.Mark, r.Digest)
	case p.state.Next()%fold.BeaconEvery == 0:
		p.markDigest(p.state.Next(), p.state.Digest())
		if r.Node == p.node.id {
			w.beacons = append(w.beacons, fold.Record{Kind: fold.KindBeacon, Mark: p.state.Next(), Digest: p.state.Digest()})
		}
	}
}

// passOver tells of bytes that are no record, once a partition: somebody else
// writes into the log. To every fold they are nothing alike, so nobody stops.
func (p *partition) passOver(offset int64) {
	p.node.metrics.malformed.Inc()
	if p.strange.CompareAndSwap(0, offset+1) {
		p.node.log.Error("a record of the log is none of this program's; every node passes over it", "partition", p.id, "offset", offset)
	}
}

// settle ends an own record: its slot and its unit now, its waiter after the chunk.
func (p *partition) settle(o *own, got read) {
	w := &p.wakes
	if o.desk != nil {
		o.desk.settle(o.unit, got.verdict == fold.ClaimGranted || got.verdict == fold.ClaimWaiting)
		w.touched[o.desk] = struct{}{}
	}
	w.owns = append(w.owns, woken{o, got})
}

// readOf is what an own record's waiter needs to know.
func (p *partition) readOf(step *fold.Step) read {
	got := read{verdict: step.Verdict, offset: step.Offset}
	if c := p.state.Campaign(step.Record.Campaign); c != nil {
		got.place = c.Place(step.Record.User)
	}
	for i := range step.Transitions {
		if t := &step.Transitions[i]; t.User == step.Record.User && t.Change != fold.Promoted {
			got.place = t.Place
			break
		}
	}
	return got
}

func (p *partition) noteTransition(t *fold.Transition) {
	w := &p.wakes
	d := p.desks[t.Campaign]
	switch t.Change {
	case fold.Created:
		d = newDesk(p, p.state.Campaign(t.Campaign))
		p.desks[t.Campaign] = d
		p.changed.Add(1)
	case fold.Edited, fold.CapChanged:
		d.info.Store(newInfo(p.state.Campaign(t.Campaign), p.node.log))
		p.changed.Add(1)
	case fold.GrantedNow, fold.Waitlisted, fold.Promoted:
		w.placed = append(w.placed, flightKey{campaign: t.Campaign, user: t.User})
	case fold.EndedNow, fold.FencedNow, fold.AnsweredNow, fold.ErasedMember:
	case fold.ArchivedNow:
		d.archived.Store(t.Offset + 1)
		p.past = past{p.past.count + 1, t.Offset + 1}
		p.changed.Add(1)
	default:
		p.changed.Add(1)
	}
	if p.node.ports.News != nil {
		w.news = append(w.news, Change{Campaign: t.Campaign, Ev: t.Ev, Offset: t.Offset, At: t.At, What: t.Change, User: t.User, After: t.After})
	}
	if len(t.Sealed) > 0 {
		p.unbooked.add(sealedRow{offset: t.Offset, claim: t.Place.Claim, campaign: t.Campaign, user: t.User, sealed: bytes.Clone(t.Sealed)})
	}
	w.touched[d] = struct{}{}
}
