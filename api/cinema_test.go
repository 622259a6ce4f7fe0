package api

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"firstcome/cache"
	"firstcome/engine"
	"firstcome/engine/fold"
)

// cinema is a house that shows news: a real feed, told by the test, behind real
// connections.
type cinema struct {
	*house
	feed *cache.Feed
	url  string // of the members' door
	back string // of the admins'
	stop func() // and wait

	mu     sync.Mutex // guards all below
	told   int64
	claims map[fold.User]engine.Claim
	broken error // of every partition
}

func (c *cinema) Told(int32) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told
}

func (c *cinema) User(subject string) fold.User {
	sum := sha256.Sum256([]byte(subject))
	return fold.User(sum[:16])
}

func (c *cinema) Glance(_ string, user fold.User) (engine.Claim, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	claim, ok := c.claims[user]
	if !ok {
		claim.Campaign, claim.State = "noon", "none"
	}
	return claim, nil
}

func (c *cinema) Following(string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

// screen is the feed in the doors' words.
type screen struct{ *cache.Feed }

func (s screen) Watch(ctx context.Context, campaign string) (Reel, error) {
	r, err := s.Feed.Watch(ctx, campaign)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// newCinema opens one whose campaign noon stands at event 12, with 7 granted.
func newCinema(t testing.TB, change ...func(*Config)) *cinema {
	t.Helper()
	c := &cinema{claims: map[fold.User]engine.Claim{}, told: 40}
	w := newWorld()
	c.feed = cache.NewFeed(cache.FeedConfig{Partitions: 4, Source: struct {
		*world
		*cinema
	}{w, c}})
	c.house = newHouseOf(t, w, Ports{Feed: screen{c.feed}, Glances: c}, change...)
	c.server.streams.pace = pace{10 * time.Millisecond, 13 * time.Second, 500 * time.Millisecond}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = c.feed.Run(ctx) })
	all.Go(func() { _ = c.server.Stream(ctx) })
	door, back := httptest.NewServer(c.server.Members()), httptest.NewServer(c.server.Admins())
	c.url, c.back = door.URL, back.URL
	c.stop = sync.OnceFunc(func() {
		c.server.Leave()
		cancel()
		all.Wait()
		for _, d := range []*httptest.Server{door, back} {
			d.CloseClientConnections()
			d.Close()
		}
	})
	t.Cleanup(func() { c.stop(); http.DefaultClient.CloseIdleConnections() })
	return c
}

// happens lets something happen to noon: to all of it, and to its news.
func (c *cinema) happens(what fold.Change, user string, granted int64) {
	c.world.mu.Lock()
	now := c.world.campaigns["noon"]
	now.Ev++
	now.Next++
	now.Granted += granted
	if s := what.Status(); s != 0 {
		now.Status = s
	}
	c.world.campaigns["noon"] = now
	c.world.mu.Unlock()
	change := engine.Change{Campaign: "noon", Ev: now.Ev, At: noon.UnixMilli(), What: what, After: fold.Totals{
		Granted: now.Granted, Waiting: now.Waiting, Cap: fold.NoCap, Status: now.Status}}
	if now.Cap != nil {
		change.After.Cap = *now.Cap
	}
	if user != "" {
		change.User = c.User(user)
	}
	c.feed.Tell(now.Partition, []engine.Change{change})
	c.mu.Lock()
	c.told = now.Next
	c.mu.Unlock()
}

// grants gives a member a place and tells.
func (c *cinema) grants(subject string) {
	claim := granted()
	c.mu.Lock()
	claim.Rank, claim.Answers = int64(len(c.claims)+8), nil
	c.claims[c.User(subject)] = claim
	c.mu.Unlock()
	c.happens(fold.GrantedNow, subject, 1)
}

// sseEvent is one server-sent event, or a comment.
type sseEvent struct{ id, event, data, retry, comment string }

// viewer is a client with a connection of its own.
type viewer struct {
	t    testing.TB
	conn net.Conn
	resp *http.Response
	in   *bufio.Reader
}

// watch opens a stream; headers as pairs.
func (c *cinema) watch(t testing.TB, query string, headers ...string) *viewer {
	t.Helper()
	return c.watchOn(t, dial(t, c.url), query, headers...)
}

func dial(t testing.TB, url string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func (c *cinema) watchOn(t testing.TB, conn net.Conn, query string, headers ...string) *viewer {
	t.Helper()
	return read(t, conn, "/v1/campaigns/noon/events"+query, headers...)
}

// follow opens an admin's feed.
func (c *cinema) follow(t testing.TB, query, role string) *viewer {
	t.Helper()
	return read(t, dial(t, c.back), "/v1/admin/campaigns/noon/feed"+query, "Authorization", "Bearer "+c.token("boss", role))
}

// read asks for a stream on a connection.
func read(t testing.TB, conn net.Conn, target string, headers ...string) *viewer {
	t.Helper()
	v := &viewer{t: t, conn: conn, in: bufio.NewReader(conn)}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n", target)
	for i := 0; i+1 < len(headers); i += 2 {
		fmt.Fprintf(conn, "%s: %s\r\n", headers[i], headers[i+1])
	}
	fmt.Fprint(conn, "\r\n")
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	resp, err := http.ReadResponse(v.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	v.resp, v.in = resp, bufio.NewReader(resp.Body)
	return v
}

// as is a member's token as a header.
func (c *cinema) as(subject string) []string {
	return []string{"Authorization", "Bearer " + c.token(subject, "")}
}

// next reads one event; false at the end.
func (v *viewer) next() (f sseEvent, ok bool) {
	v.t.Helper()
	some := false
	for {
		line, err := v.in.ReadString('\n')
		if err != nil {
			return f, false
		}
		switch name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); name {
		case "":
			if some {
				return f, true
			}
		case ":":
			f.comment, some = ":", true
		case "id":
			f.id, some = value, true
		case "event":
			f.event, some = value, true
		case "data":
			f.data, some = f.data+value, true
		case "retry":
			f.retry, some = value, true
		default:
			v.t.Fatalf("a line is %q", line)
		}
	}
}

// want reads the next event that is no comment and checks what it is and what
// its data begin with.
func (v *viewer) want(event, id, data string) sseEvent {
	v.t.Helper()
	for {
		f, ok := v.next()
		if !ok {
			v.t.Fatalf("the stream ended, and not with %s %s", event, id)
		}
		if f.comment != "" || f.retry != "" && f.event == "" {
			continue
		}
		if f.event != event || f.id != id || !strings.HasPrefix(f.data, data) {
			v.t.Fatalf("came %+v, and not %s %s %s", f, event, id, data)
		}
		return f
	}
}

// end reads until the stream ends and returns the last thing that it said.
func (v *viewer) end() (last sseEvent) {
	v.t.Helper()
	for {
		f, ok := v.next()
		if !ok {
			return last
		}
		last = f
	}
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// poll asks until something is so.
func poll(t testing.TB, so func() bool) {
	t.Helper()
	for late := time.Now().Add(10 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("it did not come to be so")
		}
	}
}

func serve(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}
