package play

import "sync/atomic"

// counter counts what a crowd has done, and tells the stage now and then.
type counter struct {
	stage *Stage
	what  string
	total int
	every int64
	done  atomic.Int64
}

func newCounter(s *Stage, what string, total int) *counter {
	s.progress(what, 0, total)
	return &counter{stage: s, what: what, total: total, every: int64(max(total/100, 1))}
}

func (c *counter) one() {
	if n := c.done.Add(1); n%c.every == 0 || n == int64(c.total) {
		c.stage.progress(c.what, int(n), c.total)
	}
}
