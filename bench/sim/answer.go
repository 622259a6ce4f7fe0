package sim

import (
	"context"
	"errors"
	"net/http"
	"time"

	"firstcome/bench/history"
	"firstcome/engine"
)

// refusals are the engine's outcomes and errors as the doors answer them.
var refusals = map[engine.Outcome]struct {
	status int
	code   string
}{
	engine.SoldOut:    {409, "sold-out"},
	engine.Early:      {409, "not-open-yet"},
	engine.Paused:     {409, "campaign-paused"},
	engine.Late:       {410, "campaign-closed"},
	engine.Ineligible: {403, "not-eligible"},
	engine.Refused:    {409, "already-cancelled"},
	engine.Superseded: {409, "superseded"},
}

var failures = []struct {
	err    error
	status int
	code   string
}{
	{engine.ErrNotFound, 404, "not-found"},
	{engine.ErrNoPlace, 404, "not-found"},
	{engine.ErrCancellationClosed, 409, "cancellation-closed"},
	{engine.ErrState, 409, "state-forbids"},
	{engine.ErrVersion, 412, "precondition-failed"},
	{engine.ErrExists, 409, "already-exists"},
	{engine.ErrUndecided, 202, ""},
	{engine.ErrOverloaded, 503, "overloaded"},
	{engine.ErrUnavailable, 503, "unavailable"},
	{engine.ErrStopped, 503, "stopped"},
}

// decided writes a decision into the history's line.
func decided(o *history.Op, d engine.Decision) {
	switch d.Outcome {
	case engine.Granted, engine.Waitlisted:
		o.Status = http.StatusCreated
	case engine.Repeated:
		o.Status, o.Replayed = http.StatusOK, true
	case engine.Deciding:
		o.Status, o.RetryAfter = http.StatusAccepted, true
	default:
		o.Status, o.Code, o.RetryAfter = refusals[d.Outcome].status, refusals[d.Outcome].code, true
	}
	placed(o, &d.Claim)
	if d.Offset.Known {
		o.Log = d.Offset
	}
}

// placed writes a claim into the line.
func placed(o *history.Op, c *engine.Claim) {
	o.State, o.Rank, o.Position, o.Claim = c.State, c.Rank, c.Position, c.GrantID
	if c.Offset.Known {
		o.Log = c.Offset
	}
}

// failed writes an error into the line. A request that its caller gave up has
// no answer.
func failed(o *history.Op, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return
	}
	for _, f := range failures {
		if errors.Is(err, f.err) {
			o.Status, o.Code, o.RetryAfter = f.status, f.code, f.status >= 500
			return
		}
	}
	o.Status, o.Code = http.StatusInternalServerError, err.Error()
}

// call brings a request to a node and its answer back. No answer comes from a
// node that is down, or that dies meanwhile, and to somebody who hung up.
func (w *world) call(ctx context.Context, o history.Op, do func(ctx context.Context, e *engine.Engine, o *history.Op)) (told history.Op) {
	o.Call = w.now()
	told = o
	defer func() {
		told.Return = w.now()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ops = append(w.ops, told)
	}()
	p := w.node(o.Node)
	if p == nil {
		return o
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.life, cancel)()
	if !w.cross(ctx, p) {
		return o
	}
	answer := o
	do(ctx, p.engine, &answer)
	if !w.cross(ctx, p) {
		return o
	}
	return answer
}

// cross is the way between a person and a node.
func (w *world) cross(ctx context.Context, p *process) bool {
	return sleep(ctx, w.dice.between(0, time.Millisecond)) == nil && p.host.thawed(ctx) == nil
}
