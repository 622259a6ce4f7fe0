package cache

import (
	"bufio"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"pgregory.net/rapid"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// story is everything that happened to one campaign, in order.
type story []engine.Change

// tale is a story under way.
type tale struct {
	story
	totals fold.Totals
}

func (t *tale) then(what fold.Change, user byte, granted, waiting int64) {
	t.totals.Granted += granted
	t.totals.Waiting += waiting
	if s := what.Status(); s != 0 {
		t.totals.Status = s
	}
	n := int64(len(t.story) + 1)
	t.story = append(t.story, engine.Change{Campaign: "noon", Ev: n, Offset: n * 3, At: 1_000_000 + 7*n, What: what, User: fold.User{user}, After: t.totals})
}

func newTale(limit int64) *tale {
	t := &tale{totals: fold.Totals{Cap: limit}}
	t.then(fold.Created, 0, 0, 0)
	t.then(fold.Opened, 0, 0, 0)
	return t
}

// drawStory makes up what may happen to a campaign.
func drawStory(t *rapid.T) story {
	s := newTale(rapid.SampledFrom([]int64{fold.NoCap, 3, 50}).Draw(t, "cap"))
	for range rapid.IntRange(0, 120).Draw(t, "events") {
		user := byte(rapid.IntRange(1, 4).Draw(t, "user"))
		switch rapid.SampledFrom([]string{"grant", "grant", "grant", "wait", "end", "promote", "answer", "edit", "cap", "edited cap", "pause", "resume"}).Draw(t, "what") {
		case "grant":
			s.then(fold.GrantedNow, user, 1, 0)
		case "wait":
			s.then(fold.Waitlisted, user, 0, 1)
		case "end":
			s.then(fold.EndedNow, user, -min(1, s.totals.Granted), 0)
		case "promote":
			n := min(1, s.totals.Waiting)
			s.then(fold.Promoted, user, n, -n)
		case "answer":
			s.then(fold.AnsweredNow, user, 0, 0)
		case "edit":
			s.then(fold.Edited, 0, 0, 0)
		case "cap":
			s.totals.Cap = rapid.Int64Range(1, 9).Draw(t, "to")
			s.then(fold.CapChanged, 0, 0, 0)
		case "edited cap":
			s.totals.Cap = max(s.totals.Cap, 0) + 1
			s.then(fold.Edited, 0, 0, 0)
		case "pause":
			s.then(fold.PausedNow, 0, 0, 0)
		case "resume":
			s.then(fold.Resumed, 0, 0, 0)
		}
	}
	return s.story
}

// milestones are what a stream must tell one by one.
func (s story) milestones() (all []engine.Change) {
	for i, c := range s {
		if c.What.OfCampaign() && (c.What != fold.Edited || c.After.Cap != s[i-1].After.Cap) {
			all = append(all, c)
		}
	}
	return all
}

// teller is a node: what its fold has read of a story, and its feed.
type teller struct {
	mu    sync.Mutex // guards read and told
	story story
	read  int
	told  int
	feed  *Feed
	clock time.Duration // of the feed
}

// newTeller begins with a fold that knows a story up to read.
func newTeller(s story, read int, book Milestones) *teller {
	n := &teller{story: s, read: read, told: read}
	n.feed = NewFeed(FeedConfig{Partitions: 1, Source: n, Book: book})
	n.feed.elapsed = func() time.Duration { return n.clock }
	return n
}

func (n *teller) Campaign(id string) (engine.Campaign, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id != "noon" || n.read == 0 {
		return engine.Campaign{}, engine.ErrNotFound
	}
	c := n.story[n.read-1]
	out := engine.Campaign{ID: id, Ev: c.Ev, Granted: c.After.Granted, Waiting: c.After.Waiting, Status: c.After.Status, Next: c.Offset + 1, Epoch: "e-1"}
	if c.After.Cap != fold.NoCap {
		out.Cap = &c.After.Cap
	}
	return out, nil
}

func (n *teller) Told(int32) int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.told == 0 {
		return 0
	}
	return n.story[n.told-1].Offset + 1
}

// tell reads on to an event and tells the feed.
func (n *teller) tell(to int) {
	n.mu.Lock()
	from := n.told
	n.read = max(n.read, to)
	n.mu.Unlock()
	if from < to {
		n.feed.Tell(0, n.story[from:to])
	}
	n.mu.Lock()
	n.told = max(n.told, to)
	n.mu.Unlock()
}

// book keeps a prefix of a story.
type book story

func (b book) Milestones(context.Context, int32) (all []engine.Change, _ error) {
	for _, c := range b {
		if c.What.OfCampaign() {
			c.After.Status = c.What.Status()
			all = append(all, c)
		}
	}
	return all, nil
}

// event is one server-sent event as a client parses it.
type event struct {
	ID, Event, Data string
}

func parse(t rapid.TB, sse []byte) (all []event) {
	t.Helper()
	var e event
	in := bufio.NewScanner(strings.NewReader(string(sse)))
	for in.Scan() {
		name, value, _ := strings.Cut(in.Text(), ": ")
		switch name {
		case "id":
			e.ID = value
		case "event":
			e.Event = value
		case "data":
			e.Data += value
		case "":
			all = append(all, e)
			e = event{}
		default:
			t.Fatalf("a line is %q", in.Text())
		}
	}
	if e != (event{}) {
		t.Fatalf("half an event: %v", e)
	}
	return all
}

// told is the data of a frame.
type told struct {
	From, To, Granted, Waiting int64
	Remaining, Cap             *int64
	Status, At                 string
}

func (e *event) read(t rapid.TB) (d told) {
	t.Helper()
	if err := json.Unmarshal([]byte(e.Data), &d); err != nil {
		t.Fatalf("%v: %s", err, e.Data)
	}
	return d
}
