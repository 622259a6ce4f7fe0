package fault

import (
	"context"
	"fmt"
	"slices"

	"firstcome/bench/history"
)

// cleanRefusals is what a rolling restart promises: a request is answered or its
// connection is refused, never broken off.
func cleanRefusals(o *Outcome) (found []history.Violation) {
	if o.Broken > 0 {
		found = append(found, history.Violation{Rule: "E6 clean restart", Detail: fmt.Sprintf("%d requests were broken off", o.Broken)})
	}
	if n := o.Measured.Failed + o.Measured.Unavailable; n > 0 {
		found = append(found, history.Violation{Rule: "E6 clean restart", Detail: fmt.Sprintf("%d answers were 5xx", n)})
	}
	return found
}

// stoppedApart is what a lost partition promises: soon after, its claims are
// answered with 503 and Retry-After and nothing else, the nodes name it, and the
// other partitions go on.
func stoppedApart(o *Outcome) (found []history.Violation) {
	gone := func(p int32) bool { return slices.Contains(o.strike.lost, p) || slices.Contains(o.strike.lost, -1) }
	closed, others := 0, 0
	since := o.Marks[len(o.Marks)-2].At + stopWait // all is back; the last mark is the healing
	for i := range o.Ops {
		op := &o.Ops[i]
		if op.Kind != history.Claim || op.Call < since || op.Status == 0 {
			continue
		}
		switch {
		case !gone(partition(op.Campaign)):
			if final(op) {
				others++
			}
		case op.Status == 503 && op.RetryAfter:
			closed++
		default:
			found = append(found, history.Violation{Rule: "fail stop", Campaign: op.Campaign,
				Detail: fmt.Sprintf("%v after its log was lost a claim was answered with %d %s %s", op.Call-since+stopWait, op.Status, op.Code, op.State)})
		}
	}
	// Of a stampede the lost partition may get nothing any more; 200 campaigns are everywhere.
	if closed == 0 && o.Workload == "W5" || others == 0 && !gone(-1) {
		found = append(found, history.Violation{Rule: "fail stop", Detail: fmt.Sprintf("%d claims of lost partitions and %d of others were answered", closed, others)})
	}
	return append(found[:min(len(found), 5)], o.named(gone)...)
}

// named finds lost partitions that a node does not name as stopped, and others
// that it does.
func (o *Outcome) named(gone func(int32) bool) (found []history.Violation) {
	ctx, cancel := context.WithTimeout(context.Background(), bossPatience)
	defer cancel()
	for i := range o.strike.Nodes {
		parts, err := o.strike.Boss.partitions(ctx, i)
		if err != nil {
			found = append(found, history.Violation{Rule: "fail stop", Detail: err.Error()})
		}
		for _, p := range parts {
			if stopped := p.State == "stopped"; stopped != gone(p.Partition) || stopped && p.Reason == "" {
				found = append(found, history.Violation{Rule: "fail stop", Detail: fmt.Sprintf("node %d says that partition %d is %s: %s", i+1, p.Partition, p.State, p.Reason)})
			}
		}
	}
	return found
}
