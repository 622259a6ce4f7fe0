package fault

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"firstcome/bench/history"
)

// restWait is how long everything may need to come to rest: the ledger at the
// end of the log, and all leases home. A dead node's leases end after 10 s.
const restWait = 30 * time.Second

// busyFactor is how much longer things may take on a busy machine.
const busyFactor = 6

// judge waits until all is at rest, reads the evidence and judges it.
func (r *run) judge(ctx context.Context) error {
	r.out.strike = r.strike
	if r.o.Rival {
		r.out.contradictions(r.strike.Script)
		r.out.measure(r.Scenario, nil)
		return nil
	}
	w, err := r.strike.witness(r.strike.lost)
	if err != nil {
		return err
	}
	defer w.close()
	start := time.Now()
	if err := until(ctx, restWait, func() error { return r.resting(ctx, w) }); err != nil {
		r.strike.violate(history.Violation{Rule: "rest", Detail: err.Error()})
	}
	r.out.Rest = time.Since(start)
	if r.evidence, err = r.read(ctx, w); err != nil {
		return err
	}
	r.looking.testify(ctx, r, w)
	r.out.Violations = append(r.out.Violations, history.Judge(r.evidence)...)
	if r.Apart { // what a lost log cannot tell, answers alone may
		r.out.contradictions(r.strike.Script)
	} else if err := r.audit(ctx); err != nil {
		return err
	}
	r.out.measure(r.Scenario, r.evidence)
	if r.Look != nil {
		r.out.Violations = append(r.out.Violations, r.Look(r.out)...)
	}
	busy := time.Duration(1)
	if r.o.Busy {
		busy = busyFactor
	}
	r.out.limits(r.Scenario, busy)
	return nil
}

// resting tells why it is not quiet yet.
func (r *run) resting(ctx context.Context, w *witness) error {
	ends, err := w.ends(ctx)
	if err != nil {
		return err
	}
	for i := range r.strike.Nodes {
		parts, err := r.strike.Boss.partitions(ctx, i)
		if err != nil {
			return err
		}
		for _, p := range parts {
			if !w.gone(p.Partition) && (p.State != "following" || p.Next < ends[p.Partition]) {
				return fmt.Errorf("node %d, partition %d: %s at %d of %d %s", i+1, p.Partition, p.State, p.Next, ends[p.Partition], p.Reason)
			}
		}
	}
	next, _, err := w.book.Cursors(ctx, Partitions)
	if err != nil {
		return err
	}
	for p := range ends {
		if !w.gone(int32(p)) && next[p] < ends[p] {
			return fmt.Errorf("the ledger's partition %d is at %d of %d", p, next[p], ends[p])
		}
	}
	counts, err := w.counts(ctx, r.strike.Script.Campaigns)
	if err != nil {
		return err
	}
	for id, n := range counts {
		if n.Leased != 0 || n.Count != n.Used || !n.Known {
			return fmt.Errorf("the gate of %s: %+v", id, n)
		}
	}
	return nil
}

// read takes the evidence: first what was made from the log, then the log.
func (r *run) read(ctx context.Context, w *witness) (*history.Evidence, error) {
	e := &history.Evidence{Topic: r.strike.Topic, Healed: true}
	for _, o := range r.out.Ops {
		if !w.gone(partition(o.Campaign)) {
			e.Ops = append(e.Ops, o)
		}
	}
	var err error
	if e.Folds, err = w.folds(ctx); err != nil {
		return nil, err
	}
	if e.Ledger, err = w.snapshots(ctx); err != nil {
		return nil, err
	}
	if e.Gate, err = w.counts(ctx, r.strike.Script.Campaigns); err != nil {
		return nil, err
	}
	if e.Log, err = w.log(ctx); err != nil {
		return nil, err
	}
	if e.Users, err = pseudonyms(e.Ops); err != nil {
		return nil, err
	}
	if r.Away {
		e.Away = []history.Window{{From: r.out.Struck, To: r.out.Healed + backAgain}}
	}
	return e, nil
}

// audit asks the product for its own.
func (r *run) audit(ctx context.Context) error {
	reply, err := r.strike.Boss.ask(ctx, 0, "POST", "/audit", nil, "")
	if err != nil {
		return fmt.Errorf("ask for the audit: %w", err)
	}
	var found struct {
		Clean      bool
		Violations []history.Violation
	}
	if err := json.Unmarshal(reply.Body, &found); err != nil || reply.Status != 200 {
		return fmt.Errorf("ask for the audit: %d: %.300s", reply.Status, reply.Body)
	}
	for _, v := range found.Violations {
		v.Rule = "audit: " + v.Rule
		r.out.Violations = append(r.out.Violations, v)
	}
	if !found.Clean && len(found.Violations) == 0 {
		r.out.Violations = append(r.out.Violations, history.Violation{Rule: "audit", Detail: "it is not clean and does not say why"})
	}
	return nil
}

// contradictions finds what answers alone give away: an engine without a log is
// judged by what it told its members.
func (o *Outcome) contradictions(s *Script) {
	for i := range s.Campaigns {
		c := &s.Campaigns[i]
		holders, twice, moved := contradict(o.Ops, c.ID)
		if over := int(holders - c.Cap); over > 0 && s.Caps == nil {
			o.Measured.Over += over
			o.Violations = append(o.Violations, history.Violation{Rule: "I1 cap", Campaign: c.ID, Detail: fmt.Sprintf("%d members were granted a place, for a cap of %d", holders, c.Cap)})
		}
		if twice+moved > 0 {
			o.Measured.Twice += twice + moved
			o.Violations = append(o.Violations, history.Violation{Rule: "I2 rank", Campaign: c.ID, Detail: fmt.Sprintf("%d ranks were told to two members, %d members were told two ranks", twice, moved)})
		}
	}
}

// contradict counts members who hold a place as far as they were told, ranks
// with two members, and members with two ranks.
func contradict(ops []history.Op, campaign string) (holders int64, twice, moved int) {
	left := map[string]bool{} // ever asked for an end
	ranks := map[string]map[int64]bool{}
	members := map[int64]map[string]bool{}
	for i := range ops {
		o := &ops[i]
		if o.Campaign != campaign {
			continue
		}
		if o.Kind == history.Cancel {
			left[o.Member] = true
		}
		if o.State != "granted" || o.Status != 200 && o.Status != 201 {
			continue
		}
		put(ranks, o.Member, o.Rank)
		put(members, o.Rank, o.Member)
	}
	for member, told := range ranks {
		if left[member] {
			continue
		}
		holders++
		if len(told) > 1 {
			moved++
		}
	}
	for _, who := range members {
		if len(who) > 1 {
			twice++
		}
	}
	return holders, twice, moved
}

func put[K, V comparable](m map[K]map[V]bool, k K, v V) {
	if m[k] == nil {
		m[k] = map[V]bool{}
	}
	m[k][v] = true
}
