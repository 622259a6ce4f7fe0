package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// screening is a stream that somebody watches.
type screening struct {
	t    testing.TB
	resp *http.Response
	in   *bufio.Reader
}

// shown is one event.
type shown struct {
	id, event, data        string
	From, To               int64
	Granted, Waiting, Rank int64
	Status, State          string
	Cap                    int64
}

// watch opens a stream behind an id, as a member or as anyone.
func (p *running) watch(campaign, after, token string) *screening {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.members+"/v1/campaigns/"+campaign+"/events", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := crowd.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 {
		text, _ := io.ReadAll(resp.Body)
		p.t.Fatalf("a stream is answered %d: %s", resp.StatusCode, text)
	}
	return &screening{p.t, resp, bufio.NewReader(resp.Body)}
}

// next reads one event that is no comment; false at the end.
func (s *screening) next() (e shown, ok bool) {
	s.t.Helper()
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			return e, false
		}
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), ": "); name {
		case "id":
			e.id = value
		case "event":
			e.event = value
		case "data":
			e.data = value
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				s.t.Fatalf("%v: %s", err, value)
			}
		case "":
			if e.event != "" {
				return e, true
			}
			e = shown{}
		}
	}
}

// until reads up to a position and returns what was public, held against gaps.
func (s *screening) until(position string, last int64) (public []shown) {
	s.t.Helper()
	for {
		e, ok := s.next()
		if !ok {
			s.t.Fatalf("the stream ended before %s", position)
		}
		if e.event == "claim" {
			continue
		}
		if e.From != last+1 || e.To < e.From {
			s.t.Fatalf("%+v follows %d", e, last)
		}
		last = e.To
		public = append(public, e)
		if e.id == position {
			return public
		}
	}
}

func (p *running) position(campaign string) string {
	p.t.Helper()
	return p.member("anyone", "GET", "/v1/campaigns/"+campaign, "").expect(p.t, 200).text("position")
}

// milestones are the statuses and caps among events.
func milestones(all []shown) (told []string) {
	for _, e := range all {
		if e.event != "count" {
			told = append(told, fmt.Sprintf("%s %s%d at %d", e.event, e.Status, e.Cap, e.To))
		}
	}
	return told
}

// Whoever comes back after a restart, from anywhere, is told exactly what it
// missed, old statuses and caps one by one; the end of the node ends streams
// with a time to come back, and no claim.
func TestStreamsGoOnAfterARestart(t *testing.T) {
	data := t.TempDir()
	p := startEmbedded(t, data, "--streams-end", "200ms")
	p.open("show", `"cap":3,"waitlist_cap":5`)
	before := p.position("show")
	live := p.watch("show", before, "")
	for i := range 5 {
		p.member(fmt.Sprintf("m%d", i), "POST", claims("show"), `{"if_full":"waitlist"}`).expect(t, 201)
	}
	p.admin("POST", "/campaigns/show/pause", "").expect(t, 200)
	p.admin("POST", "/campaigns/show/resumption", "").expect(t, 200)
	version := p.admin("GET", "/campaigns/show", "").expect(t, 200)
	p.admin("PUT", "/campaigns/show/cap", `{"cap":4,"reason":"more chairs"}`, "If-Match", version.header.Get("ETag")).expect(t, 200)
	at := p.position("show")
	seen := live.until(at, 2)
	if end := seen[len(seen)-1]; end.Granted != 4 || end.Waiting != 1 {
		t.Fatalf("the stream ends with %+v", end)
	}
	p.balanced("show", 4)
	p.stop()
	if e, ok := live.next(); ok {
		t.Fatalf("the end told %+v", e)
	}
	p = startEmbedded(t, data)
	again := p.watch("show", before, p.token("m4", ""))
	missed := again.until(p.position("show"), 2)
	if got, want := fmt.Sprint(milestones(missed)), fmt.Sprint(milestones(seen)); got != want || len(milestones(seen)) != 3 {
		t.Fatalf("after the restart %s, before it %s", got, want)
	}
	if e, ok := again.next(); !ok || e.event != "claim" || e.State != "waitlisted" {
		t.Fatalf("m4 is told %+v", e)
	}
}

// Thousands of claims while watched: every stream ends with what the books say,
// nobody sees another's claim, and each sees its own.
func TestAWatchedStampede(t *testing.T) {
	p := startEmbedded(t, t.TempDir())
	p.open("rush", `"cap":50`)
	var all sync.WaitGroup
	ready := make(chan struct{}, 40)
	for i := range 40 {
		all.Go(func() {
			token := ""
			if i%2 == 0 {
				token = p.token(fmt.Sprintf("m%d", i), "")
			}
			s := p.watch("rush", "", token)
			first, _ := s.next()
			ready <- struct{}{}
			last, mine := first.To, first.To == 0
			for granted := int64(0); granted < 50 || token != "" && !mine; {
				e, ok := s.next()
				switch {
				case !ok:
					t.Errorf("stream %d ended at %d", i, last)
					return
				case e.event == "claim":
					if mine = true; token == "" || e.State != "granted" || e.Rank == 0 {
						t.Errorf("stream %d is told %s", i, e.data)
					}
				default:
					if e.From != last+1 {
						t.Errorf("%+v follows %d", e, last)
					}
					last, granted = e.To, e.Granted
				}
			}
		})
	}
	for range 40 {
		<-ready
	}
	var members sync.WaitGroup
	for i := range 50 {
		members.Go(func() { p.member(fmt.Sprintf("m%d", i), "POST", claims("rush"), "").expect(t, 201) })
	}
	members.Wait()
	all.Wait()
	p.balanced("rush", 50)
}

// A claim under way when the end begins is answered, streams or not, and the
// node has said its last word to each of them when it ends.
func TestTheEndOfStreamsHurtsNoClaim(t *testing.T) {
	p := startEmbedded(t, t.TempDir(), "--streams-end", "300ms")
	p.open("end", `"cap":1000`)
	at := p.position("end")
	var streams []*screening
	for range 20 {
		streams = append(streams, p.watch("end", at, ""))
	}
	began := time.Now()
	p.cancel()
	for i := 0; ; i++ {
		r, err := ask("POST", p.members+claims("end"), p.token(fmt.Sprintf("m%d", i), ""), "")
		if err != nil && time.Since(began) > lineGrace {
			break // the door is closed
		}
		if err != nil || r.status != 201 {
			t.Fatalf("a claim at the end is answered %v %s", err, r.raw)
		}
	}
	for _, s := range streams {
		for _, ok := s.next(); ok; {
			_, ok = s.next()
		}
	}
	if code := p.stop(); code != exitDone {
		t.Errorf("exit code %d: %s", code, p.said)
	}
}

// A node with the role stream alone serves streams and refuses claims; a node
// without it does the reverse. Nobody was told of anybody.
func TestTheRoleStreamAlone(t *testing.T) {
	env := clusterEnv(t)
	claimer := startNode(t, append(env, "FIRSTCOME_ROLES=api,ledger,scheduler"), false)
	shower := startNode(t, append(env, "FIRSTCOME_ROLES=stream"), false)
	claimer.open("split", `"cap":10`)
	at := claimer.position("split")
	claimer.member("alice", "GET", "/v1/campaigns/split/events", "").expect(t, 503)
	shower.member("alice", "POST", claims("split"), "").expect(t, 503)
	shower.member("alice", "GET", "/readyz", "").expect(t, 200)
	ticket := claimer.member("alice", "POST", "/v1/stream-tickets", "").expect(t, 200).text("ticket")
	late := time.Now().Add(patience)
	for { // the node reads the log: it may be a moment behind
		if r := shower.member("alice", "GET", "/v1/campaigns/split", ""); r.status == 200 {
			break
		} else if time.Now().After(late) {
			t.Fatal(r.raw)
		}
	}
	mine, err := http.Get(shower.members + "/v1/campaigns/split/events?last_event_id=" + at + "&ticket=" + ticket)
	if err != nil || mine.StatusCode != 200 {
		t.Fatalf("%v %v", mine, err)
	}
	defer mine.Body.Close()
	claimer.member("alice", "POST", claims("split"), "").expect(t, 201)
	s := &screening{t, mine, bufio.NewReader(mine.Body)}
	told := map[string]shown{}
	for len(told) < 2 {
		e, ok := s.next()
		if !ok {
			t.Fatal("the stream ended")
		}
		told[e.event] = e
	}
	if told["claim"].State != "granted" || told["count"].Granted != 1 {
		t.Errorf("told %v", told)
	}
}
