package relayredis

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"firstcome/bench/stack"
	"firstcome/cache"
	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/engine/redisgate"
)

func eventsOf(frames []byte) (data []string) {
	for line := range strings.Lines(string(frames)) {
		if rest, ok := strings.CutPrefix(line, "data: "); ok {
			data = append(data, rest)
		}
	}
	return data
}

// No account is replaced by an older one of the same log, and what is told is told
// all the same.
func TestNoAccountBecomesOlder(t *testing.T) {
	url := stack.Redis(t).URL()
	c := client(t, url)
	account := func(ev, after int, epoch string) []byte {
		return fmt.Appendf(nil, "%016d%016d%s%srest of %d", ev, after, string(rune(len(epoch))), epoch, ev)
	}
	for _, step := range []struct {
		tell, kept []byte
	}{
		{account(7, 0, "e-1"), account(7, 0, "e-1")},
		{account(6, 0, "e-1"), account(7, 0, "e-1")},   // a late relay
		{account(7, 3, "e-1"), account(7, 0, "e-1")},   // one that knows less of the past
		{account(9, 3, "e-1"), account(9, 3, "e-1")},   // newer is newer
		{account(9, 0, "e-1"), account(9, 0, "e-1")},   // and more is more
		{account(10, 0, "e-1"), account(10, 0, "e-1")}, // numbers, not letters
		{account(2, 0, "e-22"), account(2, 0, "e-22")}, // another log is another history
		{nil, account(2, 0, "e-22")},                   // "there is none" is told and not kept
	} {
		message := []byte(nil)
		if step.tell == nil {
			message = []byte("none")
		}
		if err := c.Carry(t.Context(), []cache.Parcel{{Campaign: "noon", State: step.tell, Message: message}}); err != nil {
			t.Fatal(err)
		}
		states, err := c.States(t.Context(), []string{"noon", "nothing"})
		if err != nil || !bytes.Equal(states[0], step.kept) || states[1] != nil {
			t.Fatalf("after %q there is %q, %v", step.tell, states, err)
		}
	}
}

// A node that is told the news shows a campaign as it stands, follows it, and tells
// of what does not exist; messages of other campaigns do not come to it.
func TestANodeIsTold(t *testing.T) {
	url := stack.Redis(t).URL()
	w := newWorld()
	w.then("noon", fold.Created, 0)
	w.then("noon", fold.Opened, 0)
	w.then("other", fold.Created, 0)
	w.follow(t, url, nil)
	r := receive(t, url)
	o := look(t, r, "noon")
	o.until(2)
	for range 50 {
		w.then("noon", fold.GrantedNow, 1)
		w.then("other", fold.GrantedNow, 1)
	}
	o.until(52)
	for late := time.Now().Add(patience); ; {
		if _, err := r.Feed().Watch(t.Context(), "nowhere"); err == engine.ErrNotFound {
			break
		} else if time.Now().After(late) {
			t.Fatalf("a campaign that does not exist: %v", err)
		}
	}
	w.then("nowhere", fold.Created, 0)
	w.then("nowhere", fold.Opened, 0)
	look(t, r, "nowhere").until(2)
}

// A member's claim is told to who asks for it, and to nobody else.
func TestAMemberIsToldOfItsClaim(t *testing.T) {
	url := stack.Redis(t).URL()
	w := newWorld()
	w.then("noon", fold.Created, 0)
	w.then("noon", fold.Opened, 0)
	w.follow(t, url, nil)
	r := receive(t, url)
	o := look(t, r, "noon")
	o.reel.Mind(fold.User{7}, true)
	w.then("noon", fold.GrantedNow, 8)
	w.then("noon", fold.GrantedNow, 7)
	o.until(4)
	if c, err := r.Glance("noon", fold.User{7}); err != nil || c.State != "granted" || c.Rank != 7 {
		t.Errorf("told %+v, %v", c, err)
	}
	if c, err := r.Glance("noon", fold.User{8}); err == nil {
		t.Errorf("nobody asked, and this node knows %+v", c)
	}
	o.reel.Mind(fold.User{7}, false)
	if _, err := r.Glance("noon", fold.User{7}); err == nil {
		t.Error("it is still known when nobody asks any more")
	}
}

// While the master of Redis dies, and the relay whose turn it is, and a late one
// comes, whoever watches sees every frame once and ends where the log does.
func TestReceiversRideThroughAFailover(t *testing.T) {
	stack.NeedRedis(t)
	g, err := stack.StartSentinels(t.Context(), stack.SentinelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	gate, err := redisgate.Connect(g.URL(0), redisgate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gate.Close() })
	w := newWorld()
	w.then("noon", fold.Created, 0)
	w.then("noon", fold.Opened, 0)
	first := w.follow(t, g.URL(0), redisgate.NewLocker(gate))
	r := receive(t, g.URL(0))
	o := look(t, r, "noon")
	w.follow(t, g.URL(0), redisgate.NewLocker(gate))
	event := func(i int) {
		what := fold.GrantedNow
		if i%40 == 0 {
			what = fold.PausedNow
		} else if i%40 == 20 {
			what = fold.Resumed
		}
		w.then("noon", what, 1)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	last := int64(2)
	for i := range 1200 { // six seconds
		<-tick.C
		event(i)
		last++
		switch i {
		case 200:
			first.die()
		case 300:
			master, err := g.Master(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			master.Kill()
		}
	}
	o.until(last)
}
