package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// hotel is a door that says on every answer whether it ends.
type hotel struct {
	leaving atomic.Bool
	slow    time.Duration
	inside  atomic.Int64
}

func (h *hotel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.leaving.Load() {
		w.Header().Set("Connection", "close")
	}
	h.inside.Add(1)
	defer h.inside.Add(-1)
	if h.slow > 0 {
		select {
		case <-time.After(h.slow):
		case <-r.Context().Done():
		}
	}
	fmt.Fprintln(w, "hello")
}

// awaits waits until so many requests are being answered.
func (h *hotel) awaits(t *testing.T, n int64) {
	t.Helper()
	for late := time.Now().Add(patience); h.inside.Load() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("%d requests are being answered, not %d", h.inside.Load(), n)
		}
	}
}

// opens runs a door at an address until the returned function has ended it.
func (h *hotel) opens(t *testing.T, address string, wait time.Duration) (at string, end func() time.Duration) {
	t.Helper()
	l, err := plain.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	h.leaving.Store(false)
	d := newDoor(l, h, &farewell{leave: func() { h.leaving.Store(true) }}, wait, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.run(ctx) }()
	return l.Addr().String(), func() time.Duration {
		began := time.Now()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		return time.Since(began)
	}
}

// caller is a client that keeps its connection as long as it may.
type caller struct {
	at   string
	conn net.Conn
	in   *bufio.Reader
}

var hello = []byte("GET / HTTP/1.1\r\nHost: hotel\r\n\r\n")

// ask sends one request; the connection is kept, unless the answer closes it.
func (c *caller) ask() error {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.at, 10*time.Second)
		if err != nil {
			return err
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
	_ = c.conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, err := c.conn.Write(hello)
	if err != nil {
		c.hangUp()
		return err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.hangUp()
		return fmt.Errorf("no answer: %w", err)
	}
	_ = resp.Body.Close()
	if resp.Close {
		c.hangUp()
	}
	return nil
}

func (c *caller) hangUp() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// A crowd on kept and on fresh connections sees a door end and open again: who
// is not refused is answered.
func TestADoorCutsNobodyOff(t *testing.T) {
	h := &hotel{}
	at, end := h.opens(t, "127.0.0.1:0", 5*time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var answered, refused atomic.Int64
	for i := range 48 {
		group.Go(func() {
			c := &caller{at: at}
			defer c.hangUp()
			for ctx.Err() == nil {
				switch err := c.ask(); {
				case err == nil:
					answered.Add(1)
				case errors.Is(err, syscall.ECONNREFUSED):
					refused.Add(1)
				default:
					t.Errorf("neither answered nor refused: %v", err)
					return
				}
				if i%3 == 0 {
					c.hangUp() // each request on a connection of its own
				}
				time.Sleep(rand.N(time.Duration(i+1) * time.Millisecond))
			}
		})
	}
	for range 3 {
		for was := answered.Load(); answered.Load() < was+500 && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
		if took := end(); took > 2*time.Second {
			t.Errorf("the end took %v", took)
		}
		_, end = h.opens(t, at, 5*time.Second)
	}
	cancel()
	group.Wait()
	end()
	t.Logf("%d answers, %d refused", answered.Load(), refused.Load())
	if err := (&caller{at: at}).ask(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a closed door says %v", err)
	}
}

// A connection that is silent at the end is let go after a second, one with an
// answer under way is waited for, and the rest at the latest after the wait.
func TestWhoIsStillThereAtTheEnd(t *testing.T) {
	h := &hotel{}
	at, end := h.opens(t, "127.0.0.1:0", 5*time.Second)
	silent, fresh := &caller{at: at}, &caller{at: at}
	if err := silent.ask(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", at) // says nothing at all
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	h.slow = 1500 * time.Millisecond
	asked := make(chan error, 1)
	go func() { asked <- fresh.ask() }()
	h.awaits(t, 1)
	if took := end(); took < idleGrace || took > 3*time.Second {
		t.Errorf("the end took %v", took)
	}
	if err := <-asked; err != nil {
		t.Errorf("an answer under way: %v", err)
	}

	at, end = h.opens(t, at, 200*time.Millisecond)
	go func() { asked <- (&caller{at: at}).ask() }()
	h.awaits(t, 1)
	if took := end(); took > time.Second {
		t.Errorf("the end took %v", took)
	}
	if err := <-asked; err == nil {
		t.Error("the slow answer came in time")
	}
	h.awaits(t, 0)
}

func TestAnEndWithoutGuestsIsQuick(t *testing.T) {
	_, end := (&hotel{}).opens(t, "127.0.0.1:0", 5*time.Second)
	if took := end(); took > 800*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

// The lobby holds so many and no more, and gives each slot back once.
func TestALobbyHasSoMuchRoom(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lobby := newLobby(l, 2)
	for range 3 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	accepted := make(chan net.Conn, 3)
	go func() {
		defer close(accepted)
		for {
			c, err := lobby.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	one, two := <-accepted, <-accepted
	select {
	case <-accepted:
		t.Fatal("a third was let in")
	case <-time.After(50 * time.Millisecond):
	}
	_, _ = one.Close(), one.Close()
	three := <-accepted
	_ = lobby.Close()
	if _, more := <-accepted; more {
		t.Fatal("a closed lobby lets in")
	}
	_, _ = two.Close(), three.Close()
	if !lobby.empty() {
		t.Fatal("somebody is left")
	}
}
