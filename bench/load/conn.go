package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// patience is how long an answer may take. It is longer than any promise of
// the server, so that a broken promise is seen as a late answer.
const patience = 15 * time.Second

// bodyMost bounds an answer's body. A list of campaigns is the largest.
const bodyMost = 1 << 20

// Conn is one member's connection. It is dialled when it is first used, and
// again after an error. One goroutine at a time.
type Conn struct {
	// Patience is how long an answer may take; 0: 15 s.
	Patience time.Duration

	addr string
	conn net.Conn
	in   *bufio.Reader
	resp fasthttp.Response
}

// NewConn returns a connection to host:port that is not dialled yet.
func NewConn(addr string) *Conn { return &Conn{addr: addr} }

// Addr is the host:port that it connects to.
func (c *Conn) Addr() string { return c.addr }

// Answer is what came back. Its fields hold until the next use of the connection.
type Answer struct {
	Status     int
	Body       []byte
	Replayed   bool   // Idempotent-Replayed: true
	RetryAfter bool   // the answer says when to come again
	Log        []byte // X-Log-Offset; empty: none
}

// Do sends a request and reads its answer. A connection that the server closed
// while it was idle is dialled again and the request sent once more: all
// requests here may be repeated.
func (c *Conn) Do(r Request) (Answer, error) {
	idle := c.conn != nil
	a, err := c.once(r)
	if err == nil || !idle || isTimeout(err) {
		return a, err
	}
	return c.once(r)
}

func (c *Conn) once(r Request) (Answer, error) {
	if err := c.write(r); err != nil {
		return Answer{}, err
	}
	c.resp.Reset()
	if err := c.resp.ReadLimitBody(c.in, bodyMost); err != nil {
		c.Close()
		return Answer{}, fmt.Errorf("read an answer: %w", err)
	}
	h := &c.resp.Header
	a := Answer{
		Status:     h.StatusCode(),
		Body:       c.resp.Body(),
		Replayed:   len(h.Peek("Idempotent-Replayed")) > 0,
		RetryAfter: len(h.Peek("Retry-After")) > 0,
		Log:        h.Peek("X-Log-Offset"),
	}
	if h.ConnectionClose() {
		c.Close()
	}
	return a, nil
}

// Abandon sends a request and hangs up without waiting for the answer, as a
// phone does in a tunnel.
func (c *Conn) Abandon(r Request) error {
	err := c.write(r)
	c.Close()
	return err
}

// patience is how long this connection waits.
func (c *Conn) patience() time.Duration {
	if c.Patience > 0 {
		return c.Patience
	}
	return patience
}

func (c *Conn) write(r Request) error {
	if err := c.Dial(); err != nil {
		return err
	}
	if err := c.conn.SetDeadline(time.Now().Add(c.patience())); err != nil {
		c.Close()
		return fmt.Errorf("send a request: %w", err)
	}
	if _, err := c.conn.Write(r); err != nil {
		c.Close()
		return fmt.Errorf("send a request: %w", err)
	}
	return nil
}

// Dial connects, unless the connection stands. Do does it when it must; a
// crowd does it before noon.
func (c *Conn) Dial() error {
	if c.conn != nil {
		return nil
	}
	conn, err := net.DialTimeout("tcp", c.addr, c.patience())
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	c.conn = conn
	if c.in == nil {
		c.in = bufio.NewReaderSize(conn, 2<<10)
	} else {
		c.in.Reset(conn)
	}
	return nil
}

// Close hangs up. The connection may be used again.
func (c *Conn) Close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout() && !errors.Is(err, io.EOF)
}
