package engine

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// A node that started with a wrong clock opened a campaign before it had asked anybody.
func TestAFreshClockIsNotTrustedBeforeAnAgreement(t *testing.T) {
	for name, tt := range map[string]struct {
		redis, postgres time.Duration
		soon, later     bool // trusted at once, and after a while
	}{
		"both say another time":  {time.Second, 1500 * time.Millisecond, true, true},
		"one says another time":  {-time.Hour, never, false, false},
		"they contradict":        {-time.Hour, time.Hour, false, false},
		"nobody is there to ask": {never, never, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ahead := func() time.Time { return time.Now().Add(2 * time.Hour) }
				c := newClock([]TimeSource{source{tt.redis}, source{tt.postgres}}, ahead, slog.New(slog.DiscardHandler))
				if c.trusted.Load() {
					t.Error("trusted before anybody was asked")
				}
				c.agree(t.Context())
				if got := c.trusted.Load(); got != tt.soon {
					t.Errorf("trusted %v after the first question", got)
				}
				time.Sleep(alone + time.Second)
				c.agree(t.Context())
				if got := c.trusted.Load(); got != tt.later {
					t.Errorf("trusted %v after %v", got, alone)
				}
			})
		})
	}
}
