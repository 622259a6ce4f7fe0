package browser

import (
	"net"
	"strings"
	"sync"
	"testing"
)

// line is somebody's own connection to a house. Chromium's own "offline" leaves
// silent streams open; a real network does not.
type line struct {
	listener net.Listener
	target   string

	mu    sync.Mutex // held for an append or a walk over open
	state lineState
	open  map[net.Conn]bool
	all   sync.WaitGroup
}

type lineState int

const (
	whole lineState = iota
	// cut: everything ends, and nothing new begins.
	cut
	// mute: what is sent arrives, what is answered does not.
	mute
)

// through gives this person a line of their own to an address and returns where
// it begins.
func (b *tab) through(address string) string {
	b.t.Helper()
	b.line = newLine(b.t, address)
	return "http://" + b.line.listener.Addr().String()
}

func newLine(t testing.TB, address string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, target: strings.TrimPrefix(address, "http://"), open: map[net.Conn]bool{}}
	l.all.Go(l.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		l.become(cut)
		l.all.Wait()
	})
	return l
}

// leads turns the line to another address, as a load balancer does; what is open
// ends.
func (l *line) leads(address string) {
	l.mu.Lock()
	l.target = strings.TrimPrefix(address, "http://")
	l.mu.Unlock()
	l.become(cut)
	l.become(whole)
}

func (l *line) become(s lineState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	if s == cut {
		for conn := range l.open {
			_ = conn.Close()
		}
	}
}

func (l *line) accept() {
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.mu.Lock()
		target, refused := l.target, l.state == cut
		l.mu.Unlock()
		if refused {
			_ = conn.Close()
			continue
		}
		far, err := net.Dial("tcp", target)
		if err != nil {
			_ = conn.Close()
			continue
		}
		l.all.Go(func() { l.carry(far, conn, false) })
		l.all.Go(func() { l.carry(conn, far, true) })
	}
}

// carry copies one direction until either side ends, and then ends both.
func (l *line) carry(to, from net.Conn, answers bool) {
	defer to.Close()
	defer from.Close()
	l.mu.Lock()
	l.open[from] = true
	if l.state == cut {
		_ = from.Close()
	}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.open, from)
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		l.mu.Lock()
		lost := answers && l.state == mute
		l.mu.Unlock()
		if n > 0 && !lost {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
