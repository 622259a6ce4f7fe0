package cache

import (
	"context"
	"encoding/json"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"firstcome/engine/fold"
)

// client holds every frame against the story.
type client struct {
	t     rapid.TB
	story story
	begun bool
	first int64 // it knows everything from here on
	last  int64
	id    string
	seen  []int64 // milestones
}

func (c *client) take(events []event) {
	for _, e := range events {
		d := e.read(c.t)
		if c.begun && d.From != c.last+1 || !c.begun && d.From != 1 || d.To < d.From {
			c.t.Fatalf("a frame %+v follows %d", e, c.last)
		}
		if !c.begun {
			c.begun, c.first = true, d.To
		}
		c.id, c.last = e.ID, d.To
		c.check(e, d)
	}
}

func (c *client) check(e event, d told) {
	after := c.story[d.To-1].After
	switch e.Event {
	case "count":
		if d.Granted != after.Granted || d.Waiting != after.Waiting || (d.Remaining == nil) != (after.Cap == fold.NoCap) ||
			d.Remaining != nil && *d.Remaining != max(0, after.Cap-after.Granted) {
			c.t.Fatalf("%+v is not %+v", e, after)
		}
	case "status":
		if d.Status != after.Status.String() || d.From != d.To {
			c.t.Fatalf("%+v is not %+v", e, after)
		}
		c.seen = append(c.seen, d.To)
	case "cap":
		if (d.Cap == nil) != (after.Cap == fold.NoCap) || d.Cap != nil && *d.Cap != after.Cap || d.From != d.To {
			c.t.Fatalf("%+v is not %+v", e, after)
		}
		c.seen = append(c.seen, d.To)
	default:
		c.t.Fatalf("unexpected %+v", e)
	}
}

// watch reads what a node has for the client, and leaves. It reports whether
// the node knew as much as the client.
func (c *client) watch(n *teller, meanwhile func()) bool {
	r, err := n.feed.Watch(context.Background(), "noon")
	if err != nil {
		c.t.Fatal(err)
	}
	defer r.Leave()
	missed, pos, ok := r.Join(c.id, false)
	if !ok {
		return false
	}
	c.take(parse(c.t, missed))
	meanwhile()
	for {
		data, ok := r.Read(pos)
		if !ok {
			c.t.Fatal("fell off the tape")
		}
		if len(data) == 0 {
			return true
		}
		pos += int64(len(data))
		c.take(parse(c.t, data))
	}
}

// Wherever a client leaves one node and comes to another, what it sees covers
// every event once, tells every status and cap, and ends with what is true. The
// nodes hear in different batches, and one began later, from the ledger.
func TestAnyResumeIsWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawStory(rt)
		late := rapid.IntRange(2, len(s)).Draw(rt, "late")
		nodes := []*teller{newTeller(s, 0, nil), newTeller(s, 0, nil), newTeller(s, late, book(s[:late]))}
		nodes[2].feed.load(context.Background())
		for _, n := range nodes {
			n.tell(2)
			if rapid.Bool().Draw(rt, "watched by others") {
				if _, err := n.feed.Watch(context.Background(), "noon"); err != nil {
					rt.Fatal(err)
				}
			}
		}
		c := &client{t: rt, story: s}
		step := func(n *teller) {
			n.tell(min(len(s), n.told+rapid.IntRange(0, 20).Draw(rt, "batch")))
			if rapid.Bool().Draw(rt, "cut") {
				n.cutAll()
			}
		}
		for range rapid.IntRange(1, 12).Draw(rt, "visits") {
			n := nodes[rapid.IntRange(0, 2).Draw(rt, "node")]
			step(n)
			c.watch(n, func() { step(n); step(n) })
		}
		for _, n := range nodes {
			n.tell(len(s))
			n.cutAll()
		}
		if !c.watch(nodes[rapid.IntRange(0, 2).Draw(rt, "last")], func() {}) {
			rt.Fatal("a node that knows everything does not know what the client knows")
		}
		c.end()
		jsonIsTheStream(rt, nodes)
	})
}

// cutAll cuts until everything is on the tape.
func (n *teller) cutAll() {
	for wait := n.feed.cut(); wait > 0; wait = n.feed.cut() {
		n.clock += wait
	}
}

// end holds all that the client has seen against the story.
func (c *client) end() {
	c.t.Helper()
	if c.last != int64(len(c.story)) {
		c.t.Fatalf("the client ends at %d of %d", c.last, len(c.story))
	}
	for _, m := range c.story.milestones() {
		if m.Ev <= c.first {
			continue
		}
		if len(c.seen) == 0 || c.seen[0] != m.Ev {
			c.t.Fatalf("the client saw %v, and now comes %d", c.seen, m.Ev)
		}
		c.seen = c.seen[1:]
	}
	if len(c.seen) > 0 {
		c.t.Fatalf("the client saw %v, which are none", c.seen)
	}
}

// jsonIsTheStream fetches from anywhere, page by page, and compares with what a
// stream gives there.
func jsonIsTheStream(t *rapid.T, nodes []*teller) {
	n := nodes[rapid.IntRange(0, 2).Draw(t, "fetched")]
	id := string(appendID(nil, "e-1", rapid.Int64Range(0, int64(len(n.story))).Draw(t, "after")))
	r, err := n.feed.Watch(context.Background(), "noon")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Leave()
	n.cutAll()
	missed, _, ok := r.Join(id, false)
	if !ok {
		t.Fatal("cannot join")
	}
	want := parse(t, missed)
	for most := rapid.IntRange(1, 5).Draw(t, "limit"); ; {
		items, position, err := n.feed.Missing(context.Background(), "noon", id, most)
		if err != nil {
			t.Fatal(err)
		}
		var got []struct {
			ID, Event string
			Data      json.RawMessage
		}
		if err := json.Unmarshal(append(append([]byte("["), items...), ']'), &got); err != nil {
			t.Fatal(err)
		}
		for i, g := range got {
			if w := want[i]; (event{g.ID, g.Event, string(g.Data)}) != w {
				t.Fatalf("the item is %v, the frame %v", g, w)
			}
		}
		want = want[len(got):]
		if len(got) < most {
			break
		}
		id = position
	}
	if len(want) > 0 {
		t.Fatalf("the JSON does not have %v", want)
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
