package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"firstcome/bench/stack"
)

// plainCommand streams as one would write it with net/http alone: a goroutine a
// client, which writes and flushes. POST makes something happen; ten times a
// second everybody hears how often it did.
func plainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "plain ADDRESS", Short: "A plain net/http event stream to measure against", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p := &plain{changed: make(chan struct{})}
			s := &http.Server{Addr: args[0], ReadHeaderTimeout: time.Minute, Handler: p}
			stop := context.AfterFunc(cmd.Context(), func() { _ = s.Close() })
			defer stop()
			go p.tick(cmd.Context())
			if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("stream plainly: %w", err)
			}
			return nil
		},
	}
}

type plain struct {
	mu      sync.Mutex
	count   int           // guarded by mu
	told    int           // guarded by mu
	frame   []byte        // guarded by mu: the last one
	changed chan struct{} // guarded by mu: closed at each frame
}

func (p *plain) tick(ctx context.Context) {
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
		if p.count > p.told {
			p.frame = frameOf(p.told+1, p.count)
			p.told = p.count
			close(p.changed)
			p.changed = make(chan struct{})
		}
		p.mu.Unlock()
	}
}

func frameOf(from, to int) []byte {
	return fmt.Appendf(nil, "id: plain-%d\nevent: count\ndata: {\"from\":%d,\"to\":%d,\"granted\":%d,\"waiting\":0,\"remaining\":null,\"at\":%q}\n\n",
		to, from, to, to, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
}

func (p *plain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		p.mu.Lock()
		p.count++
		p.mu.Unlock()
		w.WriteHeader(http.StatusCreated)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	last := eventNumber(r.Header.Get("Last-Event-ID"))
	p.mu.Lock()
	first, changed := frameOf(last+1, p.told), p.changed
	if last >= p.told {
		first = []byte("retry: 1000\n\n")
	}
	p.mu.Unlock()
	for {
		_, err := w.Write(first)
		if err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
		p.mu.Lock()
		first, changed = p.frame, p.changed
		p.mu.Unlock()
	}
}

// eventNumber is what is behind the dash of an id; 0 without one.
func eventNumber(id string) (n int) {
	_, _ = fmt.Sscanf(id, "plain-%d", &n) // else it begins at the beginning
	return n
}

// startPlain starts this program's own plain stream as a child process.
func startPlain(ctx context.Context) (*stack.Handler, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start the plain stream: %w", err)
	}
	return stack.StartHandler(ctx, self, "plain")
}
