package fault

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// pair is one connection over a link: the caller's side and the service's.
type pair struct {
	link   *Link
	wire   wire
	client net.Conn
	dark   atomic.Bool // carries nothing any more, and does not say so

	mu      sync.Mutex
	service net.Conn // nil until dialled; guarded by mu
	over    chan struct{}
	ended   bool // guarded by mu
}

const (
	pieceMost = 64 << 10 // gathered before it is passed on
	lateMost  = 4096     // pieces that may be under way on a slow link
	dialTime  = time.Second
)

// run carries a connection until one side ends it.
func (p *pair) run() {
	defer p.forget()
	if !p.passes() {
		<-p.over
		return
	}
	service, err := net.DialTimeout("tcp", p.link.target, dialTime)
	if err != nil {
		p.end() // a dead service refuses; so does the link
		return
	}
	p.mu.Lock()
	p.service = service
	ended := p.ended
	p.mu.Unlock()
	if ended {
		reset(service)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.carry(p.client, service, 0, p.wire.request) })
	both.Go(func() { p.carry(service, p.client, p.link.lag, p.wire.reply) })
	both.Wait()
}

// carry reads pieces from one side and writes them to the other.
func (p *pair) carry(from, to net.Conn, lag time.Duration, next func(*bufio.Reader) ([]byte, bool, error)) {
	defer p.end()
	deliver := func(b []byte) bool { return p.deliver(to, b) }
	if lag > 0 {
		var wait func()
		deliver, wait = p.late(to, lag)
		defer wait()
	}
	in := bufio.NewReaderSize(from, pieceMost)
	var out []byte
	for {
		piece, matters, err := next(in)
		if err != nil {
			return
		}
		if matters && p.link.swallow.Load() {
			p.swallow()
			return
		}
		out = append(out, piece...)
		if in.Buffered() > 0 && len(out) < pieceMost {
			continue
		}
		if !deliver(out) {
			return
		}
		out = out[:0]
	}
}

// deliver writes when the link lets it pass.
func (p *pair) deliver(to net.Conn, b []byte) bool {
	if !p.passes() {
		<-p.over
		return false
	}
	_, err := to.Write(b)
	return err == nil
}

// late returns a deliver that writes each piece after a lag, and how to wait
// for its end. What is under way when the pair goes dark is lost.
func (p *pair) late(to net.Conn, lag time.Duration) (deliver func([]byte) bool, wait func()) {
	type piece struct {
		due  time.Time
		data []byte
	}
	line := make(chan piece, lateMost)
	var writer sync.WaitGroup
	writer.Go(func() {
		for one := range line {
			select {
			case <-time.After(time.Until(one.due)):
			case <-p.over:
				return
			}
			if !p.deliver(to, one.data) {
				p.end()
				return
			}
		}
	})
	deliver = func(b []byte) bool {
		select {
		case line <- piece{time.Now().Add(lag), append([]byte(nil), b...)}:
			return true
		case <-p.over:
			return false
		}
	}
	return deliver, func() { close(line); writer.Wait() }
}

// passes waits while the link is held and reports whether the pair may carry on.
func (p *pair) passes() bool {
	for {
		now, moved := p.link.now()
		if p.dark.Load() || now == resets || now == closed {
			return false
		}
		if now == flows {
			return true
		}
		select {
		case <-moved:
		case <-p.over:
			return false
		}
	}
}

// swallow loses a reply: every second time with a reset, else in silence, so
// that the caller must find out by itself.
func (p *pair) swallow() {
	if p.link.swallowed.Add(1)%2 == 0 {
		p.dark.Store(true)
		<-p.over
	}
}

// end resets both sides.
func (p *pair) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.ended = true
	close(p.over)
	reset(p.client)
	if p.service != nil {
		reset(p.service)
	}
}

func (p *pair) forget() {
	p.end()
	p.link.mu.Lock()
	delete(p.link.pairs, p)
	p.link.mu.Unlock()
}
