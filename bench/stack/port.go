package stack

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports are taken below the range from which the kernel gives ports to
// outgoing connections, so that a service that is down keeps its own.
const firstPort, lastPort = 15000, 31999

var taken struct {
	sync.Mutex
	ports map[int]bool // handed out by this process, never given back
}

// freePort returns a loopback port that nobody listens on now. Another process
// may still take it before the service does: the start then fails by name.
func freePort() (int, error) {
	taken.Lock()
	defer taken.Unlock()
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if taken.ports[port] {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			return 0, fmt.Errorf("look for a free port: %w", err)
		}
		if taken.ports == nil {
			taken.ports = map[int]bool{}
		}
		taken.ports[port] = true
		return port, nil
	}
	return 0, errors.New("look for a free port: none in 200 tries")
}

// FreePort returns a loopback port that nobody listens on now, below the range
// of outgoing connections. This process gets each port once.
func FreePort() (int, error) { return freePort() }
