package fault

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Link is a wire between a party and a service on loopback: a TCP proxy that can
// be cut, held, slowed and made to swallow replies. Its methods may be called
// from any goroutine.
type Link struct {
	listener net.Listener
	target   string
	lag      time.Duration // what each piece of a reply is late
	speak    func(*Link) wire

	swallow   atomic.Bool  // replies that the wire points out are swallowed
	swallowed atomic.Int64 // how many were
	shift     atomic.Int64 // seconds added to a clock that the wire reads

	mu    sync.Mutex
	state state
	moved chan struct{} // closed and replaced when state changes
	pairs map[*pair]bool
	all   sync.WaitGroup
}

// state is what a link does with what it carries.
type state int

const (
	flows  state = iota
	held         // nothing moves and nothing is lost: it moves on when the link heals
	lost         // nothing moves; what was under way is lost, and the connections with it
	resets       // every connection is reset at once, new ones too
	closed
)

// newLink listens on a port and connects each caller to the target, port to
// port on loopback. speak is the language of the service; nil: bytes.
func newLink(port, target int, lag time.Duration, speak func(*Link) wire) (*Link, error) {
	listener, err := net.Listen("tcp", address(port))
	if err != nil {
		return nil, fmt.Errorf("make a link: %w", err)
	}
	if speak == nil {
		speak = func(*Link) wire { return plain{} }
	}
	l := &Link{
		listener: listener, target: address(target), lag: lag, speak: speak,
		moved: make(chan struct{}), pairs: map[*pair]bool{},
	}
	l.all.Go(l.accept)
	return l, nil
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// Port is where the link is entered.
func (l *Link) Port() int { return l.listener.Addr().(*net.TCPAddr).Port }

func (l *Link) accept() {
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // the caller was gone already
		}
		l.mu.Lock()
		p := &pair{link: l, client: conn, over: make(chan struct{}), wire: l.speak(l)}
		switch l.state {
		case closed, resets:
			l.mu.Unlock()
			reset(conn)
			continue
		case lost:
			p.dark.Store(true) // heard by nobody, until the link heals
		}
		l.pairs[p] = true
		l.all.Go(p.run)
		l.mu.Unlock()
	}
}

// Hold stops everything on the link; it moves on at Heal, as over a wire that
// was pulled and put back.
func (l *Link) Hold() { l.move(held) }

// Cut loses what is under way and everything that comes: nobody is told. At Heal
// the connections of before are reset.
func (l *Link) Cut() {
	l.move(lost)
	l.each(func(p *pair) { p.dark.Store(true) })
}

// Reset ends every connection and each new one at once, and says so.
func (l *Link) Reset() {
	l.move(resets)
	l.each(func(p *pair) { p.end() })
}

// Heal makes the link a wire again.
func (l *Link) Heal() {
	l.swallow.Store(false)
	l.shift.Store(0)
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pairs {
		if p.dark.Load() {
			p.end()
		}
	}
	l.set(flows)
}

// Swallow lets requests through and drops the replies that matter: a produce
// reply of Kafka, the answer to a COMMIT. What was asked for has been done.
func (l *Link) Swallow() { l.swallow.Store(true) }

// Shift moves the clock that is read through the link.
func (l *Link) Shift(by time.Duration) { l.shift.Store(int64(by / time.Second)) }

func (l *Link) move(to state) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set(to)
}

// set is move with mu held.
func (l *Link) set(to state) {
	if l.state != closed && l.state != to {
		l.state = to
		close(l.moved)
		l.moved = make(chan struct{})
	}
}

func (l *Link) each(do func(*pair)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pairs {
		do(p)
	}
}

// now is the link's state, and a channel that is closed when it changes.
func (l *Link) now() (state, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.moved
}

// Close ends the link and everything on it.
func (l *Link) Close() {
	l.move(closed)
	_ = l.listener.Close()
	l.each(func(p *pair) { p.end() })
	l.all.Wait()
}

// reset closes a connection so that its peer reads "connection reset".
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
