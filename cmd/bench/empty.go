package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"firstcome/bench/stack"
)

// emptyCommand serves nothing: what net/http alone costs. A stampede is
// measured against it, in a process of its own as firstcome is.
func emptyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "empty ADDRESS", Short: "An empty net/http handler to measure against", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s := &http.Server{
				Addr: args[0], ReadHeaderTimeout: time.Minute,
				Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }),
			}
			stop := context.AfterFunc(cmd.Context(), func() { _ = s.Close() })
			defer stop()
			if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve nothing: %w", err)
			}
			return nil
		},
	}
}

// startEmpty starts this program's own empty handler as a child process.
func startEmpty(ctx context.Context) (addr string, end func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, fmt.Errorf("start the empty handler: %w", err)
	}
	h, err := stack.StartHandler(ctx, self, "empty")
	if err != nil {
		return "", nil, err
	}
	return h.Addr, h.Close, nil
}
