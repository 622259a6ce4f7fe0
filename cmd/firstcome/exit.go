package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
)

// Exit codes, as scripts rely on them.
const (
	exitDone        = 0
	exitNotSo       = 1 // the thing asked for is not so
	exitUsage       = 2 // wrong usage or configuration
	exitUnreachable = 3 // a service is out of reach
)

// exitError is an error that knows its exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usage is wrong usage: exit code 2.
func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// unreachable marks an error of a service that does not answer: exit code 3.
func unreachable(what string, err error) error {
	return &exitError{exitUnreachable, fmt.Errorf("%s is out of reach: %w", what, err)}
}

// finish prints an error and returns the exit code that belongs to it.
func finish(stderr io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	var wrong problems
	if errors.As(err, &wrong) {
		fmt.Fprint(stderr, wrong.report())
		return exitUsage
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(stderr, "firstcome:", text)
	}
	var known *exitError
	if errors.As(err, &known) {
		return known.code
	}
	var dial *net.OpError
	if errors.As(err, &dial) || errors.Is(err, context.DeadlineExceeded) {
		return exitUnreachable
	}
	return exitNotSo
}
