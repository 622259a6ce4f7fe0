package api

import (
	"errors"
	"syscall"
)

// hasSockets is false: streams are refused here, and clients poll.
const hasSockets = false

// errNotHere: streams need a system whose sockets can be written to without
// waiting.
var errNotHere = errors.New("streams are not served on this system")

func writeNow(uintptr, []byte) (int, error) { return 0, errNotHere }

func readNow(uintptr, []byte) (int, error) { return 0, errNotHere }

func boundSend(fd uintptr, bytes int) {
	_ = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, bytes) // only saves memory
}

// unsent is not asked here.
func unsent(uintptr) int { return 0 }
