package api

import (
	"net/http"
	"time"

	"firstcome/engine"
)

// feed is GET /v1/admin/campaigns/{id}/feed: every change, one by one.
func (s *Server) feed(c *call) error {
	id, err := c.campaign()
	if err != nil {
		return err
	}
	if s.streams == nil {
		return unavailable.elsewhere("this node serves no streams")
	}
	if err := s.ports.Glances.Following(id); err != nil {
		return err
	}
	q, err := c.query()
	if err != nil {
		return err
	}
	if s.feeds.Add(1) > feedsMost {
		s.feeds.Add(-1)
		return later(overloaded, engine.ErrOverloaded)
	}
	defer s.feeds.Add(-1)
	return c.follow(id, c.lastSeen(q))
}

const (
	// feedsMost bounds the admins who follow every change; beyond: 503.
	feedsMost = 32
	// feedEvery is how often a feed is looked at, feedAtOnce how much it gives then.
	feedEvery  = 100 * time.Millisecond
	feedAtOnce = 500
	// feedPatience is how long an admin may take to read that.
	feedPatience = 10 * time.Second
)

// follow writes changes until the client or the node leaves.
func (c *call) follow(id, after string) error {
	first, after, err := c.server.ports.Feed.Changes(c.r.Context(), id, after, feedAtOnce)
	if err != nil {
		return err
	}
	c.streamHead()
	c.status = http.StatusOK
	c.w.WriteHeader(c.status)
	if c.r.Method == http.MethodHead {
		return nil
	}
	out := http.NewResponseController(c.w)
	tick := time.NewTicker(feedEvery)
	defer tick.Stop()
	wrote := time.Now()
	for b := append(appendRetry(nil), first...); ; {
		if len(b) == 0 && time.Since(wrote) >= usualPace.heartbeat {
			b = silence
		}
		if len(b) > 0 {
			wrote = time.Now()
			_ = out.SetWriteDeadline(wrote.Add(feedPatience)) // every connection here has deadlines
			if _, err := c.w.Write(b); err != nil || out.Flush() != nil {
				return nil // nobody is there to hear of it
			}
		}
		select {
		case <-tick.C:
		case <-c.r.Context().Done():
			return nil
		case <-c.server.streams.ending:
			_, _ = c.w.Write(appendRetry(nil)) // the end says enough
			return nil
		}
		if b, after, err = c.server.ports.Feed.Changes(c.r.Context(), id, after, feedAtOnce); err != nil {
			return nil // the stream has begun: its end says enough
		}
	}
}
