package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"firstcome/bench/stack"
)

// Exit codes, as firstcome's own.
const (
	exitUnclean = 1 // the audit found something
	exitUsage   = 2
	exitMissing = 3 // a service is not installed
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, out, progress io.Writer) int {
	cmd := rootCommand(out, progress)
	cmd.SetArgs(longFlags(args))
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(progress, "bench:", err)
	switch {
	case errors.Is(err, errUnclean):
		return exitUnclean
	case errors.Is(err, stack.ErrMissing):
		return exitMissing
	case errors.Is(err, errUsage):
		return exitUsage
	}
	return exitUnclean
}
