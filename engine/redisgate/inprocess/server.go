package inprocess

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// tick is how often the expiries run down, and so the most that a lock outlives its own.
const tick = 250 * time.Millisecond

// Server is a Redis in this process.
type Server struct {
	redis    *miniredis.Miniredis
	password string
}

// Start starts a server; it listens when Start returns, because who connects needs its
// address. Run lets its time pass, Close stops it.
func Start() (*Server, error) {
	s := &Server{redis: miniredis.NewMiniRedis(), password: rand.Text()}
	s.redis.RequireAuth(s.password)
	if err := s.redis.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start redis in this process: %w", err)
	}
	return s, nil
}

// URL is what redisgate.Connect takes. It contains the password: it is not for logs.
func (s *Server) URL() string { return "redis://:" + s.password + "@" + s.redis.Addr() }

// Run lets expiries run down until ctx ends, and then returns nil. What passed while the
// process stood still passes at once.
func (s *Server) Run(ctx context.Context) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			now := time.Now()
			s.redis.FastForward(now.Sub(last))
			last = now
		}
	}
}

// Close stops the server and cuts its connections.
func (s *Server) Close() { s.redis.Close() }
