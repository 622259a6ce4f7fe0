package fold

import (
	"errors"
	"fmt"
)

// Apply takes the next record. Malformed bytes are Invalid for everybody. An
// error stops the partition for ever: ErrGap, ErrUnknown and ErrGenesis leave
// the state as it was; after ErrOverCap a rule is broken, and the state is the
// evidence. The value must stay unchanged until the next Apply.
func (s *State) Apply(offset, at int64, value []byte) (*Step, error) {
	if offset != s.next {
		return nil, fmt.Errorf("%w: got %d, want %d", ErrGap, offset, s.next)
	}
	st := s.begin(offset, at)
	err := decode(&st.Record, value, s.byID)
	malformed := errors.Is(err, ErrMalformed)
	switch {
	case err != nil && !malformed:
		return nil, fmt.Errorf("offset %d: %w", offset, err)
	case offset == 0 && st.Record.Kind != KindGenesis, offset == 0 && malformed:
		return nil, fmt.Errorf("%w: it does not begin with GENESIS", ErrGenesis)
	case malformed:
		st.Record, st.Verdict = Record{}, Invalid
	default:
		if err := s.decide(st); err != nil {
			return nil, fmt.Errorf("offset %d: %w", offset, err)
		}
	}
	s.end(st)
	return st, nil
}

// mostKept bounds the transitions that a state keeps for reuse. A raised cap
// may promote a long list in one step; that memory is let go at the next.
const mostKept = 1024

// begin clears the step. Time is made monotone here: clocks of brokers differ.
func (s *State) begin(offset, at int64) *Step {
	kept := s.step.Transitions
	clear(kept)
	if cap(kept) > mostKept {
		kept = nil
	}
	s.step = Step{Offset: offset, At: max(at, s.lastAt), Transitions: kept[:0], rules: s.version}
	return &s.step
}

// end moves the state behind the record, whatever the verdict was.
func (s *State) end(st *Step) {
	s.next, s.lastAt = st.Offset+1, st.At
	s.rows += int64(len(st.Transitions))
	if s.next%BeaconEvery == 0 {
		s.marks.put(s.next, s.Digest())
	}
}

func (s *State) decide(st *Step) (err error) {
	switch st.Record.Kind {
	case KindGenesis:
		st.Verdict, err = s.adopt(&st.Record)
	case KindActivate:
		st.Verdict, err = s.activate(st.Record.Activate)
	case KindBeacon:
		st.Verdict = s.marks.check(st.Record.Mark, st.Record.Digest)
	case KindNoop:
		st.Verdict = NoEffect
	case KindCampaign:
		st.Verdict = s.create(st)
	default:
		st.Verdict, err = s.change(st)
	}
	return err
}

// adopt compares a GENESIS with the partition's first. Nodes that start at the
// same moment may both write one; a different one is another log's.
func (s *State) adopt(r *Record) (Verdict, error) {
	g := Genesis{Cluster: r.Cluster, Partitions: r.Partitions}
	switch {
	case s.genesis == g:
		return NoEffect, nil
	case s.next > 0:
		return Refused, fmt.Errorf("%w: a second GENESIS differs", ErrGenesis)
	case s.partition >= g.Partitions:
		return Refused, fmt.Errorf("%w: it has %d partitions, this is number %d", ErrGenesis, g.Partitions, s.partition)
	}
	s.genesis = g
	return Done, nil
}

// activate puts a later version of the rules in force. A version that this
// build does not know stops it; an operator activates one when all nodes do.
func (s *State) activate(version uint8) (Verdict, error) {
	if version <= s.version {
		return NoEffect, nil
	}
	if version > Version {
		return Refused, fmt.Errorf("%w: rules of version %d", ErrUnknown, version)
	}
	s.version = version
	return Done, nil
}

// create makes a draft. An id is never used twice, also after ARCHIVE: two
// nodes that create the same one meet here, and the first counts.
func (s *State) create(st *Step) Verdict {
	r := &st.Record
	if s.byID[r.Campaign] != nil {
		return Refused
	}
	c := &Campaign{ID: r.Campaign, Status: Draft, Xv: 1, CreatedAt: st.At, Created: st.Offset}
	_ = c.define(r.Definition)
	c.emit(st, Transition{Change: Created, To: r.Definition})
	s.add(c)
	return Done
}

func (s *State) add(c *Campaign) {
	s.byID[c.ID] = c
	s.order = append(s.order, c)
	c.hash = c.digest()
	s.sum += c.hash
}

// change applies a record about a campaign that exists, and what follows from
// it. A record without a transition changes nothing, so nothing follows.
func (s *State) change(st *Step) (Verdict, error) {
	c := s.byID[st.Record.Campaign]
	if c == nil {
		return Invalid, nil
	}
	before := c.opening()
	verdict := c.apply(st)
	if len(st.Transitions) == 0 {
		return verdict, nil
	}
	c.settle(st)
	if c.opening().frees(before) {
		c.Freed = st.Offset
	}
	s.sum -= c.hash
	c.hash = c.digest()
	s.sum += c.hash
	return verdict, c.checkCap(before.granted)
}

func (c *Campaign) apply(st *Step) Verdict {
	switch st.Record.Kind {
	case KindClaim:
		return c.claim(st)
	case KindCancel:
		return c.cancel(st)
	case KindAnswers:
		return c.answer(st)
	case KindErase:
		return c.erase(st)
	case KindCap:
		return c.setCap(st)
	case KindEdit:
		return c.edit(st)
	}
	return c.verb(st)
}

// checkCap finds a broken rule: a hard cap is passed only by grants that were
// there before the cap was lowered. Protocol 10 wants it looked at, not believed.
func (c *Campaign) checkCap(before int64) error {
	limit := c.Definition.Cap
	if c.Definition.Soft || limit == NoCap || c.Granted <= max(limit, before) {
		return nil
	}
	return fmt.Errorf("%w: %s has %d, cap %d, before %d", ErrOverCap, c.ID, c.Granted, limit, before)
}
