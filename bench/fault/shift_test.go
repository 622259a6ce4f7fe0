package fault

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"firstcome/bench/stack"
)

// TestRedisTimeIsShifted reads a real server's clock over a link.
func TestRedisTimeIsShifted(t *testing.T) {
	server := stack.Redis(t)
	l := through(t, server.Port, 0, func(l *Link) wire { return &resp{link: l} })
	c := redis.NewClient(&redis.Options{Addr: address(l.Port())})
	defer c.Close()
	for _, by := range []time.Duration{0, time.Hour, -time.Hour} {
		l.Shift(by)
		now, err := c.Time(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		if off := time.Until(now).Round(time.Minute); off != by {
			t.Errorf("shifted by %s it is %s ahead", by, off)
		}
	}
}
