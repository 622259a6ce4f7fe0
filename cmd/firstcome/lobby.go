package main

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// lobby is a listener that knows its guests: which connections are open, and
// which of them wait for nothing.
type lobby struct {
	net.Listener
	slots chan struct{} // one a guest: beyond them new ones wait in the operating system's queue
	shut  chan struct{} // closed with the listener
	once  sync.Once

	mu     sync.Mutex // held for a few instructions, at the beginning and end of a connection; guards guests
	guests map[*guest]struct{}
}

func newLobby(l net.Listener, most int) *lobby {
	return &lobby{Listener: l, slots: make(chan struct{}, most), shut: make(chan struct{}), guests: map[*guest]struct{}{}}
}

// Accept lets the next one in, once there is room.
func (l *lobby) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.shut:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	g := &guest{Conn: c, home: l}
	g.since.Store(time.Now().UnixNano())
	l.mu.Lock()
	l.guests[g] = struct{}{}
	l.mu.Unlock()
	return g, nil
}

// Close lets nobody in any more.
func (l *lobby) Close() error {
	l.once.Do(func() { close(l.shut) })
	return l.Listener.Close()
}

func (l *lobby) empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.guests) == 0
}

// dismiss closes the connections that have been waiting for nothing since
// before a moment, unless a request has come that nobody has read yet.
func (l *lobby) dismiss(before time.Time) {
	l.mu.Lock()
	var idle []*guest
	for g := range l.guests {
		if !g.busy.Load() && g.since.Load() <= before.UnixNano() {
			idle = append(idle, g)
		}
	}
	l.mu.Unlock()
	for _, g := range idle {
		if !unread(g.Conn) {
			_ = g.Close() // it was told nothing that it could still miss
		}
	}
}

// forget takes a guest off the list who has become a stream: it is seen off by
// those who write to it. Its slot it keeps.
func (l *lobby) forget(g *guest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.guests, g)
}

// guest is one connection.
type guest struct {
	net.Conn
	home *lobby
	once sync.Once

	busy  atomic.Bool  // a request is read and not answered
	since atomic.Int64 // Unix ns of the last thing that happened
}

// noted is http.Server's ConnState.
func noted(c net.Conn, state http.ConnState) {
	if g, ok := c.(*guest); ok {
		if state == http.StateHijacked {
			g.home.forget(g)
		}
		g.busy.Store(state == http.StateActive)
		g.since.Store(time.Now().UnixNano())
	}
}

// Read notes that something came, so that a request of which only a part is
// here is not taken for silence.
func (g *guest) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if n > 0 {
		g.since.Store(time.Now().UnixNano())
	}
	return n, err
}

// SyscallConn lets streams be written to without waiting.
func (g *guest) SyscallConn() (syscall.RawConn, error) {
	if raw, ok := g.Conn.(syscall.Conn); ok {
		return raw.SyscallConn()
	}
	return nil, syscall.EINVAL
}

// CloseWrite lets net/http say the last word without cutting off what the
// client still sends.
func (g *guest) CloseWrite() error {
	if half, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close gives the slot to the next one.
func (g *guest) Close() error {
	g.once.Do(func() {
		g.home.mu.Lock()
		delete(g.home.guests, g)
		g.home.mu.Unlock()
		<-g.home.slots
	})
	return g.Conn.Close()
}
