// Package wiretest is a wire between a client and its server for tests of
// faults: at a chosen request the wire breaks before the server has it, or
// after, so that only the answer is lost. Everything is on loopback.
package wiretest

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Fault is how a request goes wrong.
type Fault int

// The two faults of every durable step.
const (
	Failed    Fault = iota // the server never has the request
	ReplyLost              // the server carries it out, and the client never hears
)

// Faults are both of them, to range over.
var Faults = []Fault{Failed, ReplyLost}

// String names the fault as the tests do.
func (f Fault) String() string {
	return [...]string{"it failed", "its reply was lost"}[f]
}

// Wire passes bytes between clients and one server, until a fault is asked for.
type Wire struct {
	listener net.Listener
	server   string
	group    sync.WaitGroup
	struck   atomic.Int64

	mu    sync.Mutex // guards all below; held for a look
	armed bool
	fault Fault
	match func(request []byte) bool
	conns map[net.Conn]struct{}
}

// New starts a wire to a server that ends with the test.
func New(t testing.TB, server string) *Wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{listener: l, server: server, conns: map[net.Conn]struct{}{}}
	w.group.Go(w.accept)
	t.Cleanup(func() {
		_ = l.Close()
		w.cut()
		w.group.Wait()
	})
	return w
}

// Addr is where clients find the wire.
func (w *Wire) Addr() string { return w.listener.Addr().String() }

// Strike arms a fault for the next request that match accepts, nil any. It
// breaks that request's connection once; later ones pass.
func (w *Wire) Strike(fault Fault, match func(request []byte) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed, w.fault, w.match = true, fault, match
}

// Spare takes back a fault that has not come.
func (w *Wire) Spare() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
}

// Struck is how many faults have come.
func (w *Wire) Struck() int64 { return w.struck.Load() }

// cut ends every connection.
func (w *Wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Close()
	}
}

func (w *Wire) keep(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns[c] = struct{}{}
}

func (w *Wire) drop(c net.Conn) {
	_ = c.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c)
}

func (w *Wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", w.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		w.keep(client)
		w.keep(server)
		mute := &atomic.Bool{}
		w.group.Go(func() { w.requests(client, server, mute) })
		w.group.Go(func() { w.answers(client, server, mute) })
	}
}

// strikes reports which fault a request meets.
func (w *Wire) strikes(request []byte) (fault Fault, yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.armed || w.match != nil && !w.match(request) {
		return 0, false
	}
	w.armed = false
	w.struck.Add(1)
	return w.fault, true
}

func (w *Wire) requests(client, server net.Conn, mute *atomic.Bool) {
	defer w.drop(server)
	buf := make([]byte, 256<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		switch fault, struck := w.strikes(buf[:n]); {
		case struck && fault == Failed:
			w.drop(client)
			return
		case struck:
			mute.Store(true) // before the server can answer
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// answers passes what the server says. Once muted, its next words are the proof
// that it has carried out the request: then both sides are cut off.
func (w *Wire) answers(client, server net.Conn, mute *atomic.Bool) {
	defer w.drop(client)
	defer w.drop(server)
	buf := make([]byte, 256<<10)
	for {
		n, err := server.Read(buf)
		if err != nil || mute.Load() {
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}
