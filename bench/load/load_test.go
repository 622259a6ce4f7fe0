package load

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestARequestIsWhatHTTPExpects(t *testing.T) {
	for name, tt := range map[string]struct{ method, token, body string }{
		"read":  {"GET", "", ""},
		"claim": {"POST", "abc", ""},
		"form":  {"POST", "abc", `{"if_full":"waitlist"}`},
	} {
		t.Run(name, func(t *testing.T) {
			raw := NewRequest(tt.method, "h:1", "/v1/x?a=b", tt.token, tt.body)
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(raw))))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != tt.body {
				t.Errorf("body %q, %v", body, err)
			}
			if r.Method != tt.method || r.Host != "h:1" || r.URL.RequestURI() != "/v1/x?a=b" {
				t.Errorf("%s %s %s", r.Method, r.Host, r.URL)
			}
			if want := tt.token != ""; (r.Header.Get("Authorization") == "Bearer "+tt.token) != want {
				t.Errorf("authorization %q", r.Header.Get("Authorization"))
			}
		})
	}
}

func TestAConnectionIsKeptAndDialledAgainWhenTheServerClosedIt(t *testing.T) {
	var dialled atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Idempotent-Replayed", "true")
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(201)
		_, _ = io.WriteString(w, strings.Repeat("x", 5000)) // chunked
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			dialled.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := NewConn(s.Listener.Addr().String())
	defer c.Close()
	r := NewRequest("POST", "h", "/", "", "")
	for range 3 {
		a, err := c.Do(r)
		if err != nil || a.Status != 201 || len(a.Body) != 5000 || !a.Replayed || !a.RetryAfter {
			t.Fatalf("%d, %d bytes, %v", a.Status, len(a.Body), err)
		}
	}
	if n := dialled.Load(); n != 1 {
		t.Errorf("dialled %d times, want once", n)
	}
	s.CloseClientConnections()
	if _, err := c.Do(r); err != nil {
		t.Errorf("after the server closed the idle connection: %v", err)
	}
}

func TestAnAbandonedRequestReachesTheServer(t *testing.T) {
	arrived := make(chan struct{}, 1)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{} }))
	defer s.Close()
	c := NewConn(s.Listener.Addr().String())
	if err := c.Abandon(NewRequest("POST", "h", "/", "", "")); err != nil {
		t.Fatal(err)
	}
	<-arrived
}

func TestClosedEndsTheCrowdAtTheFirstError(t *testing.T) {
	bad := errors.New("bad")
	err := Closed(context.Background(), 50, func(ctx context.Context, user int) error {
		if user == 7 {
			return bad
		}
		<-ctx.Done()
		return nil
	})
	if !errors.Is(err, bad) {
		t.Errorf("%v, want the first error", err)
	}
}

func TestOpenKeepsItsRateAndCountsTheWaitInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var worst time.Duration
		err := Open(context.Background(), 100, 300, 1, func(_ int, a Arrival) {
			if want := begin.Add(time.Duration(a.Number) * 10 * time.Millisecond); !a.Due.Equal(want) {
				t.Errorf("arrival %d is due %v late", a.Number, a.Due.Sub(want))
			}
			time.Sleep(20 * time.Millisecond) // the server takes twice as long as it has
			worst = max(worst, time.Since(a.Due))
		})
		if err != nil {
			t.Fatal(err)
		}
		// The last of 300 is due at 2.99 s and answered at 6 s.
		if want := 3010 * time.Millisecond; worst != want {
			t.Errorf("the longest latency is %v, want %v", worst, want)
		}
	})
}

func TestOpenEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		handled := 0
		err := Open(ctx, 10, 1000, 1, func(int, Arrival) { handled++ })
		if !errors.Is(err, context.DeadlineExceeded) || handled < 10 || handled > 11 {
			t.Errorf("%d handled, %v", handled, err)
		}
	})
}

func TestHistogramAgreesWithArithmetic(t *testing.T) {
	h := NewHistogram()
	for ms := range 1000 {
		h.Add(time.Duration(ms+1) * time.Millisecond)
	}
	for q, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.95: 950 * time.Millisecond, 1: time.Second} {
		if got := h.Quantile(q); got < want || got > want+want/500 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if got := h.Average(); got < 499*time.Millisecond || got > 502*time.Millisecond {
		t.Errorf("mean %v", got)
	}
	h.Add(0)
	h.Add(time.Hour)
	if h.TotalCount() != 1002 || h.Longest() < 59*time.Second {
		t.Errorf("what is out of range is lost: %d, %v", h.TotalCount(), h.Longest())
	}
}
