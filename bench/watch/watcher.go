package watch

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Watcher is one client of one campaign's stream.
type Watcher struct {
	// Addrs are the nodes' members' listeners, host:port. It goes on at another
	// one when its own is gone.
	Addrs    []string
	Campaign string
	Token    string        // empty: nobody in particular
	From     net.IP        // the client's own address; nil: whatever the system takes
	Deaf     bool          // connects and never reads
	Drops    time.Duration // hangs up by itself after about so long, again and again; 0: never
	// Heard is told of each frame when it has arrived; nil: nobody wants to know.
	Heard func(e Event, at time.Time)

	mu        sync.Mutex
	page      Page // guarded by mu
	connects  int  // guarded by mu
	refused   int  // guarded by mu: 503 and dead nodes
	connected atomic.Bool
}

// Page returns what the client knows by now.
func (w *Watcher) Page() Page {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.page
}

// Connected reports whether a stream is open.
func (w *Watcher) Connected() bool { return w.connected.Load() }

// Connects is how often a stream was opened, and how often nobody let it in.
func (w *Watcher) Connects() (opened, refused int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.connects, w.refused
}

// retryMost bounds the pause before the next try, whatever the server asks for.
const retryMost = 5 * time.Second

// Run watches until ctx ends, or the server says that there is nothing more to
// come (204). It reconnects as a browser does.
func (w *Watcher) Run(ctx context.Context) {
	node := rand.IntN(len(w.Addrs))
	for pause := time.Duration(0); ctx.Err() == nil; {
		over, retry, err := w.once(ctx, w.Addrs[node])
		if over {
			return
		}
		if retry > 0 {
			pause = min(retry, retryMost)
		}
		if err != nil {
			w.mu.Lock()
			w.refused++
			w.mu.Unlock()
			node = (node + 1) % len(w.Addrs)
			pause = max(pause, 50*time.Millisecond)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// once opens one stream and reads it to its end. An error: nobody let it in.
func (w *Watcher) once(ctx context.Context, addr string) (over bool, retry time.Duration, err error) {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if w.From != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: w.From}
	}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false, 0, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if w.Drops > 0 {
		after := time.AfterFunc(time.Duration(float64(w.Drops)*(0.5+rand.Float64())), func() { conn.Close() })
		defer after.Stop()
	}
	if _, err := io.WriteString(conn, w.request(addr)); err != nil {
		return false, 0, err
	}
	if w.Deaf {
		_ = conn.(*net.TCPConn).SetReadBuffer(deafBuffer) // else the system reads for it, for minutes
		w.connected.Store(true)
		<-ctx.Done()
		return false, 0, nil
	}
	return w.read(conn)
}

func (w *Watcher) request(addr string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "GET /v1/campaigns/%s/events HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n", w.Campaign, addr)
	if w.Token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", w.Token)
	}
	w.mu.Lock()
	if id := w.page.ID(); id != "" {
		fmt.Fprintf(&b, "Last-Event-ID: %s\r\n", id)
	}
	w.mu.Unlock()
	b.WriteString("\r\n")
	return b.String()
}

// deafBuffer is how much the system takes for a watcher that never reads: as
// little as it lets us say.
const deafBuffer = 1 << 10

// readSize keeps ten thousand idle clients small.
const readSize = 2 << 10

func (w *Watcher) read(conn net.Conn) (over bool, retry time.Duration, err error) {
	r := bufio.NewReaderSize(conn, readSize)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return false, 0, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNoContent:
		return true, 0, nil
	case resp.StatusCode != http.StatusOK:
		return false, 0, fmt.Errorf("a stream was answered with %s", resp.Status)
	}
	w.mu.Lock()
	w.connects++
	w.mu.Unlock()
	w.connected.Store(true)
	defer w.connected.Store(false)
	p := &parser{}
	defer func() {
		if p.strange > 0 {
			w.mu.Lock()
			w.page.wrong("%d lines that the contract does not know", p.strange)
			w.mu.Unlock()
		}
	}()
	buf := make([]byte, readSize)
	for {
		n, err := resp.Body.Read(buf)
		at := time.Now()
		p.feed(buf[:n], func(e Event) {
			w.mu.Lock()
			w.page.Take(e)
			w.mu.Unlock()
			if w.Heard != nil {
				w.Heard(e, at)
			}
		})
		if err != nil {
			return false, p.retry, nil
		}
	}
}
