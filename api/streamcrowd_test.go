//go:build unix

package api

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"firstcome/engine/fold"
)

// narrow is a connection with as little room as possible.
func (c *cinema) narrow(t testing.TB) net.Conn {
	t.Helper()
	small := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1) })
	}}
	conn, err := small.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func (c *cinema) open() int {
	h := c.server.streams
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open
}

// Readers that never read are closed, and nobody waits for them: who reads has
// every frame as soon as before.
func TestReadersThatNeverRead(t *testing.T) {
	c := newCinema(t)
	for range 50 {
		fmt.Fprint(c.narrow(t), "GET /v1/campaigns/noon/events HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	poll(t, func() bool { return c.open() == 50 })
	v := c.watch(t, "?last_event_id=e1-12")
	v.next()
	worst := time.Duration(0)
	for ev, late := int64(13), time.Now().Add(15*time.Second); c.open() > 1; ev++ {
		if time.Now().After(late) {
			t.Fatalf("%d streams are open still", c.open())
		}
		began := time.Now()
		c.happens(fold.GrantedNow, "bob", 1)
		v.want("count", fmt.Sprintf("e1-%d", ev), "")
		worst = max(worst, time.Since(began))
	}
	if worst > 3*time.Second {
		t.Errorf("who reads waited %s", worst)
	}
}

// A reader that takes its time gets every byte in order: what does not fit at
// once is written later, from where it stopped.
func TestAReaderThatTakesItsTime(t *testing.T) {
	c := newCinema(t)
	for range 700 { // half of them are told one by one
		c.happens(fold.PausedNow, "", 0)
		c.happens(fold.Resumed, "", 0)
	}
	v := c.watchOn(t, c.narrow(t), "?last_event_id=e1-12")
	at := int64(12)
	for at < 12+1400 {
		f, ok := v.next()
		if !ok {
			t.Fatalf("ended at %d", at)
		}
		if f.event == "" {
			continue
		}
		var from, to int64
		if _, err := fmt.Sscanf(f.data, `{"from":%d,"to":%d`, &from, &to); err != nil || from != at+1 || f.id != fmt.Sprintf("e1-%d", to) {
			t.Fatalf("after %d came %+v", at, f)
		}
		at = to
	}
}

// A crowd that lost its node comes back at once, each with something missed:
// everybody is served exactly that, and what comes then.
func TestACrowdComesBackAtOnce(t *testing.T) {
	const crowd, missed = 500, 100
	c := newCinema(t)
	for range missed {
		c.happens(fold.GrantedNow, "bob", 1)
	}
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() {
			after := 12 + int64(i%missed)
			v := c.watch(t, fmt.Sprintf("?last_event_id=e1-%d", after))
			v.want("count", "e1-112", fmt.Sprintf(`{"from":%d,"to":112,"granted":107,`, after+1))
			v.want("count", "e1-113", `{"from":113,"to":113,"granted":108,`)
		})
	}
	poll(t, func() bool { return c.open() == crowd })
	c.happens(fold.GrantedNow, "eve", 1)
	all.Wait()
	poll(t, func() bool { return c.open() == crowd }) // they are closed at the test's end
}

// The rest of the frame in which a reader stopped is its own: the tape may go on.
func TestStoppedInTheMidstOfAFrame(t *testing.T) {
	data := []byte("id: a\n\nid: bb\n\nid: ccc\n\n")
	for n := range len(data) {
		s := &stream{}
		frames := s.stop(data, n)
		whole := strings.SplitAfter(string(data[:n])+string(s.owed), "\n\n")
		if got := string(data[:n]) + string(s.owed) + string(data[s.pos:]); got != string(data) {
			t.Fatalf("stopped at %d: %q", n, got)
		}
		if whole[len(whole)-1] != "" || frames != int64(len(whole)-1) {
			t.Fatalf("stopped at %d: %q and %d frames", n, whole, frames)
		}
	}
}
