package api

import (
	"errors"
	"net"
	"syscall"
)

// socket is a connection that is written to without ever waiting for its reader.
type socket struct {
	conn net.Conn
	raw  syscall.RawConn

	// Of the write under way; kept here so that it allocates nothing.
	out   []byte
	n     int
	err   error
	tries func(fd uintptr) bool
}

// sendBuffer bounds what the system keeps for one reader who does not read.
const sendBuffer = 64 << 10

// errNoSocket: the connection is not one that can be written to without waiting.
var errNoSocket = errors.New("the connection is no plain socket")

func newSocket(conn net.Conn) (*socket, error) {
	sc, ok := conn.(syscall.Conn)
	if !ok || !hasSockets {
		return nil, errNoSocket
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, errors.Join(errNoSocket, err)
	}
	s := &socket{conn: conn, raw: raw}
	s.tries = s.try
	_ = raw.Control(func(fd uintptr) { boundSend(fd, sendBuffer) }) // a larger buffer only costs memory
	return s, nil
}

// write writes what the system takes at once; n may be less than all of it. An
// error means that the reader is gone.
func (s *socket) write(b []byte) (n int, err error) {
	s.out, s.n, s.err = b, 0, nil
	if err := s.raw.Write(s.tries); err != nil {
		return 0, err
	}
	s.out = nil
	return s.n, s.err
}

// try is one attempt; it always says that it is done, so that nobody waits.
func (s *socket) try(fd uintptr) bool {
	s.n, s.err = writeNow(fd, s.out)
	return true
}

// probe looks how readers do. One goroutine at a time may use it; what it looks
// with is made once, since it looks at every stream every two seconds.
type probe struct {
	looks  func(fd uintptr)
	listen bool // also whether the reader is there
	buf    [512]byte
	gone   bool
	unread int
}

func newProbe() *probe {
	p := new(probe)
	p.looks = p.look
	return p
}

func (p *probe) look(fd uintptr) {
	p.gone, p.unread = false, unsent(fd)
	if p.listen {
		n, err := readNow(fd, p.buf[:])
		p.gone = err != nil || n == 0
	}
}

// of reports whether the reader has closed its side, or the connection broke,
// and how many bytes its machine has not taken yet; 0 where the system does not
// tell. What the reader sent meanwhile is thrown away. Of one who was written to
// a moment ago only the second is asked: if it is gone, the next write tells.
func (p *probe) of(s *socket, busy bool) (gone bool, unread int) {
	p.listen = !busy
	if err := s.raw.Control(p.looks); err != nil {
		return true, 0
	}
	return p.gone, p.unread
}

func (s *socket) close() { _ = s.conn.Close() }

// nothing is how many bytes readNow reads when there are none and the other side
// is still there.
const nothing = -1
