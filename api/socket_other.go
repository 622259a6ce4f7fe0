//go:build unix && !linux

package api

import "syscall"

// writeNow writes what fits. No room is 0 bytes and no error.
func writeNow(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), b)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, nil
		}
		return 0, err
	}
}

// unsent cannot be known here: a reader is slow when the system takes no more.
func unsent(uintptr) int { return 0 }
