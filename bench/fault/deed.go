package fault

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"firstcome/bench/history"
)

// deed does something as an admin at any node, and keeps it as an operation.
func (s *Strike) deed(ctx context.Context, o history.Op, method, path string, in any) error {
	node := 0
	o.Node, o.Call = s.process(node), s.crowd.since(time.Now())
	r, err := s.Boss.ask(ctx, node, method, path, in, "")
	o.Return = s.crowd.since(time.Now())
	if err == nil {
		o.Status, o.Log, o.RetryAfter, o.Code = r.Status, logOffset(r.Log), r.RetryAfter, jsonField(r.Body, "code")
	}
	s.keep(o)
	if err == nil && r.Status >= 300 {
		err = fmt.Errorf("%s %s: %d: %.300s", method, path, r.Status, r.Body)
	}
	return err
}

func (s *Strike) keep(o history.Op) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deeds = append(s.deeds, o)
}

// violate notes a promise that the scenario itself saw broken.
func (s *Strike) violate(v history.Violation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.Violations = append(s.out.Violations, v)
}

// changeCaps draws caps and sets them, until ctx ends. A version that is not the
// newest any more, or a node that is away, is somebody else's turn.
func (s *Strike) changeCaps(ctx context.Context) {
	for node := 0; s.Wait(ctx, s.Script.Every) == nil; node = (node + 1) % len(s.Nodes) {
		i, places := s.Script.Caps()
		c := &s.Script.Campaigns[i]
		seen, err := s.Boss.ask(ctx, node, "GET", name(c), nil, "")
		if err != nil || seen.Status != 200 {
			continue
		}
		o := history.Op{Kind: history.SetCap, Campaign: c.ID, Node: s.process(node), Call: s.crowd.since(time.Now()), Cap: places}
		// Not ctx: an operation that has begun is told to its end.
		r, err := s.Boss.ask(context.WithoutCancel(ctx), node, "PUT", name(c)+"/cap", map[string]any{"cap": places, "reason": "a change of mind"}, seen.ETag)
		o.Return = s.crowd.since(time.Now())
		if err == nil {
			o.Status, o.Log, o.RetryAfter, o.Code = r.Status, logOffset(r.Log), r.RetryAfter, jsonField(r.Body, "code")
		}
		s.keep(o)
	}
}

// jsonField is a text of an object; "" when there is none.
func jsonField(body []byte, name string) string {
	var all map[string]json.RawMessage
	var text string
	if json.Unmarshal(body, &all) == nil {
		_ = json.Unmarshal(all[name], &text)
	}
	return text
}
