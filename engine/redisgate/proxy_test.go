package redisgate_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy passes bytes between clients and a server. While mute it lets requests through,
// and instead of the first answer the client gets a closed connection.
type proxy struct {
	listener net.Listener
	server   atomic.Value // string
	mute     atomic.Bool
	group    sync.WaitGroup
}

func startProxy(t testing.TB, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l}
	p.setServer(server)
	p.group.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.group.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) setServer(addr string) { p.server.Store(addr) }

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server.Load().(string))
		if err != nil {
			_ = client.Close()
			continue
		}
		p.group.Go(func() { // requests
			_, _ = io.Copy(server, client)
			_ = server.Close()
		})
		p.group.Go(func() { // answers
			defer client.Close()
			defer server.Close()
			buf := make([]byte, 64<<10)
			for {
				n, err := server.Read(buf)
				if err != nil || p.mute.Load() {
					return
				}
				if _, err := client.Write(buf[:n]); err != nil {
					return
				}
			}
		})
	}
}
