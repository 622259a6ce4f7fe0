package inprocess_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"firstcome/engine/redisgate/inprocess"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) *inprocess.Server {
	t.Helper()
	s, err := inprocess.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestOnlyWhoKnowsThePasswordGetsIn(t *testing.T) {
	s, other := start(t), start(t)
	o, err := redis.ParseURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	if host, _, _ := net.SplitHostPort(o.Addr); !net.ParseIP(host).IsLoopback() {
		t.Fatalf("it listens on %s", o.Addr)
	}
	if s.URL() == other.URL() || len(o.Password) < 20 {
		t.Fatal("the password can be guessed")
	}
	c := redis.NewClient(&redis.Options{Addr: o.Addr, Protocol: 2, MaxRetries: -1})
	defer c.Close()
	if err := c.Get(t.Context(), "x").Err(); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Fatalf("without a password: %v", err)
	}
}

func TestExpiriesRunDown(t *testing.T) {
	s := start(t)
	o, err := redis.ParseURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	defer c.Close()
	if err := c.Set(t.Context(), "lock", "x", 300*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	begin := time.Now()
	go func() { ended <- s.Run(ctx) }()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for c.Exists(t.Context(), "lock").Val() == 1 {
		<-ticker.C
		if time.Since(begin) > 5*time.Second {
			t.Fatal("the key never expires")
		}
	}
	if took := time.Since(begin); took < 250*time.Millisecond {
		t.Fatalf("it expired after %v", took)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
